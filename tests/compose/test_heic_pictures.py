"""HEIC photos are read like any other image, and refused with the reason where they can't be."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from campaigns.compose.message.picture_containers import Container, examine
from campaigns.compose.message.pictures import encode_picture
from campaigns.compose.models import Picture
from tests.compose.factories import person
from tests.compose.test_picture_colours import FILES, about, colour, file

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 60, 200)
DAMAGED = "The image is damaged. Open it on your computer and save it again."


def heic(image: Image.Image, **options: object) -> bytes:
    return file(image, "HEIF", enc_params={"preset": "ultrafast"}, **options).getvalue()


def two_colours(size: tuple[int, int] = (200, 100)) -> Image.Image:
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (size[0] // 2, 0, *size))
    return image


def resized(content: bytes, width: int, height: int) -> bytes:
    """The file with another size in its properties (`ispe`); the pixels stay as they are."""
    parts = content.split(b"ispe")
    claim = b"\0" * 4 + struct.pack(">II", width, height)
    return b"ispe".join([parts[0]] + [claim + part[12:] for part in parts[1:]])


def refusal(content: bytes) -> str:
    with pytest.raises(ValidationError) as error:
        encode_picture(BytesIO(content))
    return error.value.messages[0]


@pytest.mark.django_db
def test_a_heic_photo_is_uploaded_and_stored_as_jpeg(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    client.force_login(person())
    upload = SimpleUploadedFile("IMG_0001.HEIC", heic(two_colours((1000, 500))))
    assert client.post("/campaigns/pictures/upload", {"picture": upload}).status_code == 200
    stored = Picture.objects.get()
    assert (stored.title, stored.width, stored.height) == ("IMG_0001", 800, 400)
    with Image.open(tmp_path / str(stored.file)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert image.getpixel((5, 5)) == about(RED)
        assert image.getpixel((795, 395)) == about(GREEN)


def test_a_photo_in_tiles_is_put_together() -> None:
    """Phones write tiles of 512 pixels."""
    encoded = encode_picture(BytesIO(heic(two_colours((1000, 500)), tile_size=256)))
    assert (encoded.width, encoded.height, encoded.ending) == (800, 400, "jpg")
    assert (colour(encoded), colour(encoded, 795, 395)) == (about(RED), about(GREEN))


def test_a_turned_photo_is_upright() -> None:
    """strukturag/libheif#227, libvips/libvips#671: turned twice, as EXIF says it again."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Camera of Olena"
    encoded = encode_picture(BytesIO(heic(two_colours(), exif=exif.tobytes())))
    assert (encoded.width, encoded.height) == (100, 200)
    assert (colour(encoded), colour(encoded, 5, 195)) == (about(RED), about(GREEN))
    assert b"Camera" not in encoded.content


def test_the_primary_picture_is_taken() -> None:
    second = Image.new("RGB", (120, 100), BLUE)
    content = heic(two_colours(), save_all=True, append_images=[second], primary_index=1)
    encoded = encode_picture(BytesIO(content))
    assert (encoded.width, colour(encoded)) == (120, about(BLUE))
    content = heic(two_colours(), save_all=True, append_images=[second], primary_index=0)
    assert encode_picture(BytesIO(content)).width == 200


def test_a_colour_profile_is_applied() -> None:
    with Image.open(FILES / "display-p3.png") as display:
        profile = display.info["icc_profile"]
    image = Image.new("RGB", (100, 100), (230, 60, 60))
    encoded = encode_picture(BytesIO(heic(image, icc_profile=profile, quality=-1, chroma=444)))
    assert colour(encoded) == about((251, 25, 45))


@pytest.mark.parametrize("mode", ["RGBA", "RGBa"])
def test_transparency_is_kept(mode: str) -> None:
    image = Image.new("RGBA", (100, 100), (*RED, 128)).convert(mode)
    encoded = encode_picture(BytesIO(heic(image, quality=-1, chroma=444)))
    assert (encoded.ending, colour(encoded)) == ("png", about((*RED, 128)))


def test_grey_and_10_bits_become_8_bits_of_srgb() -> None:
    assert colour(encode_picture(BytesIO(heic(Image.new("L", (100, 100), 90))))) == about((90,) * 3)
    deep = Image.new("I;16", (100, 100), 40_000)
    assert colour(encode_picture(BytesIO(heic(deep)))) == about((156,) * 3)


@pytest.mark.parametrize(
    ("mode", "size", "most"),
    [("RGB", (8000, 6251), 50), ("RGBA", (5000, 4001), 20), ("L", (5000, 4001), 20)],
)
def test_more_megapixels_than_allowed_are_refused_before_they_are_decoded(
    mode: str, size: tuple[int, int], most: int
) -> None:
    content = resized(heic(Image.new(mode, (100, 100))), *size)
    assert refusal(content).startswith(f"The image has more than {most} megapixels.")


def test_a_bomb_that_claims_to_be_small_is_refused() -> None:
    content = resized(heic(Image.new("RGB", (2000, 2000))), 100, 100)
    assert refusal(content) == DAMAGED


@pytest.mark.parametrize("tile_size", [0, 256])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9, 0.999])
def test_a_photo_whose_end_is_missing_is_refused(tile_size: int, share: float) -> None:
    """strukturag/libheif#1757, WordPress/gutenberg#82265: black parts in place of an error."""
    whole = heic(Image.effect_noise((1000, 500), 90).convert("RGB"), tile_size=tile_size)
    assert encode_picture(BytesIO(whole)).width == 800
    assert refusal(whole[: max(40, int(len(whole) * share))]) == DAMAGED


def test_data_behind_a_photo_is_no_damage() -> None:
    whole = heic(two_colours())
    for behind in (b"\0\0\0\0", b"SEFTdata of a camera", b"\0\0\0\x10mpvd" + b"\0" * 8):
        assert examine(BytesIO(whole + behind)) is Container.HEIC
        assert encode_picture(BytesIO(whole + behind)).width == 200


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda whole: whole.replace(b"hvcC", b"skip"), DAMAGED),  # immich-app/immich#14723
        (lambda whole: whole[:28] + b"\0" * 500, DAMAGED),
        (
            lambda whole: b"\0\0\0\x18ftypavif" + b"\0" * 100,
            "This is an AVIF image, which can't be read. Save it as JPEG.",
        ),
        (
            lambda whole: b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif" + b"\0" * 100,
            "This is an AVIF image, which can't be read. Save it as JPEG.",
        ),
        (
            lambda whole: b"\0\0\0\x18ftypisom" + b"\0" * 100,
            "This file is not a JPEG, PNG, WebP or HEIC image.",
        ),
    ],
    ids=["no decoder settings", "zeros", "AVIF", "AVIF in HEIF", "video"],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    change: Callable[[bytes], bytes], text: str
) -> None:
    assert refusal(change(heic(two_colours()))) == text
