"""Uploaded files on disk: below UPLOAD_ROOT, under random names, deleted after the import."""

import logging
import secrets
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)


def store(chunks: Iterable[bytes]) -> str:
    """Write the chunks to a new file; returns its path below UPLOAD_ROOT.

    Raises OSError, for example for a full disk, and what reading the chunks raises; then nothing is
    left of it.
    """
    root = Path(settings.UPLOAD_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = secrets.token_hex(16)
    try:
        with (root / name).open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
    except BaseException:
        remove(name)
        raise
    return name


def store_copy(path: Path) -> str:
    """Store a copy of the file at `path`; returns the path of the copy below UPLOAD_ROOT."""
    with path.open("rb") as file:
        return store(iter(lambda: file.read(1 << 20), b""))


def locate(name: str) -> Path:
    """The absolute path of a stored file."""
    return Path(settings.UPLOAD_ROOT) / name


def upload_name(name: str) -> str:
    """The name of the uploaded file that `name`, itself or unpacked from it, belongs to."""
    return name.split(".", 1)[0]


def remove(name: str) -> None:
    """Delete an uploaded file and what was unpacked from it."""
    if not name:
        return
    for path in Path(settings.UPLOAD_ROOT).glob(f"{upload_name(name)}*"):
        _unlink(path)


def _unlink(path: Path) -> bool:
    """Delete a file; what cannot be deleted is logged, and tried again with the orphans."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("cannot delete the upload %s: %s", path.name, error)
        return False
    return True


def remove_orphans(paths_in_use: Iterable[str], before: float) -> int:
    """Delete files that a crash left behind: not in use, last written `before` (Unix time). Returns
    how many.
    """
    removed = 0
    names_in_use = {upload_name(name) for name in paths_in_use}
    for path in Path(settings.UPLOAD_ROOT).glob("*"):
        if upload_name(path.name) in names_in_use:
            continue
        try:
            old = path.stat().st_mtime < before
        except FileNotFoundError:  # another worker has just deleted it
            continue
        if old:
            removed += _unlink(path)
    return removed
