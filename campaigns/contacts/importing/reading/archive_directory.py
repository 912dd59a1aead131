"""How many entries the directory of a ZIP has, found out before `zipfile` makes an object of each.

`zipfile` reads the whole directory into memory and believes its size, not its count. So the entries
themselves are counted, and only up to a limit. Imports nothing of the site.
"""

import struct
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

END = struct.Struct("<4s4H2LH")  # signature, disks, entries, size and place of the directory
END_SIGNATURE = b"PK\x05\x06"
END64 = struct.Struct("<4sQ2H2L4Q")
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR = struct.Struct("<4sLQL")
LOCATOR_SIGNATURE = b"PK\x06\x07"
ENTRY = struct.Struct("<4s24x3H12x")  # signature, lengths of name, extra field and comment
ENTRY_SIGNATURE = b"PK\x01\x02"
MAX_COMMENT = 1 << 16
MAX_ENTRY = 1_000  # bytes of an entry on average; a long path takes 200


def count_entries(path: Path, limit: int) -> int:
    """The number of entries in the directory of the ZIP at `path`; `limit` + 1 if there are more,
    by what the file says or by what is there. Raises BadZipFile if there is no directory.
    """
    with path.open("rb") as file:
        place, count, size = _end_record(file)
        if count > limit or size > limit * MAX_ENTRY:
            return limit + 1
        if place < size:
            raise BadZipFile("the directory begins before the file")
        file.seek(place - size)
        return _count(file.read(size), limit)


def _count(directory: bytes, limit: int) -> int:
    count, place = 0, 0
    while place < len(directory) and count <= limit:
        if len(directory) - place < ENTRY.size:
            raise BadZipFile("the directory is cut off")
        signature, *lengths = ENTRY.unpack_from(directory, place)
        if signature != ENTRY_SIGNATURE:
            raise BadZipFile("the directory has something else than entries")
        place += ENTRY.size + sum(lengths)
        count += 1
    return count


def _end_record(file: IO[bytes]) -> tuple[int, int, int]:
    """Where the directory ends, how many entries it is said to have, and its size in bytes."""
    end = file.seek(0, 2)
    tail_place = max(end - MAX_COMMENT - END.size, 0)
    file.seek(tail_place)
    tail = file.read()
    last = len(tail) - END.size
    without_comment = tail[last:].startswith(END_SIGNATURE) and tail.endswith(b"\0\0")
    found_at = last if last >= 0 and without_comment else tail.rfind(END_SIGNATURE)
    if found_at < 0 or found_at > last:
        raise BadZipFile("no end of a directory")
    _signature, _disk, _first_disk, _here, count, size, _place, _comment = END.unpack_from(
        tail, found_at
    )
    return _end_record_64(file, tail_place + found_at) or (tail_place + found_at, count, size)


def _end_record_64(file: IO[bytes], end: int) -> tuple[int, int, int] | None:
    """The same of a ZIP64 record before `end`, if there is one.

    Readers look for it right before its locator or where that points to. A file in which these
    differ shows each of them another directory, so it is refused.
    """
    if end < LOCATOR.size:
        return None
    file.seek(end - LOCATOR.size)
    signature, _disk, place, _disks = LOCATOR.unpack(file.read(LOCATOR.size))
    if signature != LOCATOR_SIGNATURE:
        return None
    if place != end - LOCATOR.size - END64.size:
        raise BadZipFile("the ZIP64 record is somewhere else")
    file.seek(place)
    record = END64.unpack(file.read(END64.size))
    if record[0] != END64_SIGNATURE:
        raise BadZipFile("no ZIP64 record where its locator points")
    return place, record[7], record[8]
