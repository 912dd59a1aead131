"""Cropping an image: chosen in the browser, or typed in per cent."""

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from campaigns.compose.message.pictures import Crop, encode_picture, parse_crop
from campaigns.compose.models import Picture
from tests.compose.factories import person

RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(width: int = 400, height: int = 200) -> BytesIO:
    """The left half red, the right half blue."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def colours(content: bytes) -> list[tuple[int, int, int]]:
    picture = Image.open(BytesIO(content)).convert("RGB")
    return [picture.getpixel((x, picture.height // 2)) for x in (0, picture.width - 1)]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("crop", "box"),
    [
        (Crop(0, 0, 100), (0, 0, 200, 200)),
        (Crop(50, 0, 100), (200, 0, 400, 200)),
        (Crop(90, 90, 50), (300, 100, 400, 200)),  # moved back into the image
        (Crop(12.5, 25, 50), (50, 50, 150, 150)),
        (Crop(0, 0, 0.01), (0, 0, 1, 1)),
    ],
)
def test_crop_lies_within_the_image(crop: Crop, box: tuple[int, int, int, int]) -> None:
    assert crop.box(400, 200) == box


def test_only_the_crop_is_stored() -> None:
    middle = encode_picture(halves(), square=True)
    assert (middle.width, middle.height, colours(middle.content)) == (200, 200, [RED, BLUE])
    right = encode_picture(halves(), square=True, crop=Crop(50, 0, 100))
    assert (right.width, right.height, colours(right.content)) == (200, 200, [BLUE, BLUE])
    whole = encode_picture(halves(), square=False, crop=Crop(50, 0, 100))
    assert (whole.width, whole.height) == (400, 200)


@pytest.mark.parametrize(
    ("data", "crop"),
    [
        ({}, None),
        ({"crop_left": " ", "crop_side": ""}, None),
        ({"crop_left": "12,5", "crop_top": "3", "crop_side": "40"}, Crop(12.5, 3, 40)),
        ({"crop_left": "50"}, Crop(50, 0, 100)),
    ],
)
def test_crop_is_read_from_a_form(data: dict[str, str], crop: Crop | None) -> None:
    assert parse_crop(data) == crop


@pytest.mark.parametrize(
    "data", [{"crop_left": "x"}, {"crop_top": "101"}, {"crop_side": "0"}, {"crop_left": "nan"}]
)
def test_a_crop_out_of_range_is_refused(data: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="in per cent"):
        parse_crop(data)


@pytest.mark.django_db
def test_an_upload_is_cropped(client: Client, settings: Settings, tmp_path: object) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    client.force_login(person())
    file = SimpleUploadedFile("sale.png", halves().read(), "image/png")
    answer = client.post(
        "/campaigns/pictures/upload", {"picture": file, "square": "on", "crop_left": "50"}
    )
    assert answer.status_code == 200
    with Picture.objects.get().file.open() as stored:
        assert colours(stored.read()) == [BLUE, BLUE]
    file.seek(0)
    refused = client.post(
        "/campaigns/pictures/upload", {"picture": file, "square": "on", "crop_left": "much"}
    )
    assert (refused.status_code, "in per cent" in refused.content.decode()) == (422, True)
