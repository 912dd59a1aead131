"""Administrators alone make senders: no composer, file, copy, template or check does."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from campaigns.compose.editor.drafts import duplicate
from campaigns.compose.library import message_templates
from campaigns.compose.models import Campaign, Sender
from campaigns.team.models import Role
from tests.compose.factories import draft, person, senders
from tests.markup import squeezed

pytestmark = pytest.mark.django_db
TYPED = {"name": "Spring", "sender": "Bank", "text": "Hello"}
REASON = "“Bank” is not a sender in ViberDash. Choose another one, or ask an administrator to add"


def page(client: Client, address: str) -> str:
    return squeezed(client.get(address).content.decode())


def signed_in(client: Client, role: Role, username: str = "olena") -> Client:
    client.force_login(person(role, username))
    return client


@pytest.mark.parametrize("role", [Role.MARKETER, Role.APPROVER, Role.ADMINISTRATOR])
def test_a_name_that_is_no_sender_is_kept_in_the_draft_and_said(client: Client, role: Role) -> None:
    answer = signed_in(client, role).post("/campaigns/new", TYPED, follow=True)
    campaign = Campaign.objects.get()
    assert answer.redirect_chain == [(f"/campaigns/{campaign.pk}/edit?check", 302)]
    assert (campaign.sender, campaign.new_sender) == (None, "Bank")
    assert not Sender.objects.exists()
    assert REASON in answer.content.decode()
    shown = squeezed(answer.content.decode())
    assert '<option value="Bank" selected>Bank (not usable)</option>' in shown


def test_what_a_draft_kept_is_shown_with_the_reason_until_it_is_a_sender(client: Client) -> None:
    signed_in(client, Role.MARKETER)
    senders("Shop")
    campaign = Campaign.objects.create(name="Spring", text="Hello", new_sender="Bank")
    address = f"/campaigns/{campaign.pk}/edit"
    shown = page(client, address)
    assert '<option value="Bank" selected>Bank (not usable)</option>' in shown
    assert REASON in shown
    version = campaign.updated_at.isoformat()
    client.post(f"/campaigns/{campaign.pk}/autosave", {**TYPED, "version": version})
    campaign.refresh_from_db()
    assert (campaign.sender, campaign.new_sender) == (None, "Bank")
    senders("Bank")
    assert REASON not in page(client, address)
    answer = client.post(address, {**TYPED, "version": campaign.updated_at.isoformat()})
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert (str(campaign.sender), campaign.new_sender) == ("Bank", "")


def test_copies_and_templates_keep_the_name_and_make_no_sender(client: Client) -> None:
    signed_in(client, Role.MARKETER)
    olena = person(username="ivan")
    campaign = Campaign.objects.create(name="Spring", text="Hello", new_sender="Bank")
    assert duplicate(campaign, olena).new_sender == "Bank"
    saved = message_templates.save_as_template(campaign, "House", olena)
    assert REASON in page(client, f"/campaigns/new?template={saved.pk}")
    client.post(f"/campaigns/new?template={saved.pk}", TYPED)
    assert Campaign.objects.latest("pk").new_sender == "Bank"
    assert not Sender.objects.exists()


def test_commands_make_no_sender(tmp_path: Path) -> None:
    file = tmp_path / "campaign.json"
    file.write_text(json.dumps(TYPED))
    with pytest.raises(CommandError, match=r"^sender: “Bank” is not a sender"):
        call_command("campaign", "create", str(file))
    with pytest.raises(CommandError, match=r"^“Bank” is not a sender"):
        call_command("check_gateway", "--sender", "Bank", "--phone", "+380971234567", "--yes")
    assert not Sender.objects.exists()


def test_composer_says_who_adds_senders(client: Client) -> None:
    boss = person(Role.ADMINISTRATOR, "boss")
    boss.first_name, boss.last_name = "Maria", "Bondar"
    boss.save()
    signed_in(client, Role.MARKETER)
    shown = page(client, "/campaigns/new")
    assert "There are no senders yet. Administrators add senders. Ask: Maria Bondar" in shown
    assert "Add a sender in Settings" not in shown
    draft()
    shown = page(client, "/campaigns/new")
    assert '<option value="Shop">Shop</option>' in shown
    assert "There are no senders yet." not in shown
    client.force_login(boss)
    shown = page(client, "/campaigns/new")
    assert '<a href="/settings/senders/">Add a sender in Settings</a>' in shown
