"""The programs of other packages: found on PATH, or missed in one line."""

import os
import shutil
import subprocess

from viberdash.backups.errors import Refused

PACKAGES = {"pg_dump": "postgresql-client", "pg_restore": "postgresql-client", "gpg": "gnupg"}


def require(program: str) -> str:
    """The path of a program. Raises Refused if it is not on PATH."""
    path = shutil.which(program)
    if not path:
        package = PACKAGES.get(program, program)
        raise Refused(f"{program} is not installed. On Debian and Ubuntu: apt install {package}")
    return path


def run(command: list[str], variables: dict[str, str] | None = None) -> str:
    """Run a program and return what it prints. Raises Refused with its last line if it fails."""
    ended = subprocess.run(  # noqa: S603 - no shell, and secrets only in variables
        [require(command[0]), *command[1:]],
        env=os.environ | (variables or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        raise Refused(f"{command[0]} failed: {lines[0]}")
    return ended.stdout
