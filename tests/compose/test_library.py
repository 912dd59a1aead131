from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.message.pictures import store_picture
from campaigns.compose.models import Picture
from campaigns.team.models import Role
from tests.compose.factories import draft, person
from tests.markup import squeezed

pytestmark = pytest.mark.django_db
ADDRESS = "/campaigns/pictures/"


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(person())
    return client


def upload(name: str = "sale.png") -> SimpleUploadedFile:
    buffer = BytesIO()
    Image.new("RGB", (100, 100)).save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue())


def test_empty_library_says_what_belongs_there(signed_in: Client) -> None:
    assert "No images yet." in signed_in.get(ADDRESS).content.decode()


def test_a_picture_shows_where_it_is_used(signed_in: Client) -> None:
    used = store_picture(upload(), None)
    store_picture(upload("spare.png"), None)
    campaign = draft(name="Autumn", image=str(used.file))
    shown = squeezed(signed_in.get(ADDRESS).content.decode())
    assert f'<a href="/campaigns/{campaign.pk}/">Autumn</a>' in shown
    assert shown.count("/delete") == 1
    assert "sale" not in signed_in.get(ADDRESS, {"q": "spare"}).content.decode()


def test_add_and_rename(signed_in: Client) -> None:
    signed_in.post(f"{ADDRESS}add", {"picture": upload(), "square": "on"})
    picture = Picture.objects.get()
    signed_in.post(f"{ADDRESS}{picture.pk}/rename", {"title": "  Spring  "})
    picture.refresh_from_db()
    assert picture.title == "Spring"


def test_add_names_files_that_are_no_pictures(signed_in: Client) -> None:
    answer = signed_in.post(
        f"{ADDRESS}add", {"picture": SimpleUploadedFile("a.png", b"no")}, follow=True
    )
    assert "This file is not a JPEG, PNG, WebP or HEIC image." in answer.content.decode()
    assert "Choose a file." in signed_in.post(f"{ADDRESS}add", follow=True).content.decode()


def test_delete_takes_the_file_too_but_never_a_used_one(signed_in: Client, media: Path) -> None:
    used, spare = store_picture(upload(), None), store_picture(upload(), None)
    draft(image=str(used.file))
    for picture in (used, spare):
        signed_in.post(f"{ADDRESS}{picture.pk}/delete")
    assert list(Picture.objects.all()) == [used]
    assert (media / str(used.file)).exists()
    assert not (media / str(spare.file)).exists()


@pytest.mark.parametrize("path", ["add", "1/rename", "1/delete"])
def test_viewers_only_look(client: Client, path: str) -> None:
    picture = store_picture(upload(), None)
    client.force_login(person(Role.VIEWER))
    assert client.get(ADDRESS).status_code == 200
    assert client.post(ADDRESS + path.replace("1", str(picture.pk))).status_code == 403
    assert Picture.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_library_takes_the_same_queries_for_one_and_three(
    signed_in: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(rows):
        draft(image=str(store_picture(upload(), None).file))
    with django_assert_num_queries(
        7
    ):  # session, user, brands, how many, the page, campaigns, templates
        signed_in.get(ADDRESS)
