"""The switch on pages, in the API and as a command, and the banner that says it is held."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.holds import switch
from campaigns.team.holds.models import SendingHold
from campaigns.team.models import Brand, Role, User
from campaigns.team.permissions import PERMISSIONS
from tests.api.conftest import client_of
from tests.dispatch import factory
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def olena() -> User:
    return make_user("olena", first_name="Olena", last_name="Kovalenko")


@pytest.fixture
def signed_in(client: Client, olena: User) -> Client:
    client.force_login(olena)
    return client


def page(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_marketer_holds_and_each_page_says_so_until_the_release(signed_in: Client) -> None:
    factory.launched(100)
    assert 'href="/hold/"' in page(signed_in, "/")
    assert "<dt>Campaigns sending</dt> <dd>1</dd>" in page(signed_in, "/hold/")
    answer = signed_in.post("/hold/", {"note": "Wrong price, ask +380971234567"}, follow=True)
    assert "Sending is held. No request was open." in answer.content.decode()
    for address in ("/", "/campaigns/", "/contacts/", "/spend/", "/settings/", "/hold/"):
        banner = page(signed_in, address).split('id="hold-banner"')[1]
        assert "By Olena Kovalenko" in banner
        assert "“Wrong price, ask +380971234567”" in banner
    again = signed_in.post("/hold/", {"note": ""}, follow=True)
    assert "Sending was held already." in again.content.decode()
    released = signed_in.post("/hold/release", {}, follow=True).content.decode()
    assert "Released. Everything goes on where it was." in released
    assert "hold-banner" not in released
    held = SendingHold.objects.get()
    assert (held.held_by, held.released_by) == (User.objects.get(), User.objects.get())


def test_viewer_reads_the_banner_with_phones_masked_and_holds_nothing(client: Client) -> None:
    client.force_login(make_user("vera", Role.VIEWER))
    switch.hold(None, MAIN, "ask +380971234567")
    shown = page(client, "/campaigns/").split('id="hold-banner"')[1]
    assert "By a command" in shown
    assert "+380971234567" not in shown
    assert 'href="/hold/"' not in shown
    assert client.get("/hold/").status_code == 403
    assert client.post("/hold/release").status_code == 403
    assert switch.current_holds(MAIN)


def test_all_brands_take_an_administrator(signed_in: Client, client: Client) -> None:
    other = Brand.objects.create(name="Other", slug="other")
    assert signed_in.post("/hold/", {"scope": "all"}).status_code == 403
    boss = make_user("boss", Role.ADMINISTRATOR)
    switch.hold(boss, None, "Fraud")
    shown = page(signed_in, "/campaigns/").split('id="hold-banner"')[1]
    assert "Sending of all brands is held." in shown
    assert "An administrator can release it." in shown
    client.force_login(boss)
    assert "Sending of all brands is held." in page(client, "/b/other/campaigns/")
    assert page(client, "/b/other/hold/").count("Release sending </button>") == 1
    with acting_for(other.pk):
        assert len(switch.current_holds(other.pk)) == 1
    client.post("/b/other/hold/", {})
    half = client.post("/b/other/hold/release", {}, follow=True).content.decode()
    assert "Released. Sending of all brands is still held." in half
    client.post("/hold/release", {"scope": "all"})
    assert switch.current_holds(other.pk) == []


def test_review_and_launch_say_it(signed_in: Client) -> None:
    draft = factory.draft(factory.contact_list("A", 3))
    switch.hold(None, MAIN)
    assert "Sending is held." in page(signed_in, f"/campaigns/{draft.pk}/review")


def test_api_holds_and_releases(olena: User) -> None:
    api = client_of(olena, PERMISSIONS[Role.MARKETER])
    assert api.get("hold").json() == {"holds": [], "under_way": 0}
    answer = api.post("hold", {"note": "Wrong price"}).json()
    [held] = answer["holds"]
    assert {**held, "since": ""} == {
        "all_brands": False, "since": "", "by": "olena", "note": "Wrong price",
    }  # fmt: skip
    assert api.get("hold").json() == answer
    assert api.post("hold", {"all_brands": True}).status_code == 403
    assert api.post("hold/release", {}).json() == {"holds": [], "under_way": 0}


def test_command_holds_and_releases() -> None:
    Brand.objects.create(name="Other", slug="other")

    def run(*words: str) -> dict[str, list[dict[str, object]]]:
        out = StringIO()
        call_command("campaign", *words, "--json", stdout=out)
        answer: dict[str, list[dict[str, object]]] = json.loads(out.getvalue())
        return answer

    [held] = run("hold", "--brand", "other", "--note", "Stop")["holds"]
    assert (held["all_brands"], held["note"], held["by"]) == (False, "Stop", "")
    assert run("held")["holds"] == []
    assert run("hold", "--all")["holds"][0]["all_brands"] is True
    assert len(run("held", "--brand", "other")["holds"]) == 2
    run("release", "--all")
    assert run("release", "--brand", "other")["holds"] == []
