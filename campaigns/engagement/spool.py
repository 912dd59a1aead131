"""Clicks in files, from when they were opened until the database has them.

A writer can hold SQLite for seconds. So a web process first writes what it got to a file of its own
for each half second, and deletes the file when its clicks are stored. What a killed process left is
stored by another one: clicks have ids, so whatever is stored twice is there once.
"""

import json
import logging
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
LEFT_AFTER = 60.0  # seconds, after which a file is taken for one of a dead process


@dataclass(frozen=True, slots=True)
class OpenedAt:
    """A link that was opened. `id` is random and becomes that of the click. `opens_many`: whether
    the visitor's address opened links of many others.
    """

    id: int
    campaign_id: int
    recipient_id: int
    number: int
    at: datetime
    is_head: bool
    user_agent: str
    opens_many: bool


class Spool:
    """The files in a `folder`, which is made with the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, opened: Sequence[OpenedAt]) -> Path:
        """A new file with these clicks, on the disk when this returns. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{secrets.token_hex(8)}.json"
        rows = [asdict(click) | {"at": click.at.isoformat()} for click in opened]
        with path.with_suffix(".part").open("w", encoding="utf-8") as file:
            json.dump(rows, file)
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".part").rename(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return path

    def left(self) -> Iterator[tuple[Path, list[OpenedAt]]]:
        """The files that dead processes left, and what is in them. One that can't be read is given
        another name, and holds up no other.
        """
        for path in sorted(self._folder.glob("*.json")):
            try:
                if path.stat().st_mtime < time.time() - LEFT_AFTER:
                    yield path, [_read(row) for row in json.loads(path.read_text("utf-8"))]
            except FileNotFoundError:  # another process was faster
                continue
            except (ValueError, TypeError, KeyError):
                logger.exception("Clicks in %s can't be read", path)
                path.rename(path.with_suffix(".unreadable"))


def _read(row: dict[str, Any]) -> OpenedAt:
    return OpenedAt(**(row | {"at": datetime.fromisoformat(row["at"])}))
