"""`python -m viberdash.dotenv`: makes `.env` on first use, with a secret of its own and a free port
for the sandbox.
"""

import os
import secrets
import socket
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
USUAL_PORT = 8090


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen at `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def sandbox_port() -> int:
    return next((port for port in range(USUAL_PORT, USUAL_PORT + 100) if is_free(port)), USUAL_PORT)


def filled(example: str) -> str:
    """`.env.example` with what must differ from one installation to the next."""
    return example.replace(
        "\nSECRET_KEY=\n", f"\nSECRET_KEY={secrets.token_urlsafe(50)}\n"
    ).replace(f"127.0.0.1:{USUAL_PORT}/rest", f"127.0.0.1:{sandbox_port()}/rest")


def write(folder: Path) -> bool:
    """Write `.env`, readable by its owner alone; False where there is one already."""
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
        "Wrote .env: the settings of this installation, with a secret of its own and the sandbox as"
        " gateway."
    )
