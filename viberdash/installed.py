"""Which version of ViberDash is installed, and from which commit where that is known."""

import os
import re
from pathlib import Path

from viberdash import __version__

FOLDER = Path(__file__).resolve().parent.parent
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT = 10  # characters of a hash that are shown


def installed(hash_of_commit: str | None = None) -> str:
    """Such as "ViberDash 0.2.0 (ef468f1acb)"; without a commit "ViberDash 0.2.0"."""
    short = (commit() if hash_of_commit is None else hash_of_commit)[:SHORT]
    return f"ViberDash {__version__}" + (f" ({short})" if short else "")


def commit(folder: Path = FOLDER) -> str:
    """The hash of the commit that is checked out in `folder`, or that VIBERDASH_COMMIT names, as in
    a container; an empty string if neither is known. Git itself is not needed.
    """
    named = os.environ.get("VIBERDASH_COMMIT", "").strip()
    if HASH.fullmatch(named):
        return named
    try:
        return _checked_out(_git_folder(folder))
    except (OSError, ValueError):
        return ""


def _git_folder(folder: Path) -> Path:
    place = folder / ".git"
    if place.is_file():  # a worktree
        return folder / place.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    return place


def _checked_out(git: Path) -> str:
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return head if HASH.fullmatch(head) else ""
    name = head.removeprefix("ref: ")
    common = git / "commondir"
    shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
    if (shared / name).is_file():
        return (shared / name).read_text(encoding="utf-8").strip()
    packed = (shared / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")


RUNNING = commit()  # of this process, when it started
