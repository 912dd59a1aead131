from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState, Sender
from campaigns.team.models import AuditEntry
from tests.compose.factories import contact_list, draft, person, senders, ukrainians

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(person())
    return client


def autosave(client: Client, address: str, status: int = 200, **values: Any) -> dict[str, str]:
    answer = client.post(address, values)
    assert answer.status_code == status
    result: dict[str, str] = answer.json()
    return result


def test_first_input_creates_a_draft_and_the_next_updates_it(signed_in: Client) -> None:
    first = autosave(signed_in, "/campaigns/autosave", text="Hel")
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.text, campaign.state) == (
        "Untitled",
        "Hel",
        CampaignState.DRAFT,
    )
    assert first["edit"] == f"/campaigns/{campaign.pk}/edit"
    chosen = contact_list("A", ukrainians(1))
    autosave(
        signed_in,
        first["autosave"],
        name="Spring",
        text="Hello",
        lists=[chosen.pk],
        version=first["version"],
    )
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.text, list(campaign.lists.all())) == (
        "Spring",
        "Hello",
        [chosen],
    )
    trail = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(trail) == ["created", "edited"]


def test_incomplete_input_is_saved(signed_in: Client) -> None:
    answer = autosave(
        signed_in, "/campaigns/autosave", text="я" * 1500, button_caption="Buy", sms_text="{"
    )
    campaign = Campaign.objects.get()
    assert (len(campaign.text), campaign.button_caption, campaign.sms_text) == (1500, "Buy", "{")
    assert answer["message"] == "Saved just now"


def test_value_that_no_column_can_hold_is_named_and_not_saved(signed_in: Client) -> None:
    campaign = draft(button_caption="Buy", validity=60)
    answer = autosave(
        signed_in,
        f"/campaigns/{campaign.pk}/autosave",
        button_caption="c" * 21,
        validity="soon",
        version=campaign.updated_at.isoformat(),
    )
    campaign.refresh_from_db()
    assert (campaign.button_caption, campaign.validity) == ("Buy", 60)
    assert answer["message"] == "Saved, except: Validity period, Button"


def test_half_a_sender_is_kept_but_not_made_one(signed_in: Client) -> None:
    first = autosave(signed_in, "/campaigns/autosave", sender="Gre")
    assert not Sender.objects.exists()
    page = signed_in.get(first["edit"])
    assert page.context["form"]["sender"].value() == "Gre"
    assert "no-store" in page["Cache-Control"]
    known = Sender.objects.create(name="Green")
    version = first["version"]
    second = autosave(signed_in, first["autosave"], sender="Green", version=version)
    campaign = Campaign.objects.get()
    assert (campaign.sender, campaign.new_sender) == (known, "")
    third = autosave(signed_in, first["autosave"], sender="x" * 15, version=second["version"])
    assert third["message"] == "Saved, except: Sender"
    assert Campaign.objects.get().sender == known


def test_save_whose_answer_was_lost_is_recognised_by_its_token(signed_in: Client) -> None:
    token, next_token, another = "a" * 32, "b" * 32, "c" * 32
    autosave(signed_in, "/campaigns/autosave", text="One", submission=token)
    first = autosave(signed_in, "/campaigns/autosave", text="One, two", submission=token)
    assert Campaign.objects.get().text == "One, two"
    assert len(first["submission"]) == 32
    address, version = first["autosave"], first["version"]
    autosave(signed_in, address, text="Three", version=version, submission=next_token)
    autosave(signed_in, address, text="Four", version=version, submission=next_token)
    autosave(signed_in, address, 409, text="Not mine", version=version, submission=another)
    autosave(signed_in, address, 409, text="No token", version=version)
    assert Campaign.objects.get().text == "Four"
    senders("Shop")
    saved = {"name": "Spring", "sender": "Shop", "text": "Five", "submission": next_token}
    answer = signed_in.post(first["edit"], saved | {"version": version})
    assert (answer.status_code, Campaign.objects.get().text) == (302, "Five")
    other = Client()
    other.force_login(person(username="ivan"))
    autosave(other, "/campaigns/autosave", 503, text="Stolen", submission=next_token)
    assert Campaign.objects.get().text == "Five"


def test_script_without_a_session_is_told_so(client: Client) -> None:
    answer = client.post("/campaigns/autosave", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()) == (401, {"message": "You are signed out."})
    assert client.get("/session").json()["user"] is None
    user = person()
    client.force_login(user)
    session = client.get("/session").json()
    assert (session["user"], len(session["token"])) == (user.pk, 64)


def test_changes_of_another_user_are_never_overwritten(signed_in: Client) -> None:
    campaign = draft(text="Theirs")
    answer = autosave(
        signed_in, f"/campaigns/{campaign.pk}/autosave", 409, text="Mine", version="an older one"
    )
    assert "Autosave is off: this draft was changed elsewhere." in answer["message"]
    campaign.refresh_from_db()
    assert campaign.text == "Theirs"


def test_only_drafts_save_themselves(signed_in: Client) -> None:
    campaign = draft(text="Sent", state=CampaignState.SENDING)
    version = campaign.updated_at.isoformat()
    autosave(signed_in, f"/campaigns/{campaign.pk}/autosave", 409, text="Mine", version=version)
    campaign.refresh_from_db()
    assert campaign.text == "Sent"


def test_two_users_in_one_draft_are_told_of_each_other(signed_in: Client) -> None:
    address = f"/campaigns/{draft().pk}/present"
    assert signed_in.post(address).content.strip() == b""
    other = Client()
    other.force_login(person(username="ivan"))
    assert "olena is also editing this draft." in other.post(address).content.decode()
    assert "ivan is also editing this draft." in signed_in.post(address).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert signed_in.post(address).content.strip() == b""
