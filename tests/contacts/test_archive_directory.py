"""The number of entries of a ZIP is known before its directory is read."""

import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.file_types import MAX_MEMBERS, unpack
from campaigns.contacts.importing.reading.archive_directory import count_entries

BEGINNING = b"PK\x03\x04"  # by which a ZIP is known
GARBAGE = b"no entry at all " * 4


def _entries(count: int, *, name: bytes = b"a") -> bytes:
    head = b"PK\x01\x02" + bytes(24) + struct.pack("<3H", len(name), 0, 0) + bytes(12)
    return (head + name) * count


def _archive(
    path: Path, directory: bytes, count: int, *, comment: bytes = b"", zip64: bool = False
) -> Path:
    """A ZIP of nothing but a directory that says that it has `count` entries."""
    text, size = BEGINNING + directory, len(directory)
    if zip64:
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 4)
        text += record + struct.pack("<4sLQL", b"PK\x06\x07", 0, len(text), 1)
        count = 0xFFFF
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, 4, len(comment))
    path.write_bytes(text + end + comment)
    return path


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize(
    ("directory", "count"),
    [
        (GARBAGE, MAX_MEMBERS + 1),  # the count is enough to know
        (_entries(MAX_MEMBERS + 1) + GARBAGE, 1),  # the count is false
        (_entries(150, name=b"a" * 65_535) + GARBAGE * 50_000, 150),  # a directory of 13 MB
    ],
)
def test_too_many_entries_are_refused_before_the_directory_is_read(
    directory: bytes, count: int, zip64: bool, tmp_path: Path
) -> None:
    path = _archive(tmp_path / "some", directory, count, zip64=zip64)
    with pytest.raises(ContactsError, match="The file is too large when unpacked"):
        unpack(path)


def test_a_large_directory_takes_no_memory(tmp_path: Path) -> None:
    path = _archive(tmp_path / "some", _entries(300_000), 1)
    tracemalloc.start()
    try:
        with pytest.raises(ContactsError, match="The file is too large when unpacked"):
            unpack(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20  # zipfile takes over 100 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("comment", [b"", b"a comment", b"x" * 65_535])
@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("count", [0, 1, 7, 10, 11])
def test_entries_are_counted_up_to_the_limit(
    count: int, zip64: bool, comment: bytes, tmp_path: Path
) -> None:
    path = _archive(tmp_path / "some", _entries(count), count, comment=comment, zip64=zip64)
    assert count_entries(path, 10) == count
    with zipfile.ZipFile(path) as archive:
        assert len(archive.infolist()) == count


@pytest.mark.parametrize(
    "text",
    [
        BEGINNING,
        BEGINNING + b"PK\x05\x06",
        BEGINNING + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 47, 4, 0),
        BEGINNING + GARBAGE + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 64, 4, 0),
        BEGINNING
        + bytes(60)
        + struct.pack("<4sLQL", b"PK\x06\x07", 0, 2, 1)
        # a second record, for readers that follow the locator
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0, 4, 0),
    ],
)
def test_an_archive_without_a_readable_directory_is_damaged(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(text)
    with pytest.raises(ContactsError, match="The file is damaged and cannot be opened"):
        unpack(path)
