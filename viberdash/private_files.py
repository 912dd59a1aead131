"""What this installation writes is read by its own user alone, whoever else has an account here."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

OTHERS = 0o077  # the rights of the group and of everybody


def keep_private() -> None:
    """Create files and folders from now on without any rights for others."""
    os.umask(OTHERS)


def tighten(paths: Iterable[Path]) -> list[str]:
    """Take the rights of others from files, and from folders with all that is in them.

    Returns a line about each path where there was something to take, or where that is not
    possible because another user owns it.
    """
    return [line for path in dict.fromkeys(paths) for line in _tighten(path)]


def _tighten(path: Path) -> Iterator[str]:
    changed, foreign = 0, 0
    for entry in _with_content(path):
        try:
            status = entry.lstat()
            if stat.S_ISLNK(status.st_mode) or not status.st_mode & OTHERS:
                continue
            entry.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)
            changed += 1
        except FileNotFoundError:  # deleted meanwhile
            continue
        except PermissionError:
            foreign += 1
    if changed:
        yield f"Other users of this machine could read {path}: corrected, {changed} in all."
    if foreign:
        yield (
            f"Other users of this machine can read {path}: {foreign} in all belong to another"
            " user, who has to correct it with chmod -R go= ."
        )


def _with_content(path: Path) -> Iterator[Path]:
    yield path
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            yield Path(folder, name)
