"""Images as phones, cameras and image editors write them come out looking as they went in."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageCms
from pytest_django import Settings

from campaigns.compose.message.pictures import Crop, EncodedPicture, encode_picture
from campaigns.compose.models import Picture
from tests.compose.factories import person

FILES = Path(__file__).parent / "pictures"
Colour = tuple[int, ...]


def file(image: Image.Image, kind: str, **options: object) -> BytesIO:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    buffer.seek(0)
    return buffer


def colour(encoded: EncodedPicture, x: int = 5, y: int = 5) -> Colour:
    pixel = Image.open(BytesIO(encoded.content)).getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def about(expected: Colour) -> object:
    """JPEG and colour conversions round."""
    return pytest.approx(expected, abs=3)


@pytest.mark.django_db
def test_a_jpeg_with_a_second_picture_is_taken_like_any_other(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    """python-pillow/Pillow#1138 and #4603."""
    settings.MEDIA_ROOT = str(tmp_path)
    client.force_login(person())
    upload = SimpleUploadedFile("a.jpg", (FILES / "two-pictures.jpg").read_bytes())
    assert client.post("/campaigns/pictures/upload", {"picture": upload}).status_code == 200
    stored = Picture.objects.get()
    assert (stored.width, stored.height, str(stored.file)[-4:]) == (800, 800, ".jpg")
    with Image.open(tmp_path / str(stored.file)) as first:
        assert (first.format, first.getpixel((5, 5))) == ("JPEG", about((0, 200, 60)))


@pytest.mark.parametrize(
    ("name", "green", "red"),
    [
        ("adobe-rgb.jpg", (0, 201, 81), (255, 57, 57)),
        ("display-p3.png", (0, 205, 72), (251, 25, 45)),
    ],
)
def test_a_colour_profile_is_applied(name: str, green: Colour, red: Colour) -> None:
    """photoprism/photoprism#1798, Weasyl/weasyl#1080."""
    encoded = encode_picture(BytesIO((FILES / name).read_bytes()))
    assert colour(encoded) == about(green)
    assert colour(encoded, encoded.width - 5, 5) == about(red)
    assert "icc_profile" not in Image.open(BytesIO(encoded.content)).info


def test_a_profile_keeps_transparency() -> None:
    with Image.open(FILES / "display-p3.png") as display:
        profile = display.info["icc_profile"]
    image = Image.new("RGBA", (100, 100), (230, 60, 60, 128))
    assert colour(encode_picture(file(image, "PNG", icc_profile=profile))) == about(
        (251, 25, 45, 128)
    )


@pytest.mark.parametrize("profile", [b"no profile", None])
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes | None) -> None:
    """libvips/libvips#831: a CMYK picture with a profile for RGB."""
    profile = profile or ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("CMYK", (100, 100), (0, 255, 255, 0))
    assert colour(encode_picture(file(image, "JPEG", icc_profile=profile))) == about((254, 0, 0))


@pytest.mark.parametrize(("level", "shown"), [(0, 0), (40_000, 156), (65_535, 255)])
def test_grey_in_16_bits_keeps_its_brightness(level: int, shown: int) -> None:
    """python-pillow/Pillow#2574 and #3011."""
    encoded = encode_picture(file(Image.new("I;16", (100, 100), level), "PNG"))
    assert colour(encoded) == (shown,) * 3


def test_a_transparent_level_of_16_bits_stays_transparent() -> None:
    image = Image.new("I;16", (100, 100), 40_000)
    image.putpixel((95, 5), 40_001)
    encoded = encode_picture(file(image, "PNG", transparency=40_000))
    assert (colour(encoded), colour(encoded, 95)) == ((156,) * 3 + (0,), (156,) * 3 + (255,))


def test_a_palette_keeps_its_transparent_colour() -> None:
    image = Image.new("P", (100, 100), 1)
    image.putpalette([0, 0, 0, 200, 30, 30])
    image.paste(0, (50, 0, 100, 100))
    encoded = encode_picture(file(image, "PNG", transparency=0))
    assert colour(encoded) == (200, 30, 30, 255)
    assert colour(encoded, 95)[3] == 0


@pytest.mark.parametrize(("mode", "ending"), [("RGB", "jpg"), ("RGBA", "png")])
def test_webp_is_converted(mode: str, ending: str) -> None:
    image = Image.new(mode, (100, 100), (200, 30, 30, 128)[: len(mode)])
    encoded = encode_picture(file(image, "WEBP", lossless=True))
    assert encoded.ending == ending
    assert colour(encoded) == about((200, 30, 30, 128)[: len(mode)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_of_48_megapixels_is_scaled_down_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    image = Image.new("L", (8000, 6000), 90)
    encoded = encode_picture(file(image, kind, exif=exif, compress_level=1))
    assert (encoded.width, encoded.height, colour(encoded)) == (600, 800, (90, 90, 90))


def test_a_small_crop_of_a_large_photo_keeps_its_pixels() -> None:
    image = Image.new("L", (4000, 4000), 90)
    encoded = encode_picture(file(image, "JPEG"), square=True, crop=Crop(0, 0, 10))
    assert encoded.width == 400
