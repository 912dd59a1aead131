"""Folders of backups: one for each, with a manifest that says what is in it and how it was."""

import fcntl
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from viberdash import __version__
from viberdash.backups.errors import Refused

MANIFEST = "manifest.json"
PREFIX, DRAFT = "viberdash-", ".unfinished-"
STAMP = "%Y%m%dT%H%M%SZ"


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One backup at a time in `root`; what an interrupted one left is deleted. Raises Refused."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(root / ".lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise Refused(f"Another backup is being written to {root}.") from busy
        for draft in root.glob(f"{DRAFT}*"):
            shutil.rmtree(draft)
        yield


@contextmanager
def draft(root: Path, now: datetime) -> Iterator[tuple[Path, Path]]:
    """A private folder to write a backup into, and the name it gets when it is complete.

    It is deleted if anything fails.
    """
    name = f"{PREFIX}{now.strftime(STAMP)}"
    folder = root / f"{DRAFT}{name}"
    folder.mkdir(mode=0o700)
    try:
        yield folder, root / name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def finish(folder: Path, name: Path, facts: dict[str, Any], engine: str, now: datetime) -> None:
    """Write the manifest, see that everything is on the disk, and give the backup its name."""
    files = {file.name: checksum(file) for file in sorted(folder.iterdir())}
    manifest = {
        "version": __version__,
        "engine": engine,
        "made_at": now.isoformat(timespec="seconds"),
        "facts": facts,
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for path in (*folder.iterdir(), folder):
        _sync(path)
    folder.rename(name)
    _sync(name.parent)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a backup whose files are all as they were written. Raises Refused."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise Refused(f"{folder} is no complete backup: {MANIFEST} can't be read.") from fault
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise Refused(f"{folder} is no complete backup: {name} is missing.")
        if checksum(folder / name) != expected:
            raise Refused(f"{folder / name} is damaged: its checksum is another one.")
    return manifest


def complete(root: Path) -> list[str]:
    """The names of the complete backups in `root`, the oldest first."""
    return sorted(path.parent.name for path in root.glob(f"{PREFIX}*/{MANIFEST}"))


def delete_old(root: Path, now: datetime, days: int | None, number: int | None) -> list[str]:
    """Delete backups older than `days`, and all but the newest `number`; the newest complete one
    stays. Returns the names of those that were deleted.
    """
    old = too_old(complete(root), now, days, number)
    for name in old:
        shutil.rmtree(root / name)
    return old


def too_old(names: list[str], now: datetime, days: int | None, number: int | None) -> list[str]:
    """Which of the `names` of complete backups, the oldest first, `delete_old` deletes."""
    oldest = (now - timedelta(days=days)).strftime(STAMP) if days else ""
    last = names[-number:] if number else names
    return [name for name in names[:-1] if name not in last or name.removeprefix(PREFIX) < oldest]


def pack(source: Path, target: Path) -> None:
    """A compressed archive of a folder; files that are deleted meanwhile are left out."""
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink():
                try:
                    archive.add(path, str(path.relative_to(source)), recursive=False)
                except FileNotFoundError:
                    continue


def unpack(archive: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")


def checksum(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
