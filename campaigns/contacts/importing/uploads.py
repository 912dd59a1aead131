"""Contact files on disk: below UPLOAD_ROOT, under random names, gone when they are not needed any
more.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings


def store(chunks: Iterable[bytes]) -> str:
    """Write the chunks to a new file; its path below UPLOAD_ROOT."""
    root = Path(settings.UPLOAD_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = secrets.token_hex(16)
    with (root / name).open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
    return name


def store_copy(path: Path) -> str:
    """Store a copy of the file at `path`."""
    with path.open("rb") as file:
        return store(iter(lambda: file.read(1 << 20), b""))


def locate(name: str) -> Path:
    """Where the file with this path below UPLOAD_ROOT is."""
    return Path(settings.UPLOAD_ROOT) / name


def upload_name(name: str) -> str:
    """The path of the file as it was uploaded, of it or of what was unpacked from it."""
    return name.split(".", 1)[0]


def remove(name: str) -> None:
    """Delete the file and whatever was unpacked from it."""
    if not name:
        return
    for path in Path(settings.UPLOAD_ROOT).glob(f"{upload_name(name)}*"):
        path.unlink(missing_ok=True)


def remove_orphans(needed: Iterable[str], before: float) -> None:
    """Delete files last written `before` (seconds since 1970) that nothing `needed` belongs to:
    left by a crash.
    """
    needed_names = {upload_name(name) for name in needed}
    for path in Path(settings.UPLOAD_ROOT).glob("*"):
        if upload_name(path.name) not in needed_names and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
