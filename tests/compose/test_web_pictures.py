"""Images that messages name by an address: the copies that pages show."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from campaigns.compose.library import web_pictures
from campaigns.compose.library.web_pictures import shown_picture
from campaigns.compose.models import Campaign, CampaignState, WebPicture
from campaigns.team.models import Role
from tests.compose.factories import draft, person
from tests.compose.test_pictures import picture
from tests.file_server import FileServer, Resolver, reply

pytestmark = pytest.mark.django_db
PATH = "/shop/spring.png"
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def campaign(file_server: FileServer) -> Campaign:
    """A draft with an image on a server that has it."""
    file_server.files[PATH] = picture((1600, 900)).getvalue()
    return draft(
        image_url=file_server.url(PATH), button_caption="Buy", button_url="https://a.test/"
    )


def fetched(address: str) -> WebPicture:
    """The copy after the worker has done what was asked for."""
    web_pictures.fetch_requested(WebPicture.objects.get(address=address).pk)
    return WebPicture.objects.get(address=address)


def failure_of(campaign: Campaign) -> str:
    shown_picture(campaign)
    copy = fetched(campaign.image_url)
    shown = shown_picture(campaign)
    assert shown
    assert (shown.path, shown.pending) == ("", None)
    assert not copy.file
    return shown.failure


def test_pages_show_a_copy_of_this_site_and_the_message_keeps_the_address(
    campaign: Campaign, file_server: FileServer, client: Client, media: Path
) -> None:
    client.force_login(person())
    page = client.get(f"/campaigns/{campaign.pk}/?tab=message").content.decode()
    assert file_server.requests == []  # no page waits for a foreign server
    copy = WebPicture.objects.get(address=campaign.image_url)
    waits = f"/campaigns/pictures/copies/{copy.pk}"
    assert waits in page
    assert "Loading the image" in page
    assert file_server.url("") not in page
    assert "Loading the image" in client.get(waits).content.decode()

    copy = fetched(campaign.image_url)
    assert file_server.requests == [f"GET {PATH}"]
    shown = client.get(waits).content.decode()
    assert f'src="/media/{copy.file}"' in shown
    assert "hx-get" not in shown
    stored = client.get(f"/media/{copy.file}")
    assert stored["Content-Type"] == "image/png"
    assert b"".join(stored.streaming_content) == (media / str(copy.file)).read_bytes()  # type: ignore[attr-defined]

    page = client.get(f"/campaigns/{campaign.pk}/?tab=message").content.decode()
    assert f'src="/media/{copy.file}"' in page
    client.get(f"/campaigns/{campaign.pk}/?tab=message")
    assert file_server.requests == [f"GET {PATH}"]  # once
    campaign.refresh_from_db()
    assert campaign.image_url == file_server.url(PATH)


def test_the_policy_of_each_page_names_no_foreign_host(client: Client) -> None:
    client.force_login(person())
    policy = client.get("/campaigns/new")["Content-Security-Policy"]
    images = next(part for part in policy.split("; ") if part.startswith("img-src"))
    assert images == "img-src 'self' data:"
    assert "http" not in policy
    assert "*" not in policy


def test_the_preview_asks_while_somebody_types(
    campaign: Campaign, file_server: FileServer, client: Client
) -> None:
    client.force_login(person())
    for typed in ("h", "https://", "https://cdn.example.com/a", "https://cdn.example.com/a.svg"):
        shown = client.post("/campaigns/preview", {"image_url": typed}).content.decode()
        assert "Enter the address of a JPEG or PNG image" in shown
    assert not WebPicture.objects.exists()
    shown = client.post("/campaigns/preview", {"image_url": campaign.image_url}).content.decode()
    assert "Loading the image" in shown
    first = fetched(campaign.image_url)
    file_server.files["/other.jpg"] = picture(kind="JPEG").getvalue()
    other = file_server.url("/other.jpg")
    assert "Loading" in client.post("/campaigns/preview", {"image_url": other}).content.decode()
    copy = fetched(other)
    shown = client.post("/campaigns/preview", {"image_url": other}).content.decode()
    assert f"/media/{copy.file}" in shown
    assert f"/media/{first.file}" not in shown
    assert file_server.requests == [f"GET {PATH}", "GET /other.jpg"]


def test_what_is_no_image_is_not_kept(campaign: Campaign, file_server: FileServer) -> None:
    file_server.files[PATH] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    assert failure_of(campaign) == "This file is not a JPEG, PNG, WebP or HEIC image."
    assert default_storage.listdir("")[0] == []


def test_a_copy_is_encoded_anew(campaign: Campaign, file_server: FileServer, media: Path) -> None:
    file_server.files[PATH] += b"<?php evil() ?>"
    shown_picture(campaign)
    content = (media / str(fetched(campaign.image_url).file)).read_bytes()
    assert b"evil" not in content
    assert content.startswith(b"\x89PNG")


def test_a_missing_image_says_so_and_is_asked_for_again_later(
    campaign: Campaign, file_server: FileServer, client: Client
) -> None:
    content = file_server.files.pop(PATH)
    with time_machine.travel(NOON, tick=False) as clock:
        assert failure_of(campaign) == "There is no file at this address (404)."
        client.force_login(person())
        page = client.get(f"/campaigns/{campaign.pk}/?tab=message").content.decode()
        assert "The image can&#x27;t be shown." in page or "The image can't be shown." in page
        assert "There is no file at this address (404)." in page
        file_server.files[PATH] = content
        shown_picture(campaign)
        assert not WebPicture.objects.get().is_waiting  # not at each click
        clock.shift(timedelta(minutes=2))
        shown_picture(campaign)
        assert fetched(campaign.image_url).failure == ""
    assert file_server.requests == [f"GET {PATH}"] * 2


def test_a_large_file_is_not_read_to_its_end(campaign: Campaign, file_server: FileServer) -> None:
    file_server.pages[PATH] = lambda request: reply(
        request, 200, b"", Content_Length=str(web_pictures.LIMITS.size + 1)
    )
    assert failure_of(campaign) == "The file is larger than 20 MB."


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1"])
def test_internal_addresses_are_not_asked(
    inside: str, campaign: Campaign, resolver: Resolver, settings: Settings
) -> None:
    settings.INTERNAL_HOSTS = []
    resolver.names["pictures.test"] = [inside]
    campaign.image_url = "http://pictures.test:8080/a.png"
    text = "The host pictures.test is in an internal network, which is not allowed."
    assert failure_of(campaign) == text
    assert resolver.connected == []


def test_a_redirect_into_the_internal_network_is_not_followed(
    campaign: Campaign, file_server: FileServer, resolver: Resolver
) -> None:
    resolver.names["inside.test"] = ["127.0.0.1"]
    file_server.redirect(PATH, file_server.url("/secret.png", host="inside.test"))
    assert "inside.test is in an internal network" in failure_of(campaign)
    assert file_server.requests == [f"GET {PATH}"]


def test_a_second_answer_of_the_name_server_changes_nothing(
    campaign: Campaign, file_server: FileServer, resolver: Resolver
) -> None:
    resolver.later["files.test"] = ["169.254.169.254"]
    shown_picture(campaign)
    assert fetched(campaign.image_url).failure == ""
    assert [address for address, _port in resolver.connected] == ["127.0.0.1"]
    assert resolver.asked == ["files.test"]


def test_the_copy_of_a_draft_follows_its_server_and_that_of_a_sent_message_stays(
    campaign: Campaign, file_server: FileServer
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        shown_picture(campaign)
        first = fetched(campaign.image_url)
        clock.shift(timedelta(hours=2))
        campaign.state = CampaignState.FINISHED
        shown_picture(campaign)
        assert not WebPicture.objects.get().is_waiting
        campaign.state = CampaignState.DRAFT
        shown = shown_picture(campaign)
        assert shown
        assert shown.path == f"/media/{first.file}"
        assert shown.pending is None
        second = fetched(campaign.image_url)
        assert second.file != first.file
        assert not default_storage.exists(str(first.file))
        # a copy that can't be renewed stays, and the page says so
        del file_server.files[PATH]
        clock.shift(timedelta(hours=2))
        shown_picture(campaign)
        fetched(campaign.image_url)
        shown = shown_picture(campaign)
    assert shown
    assert shown.path == f"/media/{second.file}"
    assert shown.failure == "There is no file at this address (404)."


def test_a_lost_task_is_asked_for_again(campaign: Campaign, client: Client) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client.force_login(person())
        shown_picture(campaign)
        copy = WebPicture.objects.get()
        clock.shift(timedelta(minutes=2))
        client.get(f"/campaigns/pictures/copies/{copy.pk}")
        copy.refresh_from_db()
        assert copy.asked_at == NOON + timedelta(minutes=2)


def test_of_two_workers_one_file_is_kept(campaign: Campaign, resolver: Resolver) -> None:
    shown_picture(campaign)
    copy = WebPicture.objects.get()
    resolver.on_connect = lambda: WebPicture.objects.filter(pk=copy.pk).update(
        is_waiting=False, file="pictures/first.png"
    )
    web_pictures.fetch_requested(copy.pk)
    copy.refresh_from_db()
    assert copy.file == "pictures/first.png"
    assert default_storage.listdir("pictures")[1] == []


def test_images_of_this_site_are_shown_as_they_are(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://viber.example.com"
    stored = draft(image="pictures/a.png", image_url="http://localhost/media/pictures/a.png")
    named = draft(image_url="https://viber.example.com/media/pictures/b.png")
    paths = [shown.path for each in (stored, named) if (shown := shown_picture(each))]
    assert paths == ["/media/pictures/a.png", "/media/pictures/b.png"]
    assert shown_picture(draft()) is None
    assert not WebPicture.objects.exists()


def test_viewers_see_copies_too(campaign: Campaign, client: Client) -> None:
    shown_picture(campaign)
    copy = fetched(campaign.image_url)
    client.force_login(person(Role.VIEWER, "guest"))
    address = f"/campaigns/pictures/copies/{copy.pk}"
    assert f"/media/{copy.file}" in client.get(address).content.decode()
    assert client.get("/campaigns/pictures/copies/999").status_code == 404
    client.logout()
    assert client.get(address)["Location"].startswith("/sign-in/")
