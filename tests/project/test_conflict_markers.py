"""No file of the tree has the marks of a merge that was not finished."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
MARKER = re.compile(rb"^(?:<{7}|>{7}|\|{7}|={7})(?:[ \r].*)?$", re.MULTILINE)
NOT_OURS = {"node_modules", "var", "__pycache__"}  # besides hidden folders, in a tree without Git


def tracked_files() -> list[Path]:
    """The files that Git tracks; where the tree came without Git, all that it contains."""
    if (ROOT / ".git").exists():
        names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT).decode().split("\0")
        return [ROOT / name for name in names if name]
    return list(files_below(ROOT))


def files_below(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in NOT_OURS and name[0] != "."]
        yield from (Path(folder, name) for name in names)


def marked_lines(content: bytes) -> list[int]:
    """The numbers of the lines with a marker; none in a file that is not text."""
    if b"\0" in content:
        return []
    return [content.count(b"\n", 0, found.start()) + 1 for found in MARKER.finditer(content)]


def test_no_tracked_file_has_a_conflict_marker() -> None:
    files = [path for path in tracked_files() if path.is_file()]
    assert ROOT / "pyproject.toml" in files
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number in marked_lines(path.read_bytes())
    ] == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n{0} HEAD\nb\n{1}\nc\n{2} other\n", [2, 4, 6]),
        ("{3} base\r\n{1}\r\n", [1, 2]),
        ("a {0} HEAD\n{1}=\n{0}x\n", []),  # in a line, longer, or without the space
        ("\0{0} HEAD\n", []),
        ("{1}", [1]),
    ],
)
def test_markers_are_found_at_the_start_of_a_line(text: str, lines: list[int]) -> None:
    written = text.format(*(sign * 7 for sign in "<=>|"))
    assert marked_lines(written.encode()) == lines
