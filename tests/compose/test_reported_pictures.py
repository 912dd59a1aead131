"""Images that made other programs fail. Each is made here after a report, which is named."""

import struct
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from campaigns.compose.message.pictures import encode_picture
from tests.compose.test_picture_colours import about, colour, file

RED, GREEN = (200, 30, 30), (0, 200, 60)
DAMAGED = "The image is damaged. Open it on your computer and save it again."


def plain(colour: tuple[int, ...] = RED, size: tuple[int, int] = (100, 100)) -> Image.Image:
    return Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(extra: bytes) -> BytesIO:
    """A red PNG with `extra` bytes behind its first chunk."""
    content = file(plain(), "PNG").getvalue()
    return BytesIO(content[:33] + extra + content[33:])


LARGE = zlib.compress(b" " * 2_000_000)


@pytest.mark.parametrize(
    "extra",
    [
        # python-pillow/Pillow#7817: a colour profile of an unknown compression, or without data
        chunk(b"iCCP", b"profile\0\1" + zlib.compress(b"profile")),
        chunk(b"iCCP", b""),
        # a chunk of text with a wrong checksum, at which Pillow stops as well
        chunk(b"tEXt", b"Comment\0text")[:-1] + b"\0",
        # python-pillow/Pillow#2445, KatherLab/STAMP#76: a colour profile of over 1 MB
        chunk(b"iCCP", b"profile\0\0" + LARGE),
        # python-pillow/Pillow#8363: a text of over 1 MB, as image editors write their history
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LARGE),
        # far more than anybody writes: neither unpacked nor a reason to refuse the pixels
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 50_000_000)),
    ],
    ids=["method", "no data", "checksum", "large profile", "large text", "bomb"],
)
def test_a_png_is_read_whatever_stands_beside_its_pixels(extra: bytes) -> None:
    encoded = encode_picture(png_with(extra))
    assert (encoded.ending, encoded.width, colour(encoded)) == ("png", 100, RED)


def test_a_png_with_broken_pixels_is_refused() -> None:
    content = file(plain(), "PNG").getvalue()
    place = content.index(b"IDAT") + 8
    broken = content[:place] + b"\xff\xff\xff" + content[place + 3 :]
    with pytest.raises(ValidationError) as refusal:
        encode_picture(BytesIO(broken))
    assert refusal.value.messages == [DAMAGED]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("WEBP", {"lossless": True}),  # thumbor/thumbor#1889, nextcloud/server#37263
        ("PNG", {}),  # python-pillow/Pillow#7700
        ("PNG", {"default_image": True}),  # python-pillow/Pillow#4243: a picture before the frames
    ],
)
def test_the_first_frame_of_an_animation_is_taken(kind: str, options: dict[str, bool]) -> None:
    frames = {"save_all": True, "append_images": [plain(GREEN)], "duration": 200}
    encoded = encode_picture(file(plain(), kind, **frames, **options))
    assert (encoded.width, colour(encoded)) == (100, RED if kind == "PNG" else about(RED))


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_unknown_orientation_leaves_the_image_as_it_is(orientation: int) -> None:
    """wagtail/Willow#36: the orientation is 0."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = encode_picture(file(plain(size=(200, 100)), "JPEG", exif=exif))
    assert (encoded.width, encoded.height, colour(encoded)) == (200, 100, about(RED))


def test_a_place_without_a_value_does_not_keep_a_photo_from_being_turned() -> None:
    """python-pillow/Pillow#8548 and #8605: degrees, minutes and seconds are 0/0."""
    rational = struct.pack(">II", 0, 0) * 3
    exif = b"Exif\0\0MM\0*" + struct.pack(">I", 8)
    exif += struct.pack(">H", 2)
    exif += struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)  # turned by 90 degrees
    exif += struct.pack(">HHII", 0x8825, 4, 1, 38) + struct.pack(">I", 0)
    exif += struct.pack(">H", 1) + struct.pack(">HHII", 2, 5, 3, 56) + struct.pack(">I", 0)
    encoded = encode_picture(file(plain(size=(200, 100)), "JPEG", exif=exif + rational))
    assert (encoded.width, encoded.height, colour(encoded)) == (100, 200, about(RED))


def test_a_turned_jpeg_with_a_second_picture_is_upright() -> None:
    """python-pillow/Pillow#4603, with an orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = plain(size=(200, 100))
    image.paste(GREEN, (100, 0, 200, 100))
    both = file(image, "MPO", save_all=True, append_images=[plain(GREEN)], exif=exif)
    encoded = encode_picture(both)
    assert (encoded.width, encoded.height) == (100, 200)
    assert (colour(encoded), colour(encoded, 5, 195)) == (about(RED), about(GREEN))


@pytest.mark.parametrize("missing", [2, 4, 3_000])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_whose_end_is_missing_is_refused(progressive: bool, missing: int) -> None:
    """python-pillow/Pillow#2717, where the picture was black, and #3023."""
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    content = file(noise, "JPEG", progressive=progressive).getvalue()
    with pytest.raises(ValidationError) as refusal:
        encode_picture(BytesIO(content[:-missing]))
    assert refusal.value.messages == [DAMAGED]


def test_a_webp_whose_end_is_missing_is_called_damaged() -> None:
    content = file(Image.effect_noise((200, 200), 90).convert("RGB"), "WEBP").getvalue()
    with pytest.raises(ValidationError) as refusal:
        encode_picture(BytesIO(content[:-3]))
    assert refusal.value.messages == [DAMAGED]


def test_the_shades_of_transparency_of_a_palette_are_kept() -> None:
    """coobird/thumbnailator#41, Studio-42/elFinder#244: they became black."""
    image = Image.new("P", (100, 100), 1)
    image.putpalette([0, 0, 0, *RED, *GREEN])
    image.paste(2, (50, 0, 100, 100))
    encoded = encode_picture(file(image, "PNG", transparency=bytes([0, 128, 255])))
    assert (colour(encoded), colour(encoded, 95)) == ((*RED, 128), (*GREEN, 255))


@pytest.mark.parametrize(
    ("kind", "samples", "shown"),
    [
        (2, (40_000, 0, 65_535), (156, 0, 255)),  # python-pillow/Pillow#880
        (4, (40_000, 32_768), (156, 156, 156, 128)),
        (6, (40_000, 0, 0, 32_768), (156, 0, 0, 128)),
    ],
    ids=["colour", "grey and transparency", "colour and transparency"],
)
def test_samples_of_16_bits_become_8(
    kind: int, samples: tuple[int, ...], shown: tuple[int, ...]
) -> None:
    row = b"\0" + struct.pack(f">{len(samples)}H", *samples) * 100
    content = b"\x89PNG\r\n\x1a\n"
    content += chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 16, kind, 0, 0, 0))
    content += chunk(b"IDAT", zlib.compress(row * 100)) + chunk(b"IEND", b"")
    assert colour(encode_picture(BytesIO(content))) == shown


def test_cmyk_is_read_with_and_without_the_mark_of_adobe() -> None:
    """lovell/sharp#1649, LadybirdBrowser/ladybird#6486: light and dark changed places."""
    content = file(Image.new("CMYK", (100, 100), (0, 255, 255, 0)), "JPEG").getvalue()
    place = content.index(b"Adobe") - 4
    length = 2 + int.from_bytes(content[place + 2 : place + 4])
    unmarked = content[:place] + content[place + length :]
    assert colour(encode_picture(BytesIO(content))) == about((254, 0, 0))
    assert colour(encode_picture(BytesIO(unmarked))) == about((254, 0, 0))
