"""Removing what drafts and campaigns depend on: never in silence."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test import Client

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import message_templates, senders
from campaigns.compose.library.segments import delete_segment
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    CampaignTemplate,
    Condition,
    Segment,
    Sender,
)
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.contact_lists import delete_list
from campaigns.contacts.models import ContactList
from campaigns.team.models import AuditEntry, Role
from campaigns.team.removal import describe_uses
from tests.compose.factories import contact_list, draft, person, ukrainians

pytestmark = pytest.mark.django_db
Target = ContactList | Segment


def town() -> ContactList:
    return contact_list("Town", ukrainians(3))


def regulars() -> ContactList:
    return contact_list("Regulars", ukrainians(1))


def segment() -> Segment:
    return Segment.objects.create(name="Regulars")


def delete(target: Target) -> None:
    if isinstance(target, Segment):
        delete_segment(target, None)
    else:
        delete_list(target, None)


def refer(campaign: Campaign, target: Target, how: str) -> None:
    kind = "segments" if isinstance(target, Segment) else "lists"
    getattr(campaign, f"{how}{kind}").add(target)


@pytest.mark.parametrize("make", [regulars, segment])
def test_what_a_draft_excludes_stays_and_the_page_says_so(
    client: Client, make: Callable[[], Target]
) -> None:
    client.force_login(person())
    campaign, target = draft(town(), name="Spring"), make()
    refer(campaign, target, "exclude_")
    page = client.get(f"{target.get_absolute_url()}menu").content.decode()
    assert "It can&#x27;t be deleted while it is used by: Spring." in page
    assert f'action="{target.get_absolute_url()}delete"' not in page
    answer = client.post(f"{target.get_absolute_url()}delete", follow=True)
    assert "Spring" in answer.content.decode()
    with pytest.raises((Refused, ContactsError), match="Spring"):
        delete(target)
    assert type(target).objects.filter(pk=target.pk).exists()
    excluded = [*campaign.exclude_lists.all(), *campaign.exclude_segments.all()]
    assert excluded == [target]  # also when it is launched
    Campaign.objects.update(state=CampaignState.FINISHED)
    delete(target)
    assert not type(target).objects.filter(pk=target.pk).exists()


@pytest.mark.parametrize("make", [regulars, segment])
def test_a_draft_that_loses_what_it_includes_gets_another_version(
    make: Callable[[], Target],
) -> None:
    campaign, other, target = draft(name="Spring"), draft(name="Summer"), make()
    refer(campaign, target, "")
    versions = [campaign.updated_at, other.updated_at]
    assert describe_uses(target) == ("", "These drafts lose it: Spring.")
    delete(target)
    for row in (campaign, other):
        row.refresh_from_db()
    assert campaign.updated_at > versions[0]
    assert other.updated_at == versions[1]


def test_a_finished_campaign_is_named_and_keeps_its_version() -> None:
    campaign, target = draft(name="Winter", state=CampaignState.FINISHED), regulars()
    campaign.lists.add(target)
    version = campaign.updated_at
    assert describe_uses(target) == ("", "Used in: Winter.")
    delete(target)
    campaign.refresh_from_db()
    assert campaign.updated_at == version


def test_a_sender_of_a_segment_stays_and_is_not_offered_for_removal(client: Client) -> None:
    boss = person(Role.ADMINISTRATOR)
    client.force_login(boss)
    sender = Sender.objects.create(name="Bank")
    remove_url = f"/settings/senders/{sender.pk}/delete"
    assert remove_url in client.get("/settings/senders/").content.decode()
    Condition.objects.create(segment=segment(), place=0, kind="messages", sender=sender)
    assert remove_url not in client.get("/settings/senders/").content.decode()
    with pytest.raises(Refused, match="It is used by: Regulars"):
        senders.remove_sender(sender, boss)
    assert not AuditEntry.objects.exists()


def test_drafts_made_from_a_template_get_another_version(client: Client) -> None:
    boss = person(Role.ADMINISTRATOR)
    client.force_login(boss)
    template = CampaignTemplate.objects.create(name="Sale", locked=["text"])
    campaign = draft(made_from=template)
    draft(made_from=template, state=CampaignState.FINISHED)
    assert "1 draft is made from it." in client.get("/campaigns/templates/").content.decode()
    version = campaign.updated_at
    message_templates.delete(template, boss)
    campaign.refresh_from_db()
    assert (campaign.made_from, campaign.updated_at > version) == (None, True)


@pytest.mark.django_db(transaction=True)
def test_an_exclusion_added_meanwhile_is_noticed() -> None:
    """The draft is being saved while the list is deleted."""
    target, campaign = regulars(), draft(name="Spring")
    holds, may_commit, refused = threading.Event(), threading.Event(), []

    def save() -> None:
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=campaign.pk)
            campaign.exclude_lists.add(target)
            holds.set()
            may_commit.wait(10)
        connection.close()

    def remove() -> None:
        try:
            delete(target)
        except ContactsError as error:
            refused.append(str(error))
        connection.close()

    saving = threading.Thread(target=save)
    saving.start()
    holds.wait(10)
    removing = threading.Thread(target=remove)
    removing.start()
    may_commit.set()
    saving.join()
    removing.join()
    assert refused == ["The list cannot be deleted. It is used by: Spring."]
    assert list(campaign.exclude_lists.all()) == [target]
