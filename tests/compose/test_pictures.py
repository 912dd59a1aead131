"""Uploaded images: what is accepted, how they are stored and served."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pytest_django import Settings

from campaigns.compose.message.pictures import EncodedPicture, encode_picture, store_picture
from campaigns.compose.models import Picture
from tests.compose.factories import person


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def picture(
    size: tuple[int, int] = (400, 400), kind: str = "PNG", mode: str = "RGB", **options: object
) -> BytesIO:
    buffer = BytesIO()
    Image.new(mode, size, "teal" if mode != "P" else 3).save(buffer, kind, **options)
    buffer.seek(0)
    return buffer


def opened(encoded: EncodedPicture) -> Image.Image:
    return Image.open(BytesIO(encoded.content))


def test_a_png_stays_a_png_and_a_jpeg_a_jpeg() -> None:
    assert encode_picture(picture()).ending == "png"
    assert encode_picture(picture(kind="JPEG")).ending == "jpg"


def test_exif_is_removed_and_the_image_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Camera of Olena"
    encoded = encode_picture(picture((400, 200), "JPEG", exif=exif))
    assert (encoded.width, encoded.height) == (200, 400)
    assert not opened(encoded).getexif()
    assert b"Camera" not in encoded.content


def test_comments_and_data_after_the_image_are_removed() -> None:
    info = PngInfo()
    info.add_text("Comment", "secret place")
    file = BytesIO(picture(pnginfo=info).getvalue() + b"<?php evil() ?>GIF89a")
    content = encode_picture(file).content
    assert b"secret" not in content
    assert b"evil" not in content


def test_a_large_image_is_scaled_down() -> None:
    encoded = encode_picture(picture((3000, 1500)))
    assert (encoded.width, encoded.height) == (800, 400)


def test_square_crops_to_the_middle() -> None:
    encoded = encode_picture(picture((1000, 500)), square=True)
    assert (encoded.width, encoded.height) == (500, 500)


@pytest.mark.parametrize("mode", ["P", "L", "1", "RGBA", "LA", "I;16"])
def test_every_kind_of_png_is_accepted(mode: str) -> None:
    file = BytesIO()
    Image.new(mode, (100, 100)).save(file, "PNG")
    assert encode_picture(file).ending == "png"


def test_cmyk_becomes_rgb() -> None:
    assert opened(encode_picture(picture(kind="JPEG", mode="CMYK"))).mode == "RGB"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "not a JPEG, PNG, WebP or HEIC"),
        (b"GIF89a" + b"\0" * 100, "not a JPEG, PNG, WebP or HEIC"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            "not a JPEG, PNG, WebP or HEIC",
        ),
        (picture((1, 1)).getvalue(), "1 × 1 pixels"),
        (picture((20_000, 10), mode="1").getvalue(), "20000 × 10 pixels"),
        (picture((7100, 7100), mode="1").getvalue(), "more than 50 megapixels"),
        (picture((20_000, 20_000), mode="1").getvalue(), "more than 50 megapixels"),
        (picture(kind="GIF", mode="P").getvalue(), "not a JPEG, PNG, WebP or HEIC"),
        (picture().getvalue()[:200], "damaged"),
    ],
    ids=["empty", "gif header", "svg", "1x1", "long", "too large", "bomb", "gif", "cut off"],
)
def test_an_unusable_image_is_refused_with_the_reason(content: bytes, text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        encode_picture(BytesIO(content))
    assert text in refusal.value.messages[0]


@pytest.mark.django_db
def test_a_stored_image_has_a_random_file_name_and_its_title(media: Path) -> None:
    upload = SimpleUploadedFile("../../Summer sale.PNG.exe", picture().getvalue())
    stored = store_picture(upload, None)
    assert stored.title == "Summer sale.PNG"
    assert str(stored.file).startswith("pictures/")
    assert len(Path(str(stored.file)).stem) == 32
    assert (media / str(stored.file)).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.django_db
def test_a_stored_image_is_served_without_sign_in_and_with_safe_headers(client: Client) -> None:
    stored = store_picture(SimpleUploadedFile("a.png", picture().getvalue()), None)
    answer = client.get(f"/media/{stored.file}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content)[:4] == b"\x89PNG"  # type: ignore[attr-defined]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["pictures/none.png", "../settings.py", "uploads/a.csv", "pictures/../secret.png"]
)
def test_nothing_else_is_served(client: Client, media: Path, name: str) -> None:
    (media / "uploads").mkdir()
    (media / "uploads" / "a.csv").write_text("phone")
    (media / "secret.png").write_text("secret")
    assert client.get(f"/media/{name}").status_code == 404


@pytest.mark.django_db
def test_an_upload_returns_the_image_or_the_error(client: Client) -> None:
    client.force_login(person())
    good = SimpleUploadedFile("a.png", picture((800, 400)).getvalue())
    answer = client.post("/campaigns/pictures/upload", {"picture": good, "square": "on"})
    stored = Picture.objects.get()
    assert (stored.width, stored.height) == (400, 400)
    assert f'value="{stored.file}"' in answer.content.decode()
    bad = client.post(
        "/campaigns/pictures/upload", {"picture": SimpleUploadedFile("a.png", b"no picture")}
    )
    assert (bad.status_code, bad.content) == (
        422,
        b"This file is not a JPEG, PNG, WebP or HEIC image.",
    )
