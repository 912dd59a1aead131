"""`python -m viberdash.dotenv`: write `.env` on first use, with its own secret and a free sandbox
port. With `--production` it is for a site that sends: values come from the environment or are asked
for, and what the settings refuse is not written.
"""

import os
import re
import secrets
import socket
import subprocess
import sys
from base64 import urlsafe_b64encode
from getpass import getpass
from pathlib import Path

# what `--production` asks for; those that hold secrets are not shown while they are typed
QUESTIONS = {
    "PUBLIC_BASE_URL": "Address of the site, such as https://viber.example.com",
    "DATABASE_URL": "postgres://user:password@host:port/name, or empty for SQLite",
    "REDIS_URL": "redis://host:port/number, or empty for none",
    "TIME_ZONE": "Time zone, such as Europe/Kyiv, or empty for UTC",
    "BSG_API_KEY": "API key of the BSG account",
}
HIDDEN = ("DATABASE_URL", "REDIS_URL", "BSG_API_KEY")
GATEWAY = "https://api.bsg.world/rest"
EXISTS = "There is an .env already. Move it away to write a new one."
CHECK = "from viberdash.environment import load_settings; load_settings()"
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


def encryption_key() -> str:
    """A new key of Fernet: it encrypts the API keys of brands."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def filled(example: str) -> str:
    """`.env.example` with the values that each installation has of its own."""
    own = with_values(example, {"KEY_ENCRYPTION_KEYS": encryption_key()})
    return own.replace("\nSECRET_KEY=\n", f"\nSECRET_KEY={secrets.token_urlsafe(50)}\n").replace(
        f"127.0.0.1:{DEFAULT_PORT}/rest", f"127.0.0.1:{sandbox_port()}/rest"
    )


def write(folder: Path) -> bool:
    """Write `.env`, readable only by its owner. False if there is one already."""
    text = filled((folder / ".env.example").read_text(encoding="utf-8"))
    try:
        _create(folder / ".env", text)
    except FileExistsError:
        return False
    return True


def write_production(folder: Path) -> None:
    """Ask, and write `.env` for a site that sends, readable only by its owner.

    Exits with 1 and one line, and leaves nothing, if there is one or the settings refuse a value.
    """
    if (folder / ".env").exists():
        sys.exit(EXISTS)
    values = {name: _answer(name) for name in QUESTIONS} | {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "KEY_ENCRYPTION_KEYS": encryption_key(),
        "BSG_API_URL": os.environ.get("BSG_API_URL", GATEWAY),
    }
    draft = folder / f".env.{os.getpid()}"
    try:
        _create(draft, with_values((folder / ".env.example").read_text(encoding="utf-8"), values))
        _check(draft)
        draft.with_name(".env").hardlink_to(draft)  # never over one that came meanwhile
    except FileExistsError:
        sys.exit(EXISTS)
    except OSError as fault:
        sys.exit(f"Nothing was written. {folder}: {fault.strerror}.")
    finally:
        draft.unlink(missing_ok=True)


def with_values(example: str, values: dict[str, str]) -> str:
    """`.env.example` with these values; where one is empty, its line stays a comment."""
    for name, value in values.items():
        line = f"{name}={value}" if value else f"#{name}="
        example = re.sub(rf"^#?{name}=.*$", lambda _: line, example, count=1, flags=re.MULTILINE)  # noqa: B023
    return example


def _answer(name: str) -> str:
    if name in os.environ:
        return os.environ[name].strip()
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    ask = getpass if name in HIDDEN else input
    return ask(f"{QUESTIONS[name]}: ").strip()


def _check(file: Path) -> None:
    """Exit with 1 and the line of the settings if they refuse what is in `file`."""
    names = (*QUESTIONS, "SECRET_KEY", "KEY_ENCRYPTION_KEYS", "BSG_API_URL")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    ended = subprocess.run(  # noqa: S603 - this Python, and a text of this file
        [sys.executable, "-c", CHECK],
        cwd=FOLDER,
        env=clean | {"ENV_FILE": str(file)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.exit(f"Nothing was written. {ended.stderr.strip()}")


def _create(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)


def main() -> None:
    if "--production" in sys.argv[1:]:
        try:
            write_production(FOLDER)
        except (KeyboardInterrupt, EOFError):
            sys.exit("\nNothing was written.")
        print("Wrote .env: the settings of a site that sends, with a secret of its own.")
    elif write(FOLDER):
        print(
            "Wrote .env: the settings of this installation, with its own secret and the sandbox as"
            " gateway."
        )


if __name__ == "__main__":
    main()
