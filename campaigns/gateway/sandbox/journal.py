"""The journal: JSON lines that are only ever appended, from which a restart goes on with the same
messages.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Journal:
    """A file of events. Each is handed to the system before the call that caused it is answered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def replay(self) -> Iterator[Mapping[str, Any]]:
        """The events so far. A last line that a crash cut short is dropped from the file. Then it
        is open to write.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+b")
        self._file.seek(0)
        good = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            yield json.loads(line)
            good += len(line)
        self._file.truncate(good)

    def write(self, event: Mapping[str, Any]) -> None:
        if self._file:
            self._file.write(_encode(event).encode("utf-8", "replace") + b"\n")
            self._file.flush()

    def clear(self) -> None:
        if self._file:
            self._file.truncate(0)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
