"""`python -m viberdash.dotenv`: write `.env` on first use, with its own secret and a free sandbox
port.
"""

import os
import secrets
import socket
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8090


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def sandbox_port() -> int:
    return next(
        (port for port in range(DEFAULT_PORT, DEFAULT_PORT + 100) if is_free(port)), DEFAULT_PORT
    )


def filled(example: str) -> str:
    """`.env.example` with the values that each installation has of its own."""
    return example.replace(
        "\nSECRET_KEY=\n", f"\nSECRET_KEY={secrets.token_urlsafe(50)}\n"
    ).replace(f"127.0.0.1:{DEFAULT_PORT}/rest", f"127.0.0.1:{sandbox_port()}/rest")


def write(folder: Path) -> bool:
    """Write `.env`, readable only by its owner. False if there is one already."""
    text = filled((folder / ".env.example").read_text(encoding="utf-8"))
    try:
        handle = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True


if __name__ == "__main__" and write(FOLDER):
    print(
        "Wrote .env: the settings of this installation, with its own secret and the sandbox as"
        " gateway."
    )
