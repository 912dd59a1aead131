"""What the files of images say before a pixel is read: their kind, and what is missing or broken.

libheif shows a photo whose end is missing, with the missing tiles in black, and says nothing.
Pillow refuses a PNG for a chunk that no pixel depends on, and that browsers skip.
"""

import os
from collections.abc import Iterator
from enum import Enum
from io import BytesIO
from typing import IO, TYPE_CHECKING

from django.core.files.uploadedfile import UploadedFile

if TYPE_CHECKING:
    File = IO[bytes] | UploadedFile[bytes]
else:
    File = object

HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
AVIF_BRANDS = frozenset({b"avif", b"avis"})
IMAGE_BOXES = frozenset({b"meta", b"mdat"})
BOXES_MAX = 1_000  # looked at; a photo has three or four
START = 256  # bytes that are read to know the kind; the first box of a HEIC lists some brands
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_CHUNKS_OF_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


class Container(Enum):
    """The kind of a file by its first bytes; `HEIC_CUT_OFF` is one whose end is missing."""

    AVIF = "AVIF"
    HEIC = "HEIC"
    HEIC_CUT_OFF = "HEIC, cut off"
    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    OTHER = "other"


def examine(file: File) -> Container:
    """The kind of `file`, which is left at its beginning."""
    file.seek(0)
    start = file.read(START)
    kind = _kind(start)
    if kind is Container.HEIC and not _is_whole(file):
        kind = Container.HEIC_CUT_OFF
    file.seek(0)
    return kind


def _kind(start: bytes) -> Container:
    if start.startswith(b"\xff\xd8\xff"):
        return Container.JPEG
    if start.startswith(PNG_START):
        return Container.PNG
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return Container.WEBP
    if start[4:8] != b"ftyp" or start[8:12] not in HEIC_BRANDS | AVIF_BRANDS:
        return Container.OTHER
    return Container.AVIF if AVIF_BRANDS & _brands(start) else Container.HEIC


def _brands(start: bytes) -> set[bytes]:
    """The brand of a HEIC or AVIF file and those that it is compatible with."""
    box = start[: int.from_bytes(start[:4])]
    return {start[8:12]} | {box[place : place + 4] for place in range(16, len(box), 4)}


def _is_whole(file: File) -> bool:
    """Whether no box with parts of the image runs over the end of the file.

    A box begins with its size and its name (ISO/IEC 14496-12, 4.2).
    """
    length = file.seek(0, os.SEEK_END)
    place = 0
    for _number in range(BOXES_MAX):
        file.seek(place)
        head = file.read(16)
        size, name = int.from_bytes(head[:4]), head[4:8]
        if size == 1:  # the real size follows the name
            size = int.from_bytes(head[8:16])
        if size < 8:  # 0: up to the end of the file; otherwise no box but what an app has added
            return True
        place += size
        if place >= length:
            return place == length or name not in IMAGE_BOXES
    return True


def png_of_pixels(file: File) -> BytesIO:
    """The PNG `file` with nothing but the chunks that its pixels depend on."""
    file.seek(0)
    content = file.read()
    kept = [PNG_START]
    kept += (chunk for name, chunk in _png_chunks(content) if name in PNG_CHUNKS_OF_PIXELS)
    return BytesIO(b"".join(kept))


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name of each chunk with all of its bytes: length, name, data and checksum."""
    place = len(PNG_START)
    while place + 8 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4])
        yield content[place + 4 : place + 8], content[place:end]
        place = end
