"""The journal: a file of JSON lines, only appended to, that restores the messages at a restart."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Journal:
    """A file of events. Each is written before the call that caused it is answered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def replay(self) -> Iterator[Mapping[str, Any]]:
        """The events so far; then the file is open for writing.

        A last line that is incomplete after a crash is removed.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+b")
        self._file.seek(0)
        complete = 0  # bytes
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            yield json.loads(line)
            complete += len(line)
        self._file.truncate(complete)

    def write(self, event: Mapping[str, Any]) -> None:
        """Append `event`."""
        if self._file:
            self._file.write(_encode(event).encode("utf-8", "replace") + b"\n")
            self._file.flush()

    def clear(self) -> None:
        """Remove all events."""
        if self._file:
            self._file.truncate(0)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
