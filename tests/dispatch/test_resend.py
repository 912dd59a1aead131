"""A resend goes to exactly the recipients whom the campaign did not reach."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import DAYTIME
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.dispatch.people.resend import (
    FailedRecipients,
    create_resend_draft,
    failed_recipients,
)
from campaigns.dispatch.tally import TallyChanges
from campaigns.team.models import AuditEntry, Role
from tests.dispatch import factory
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
D, S = DeliveryState, SendState
OUTCOMES: list[Mapping[str, Any]] = [
    {"send_state": S.ACCEPTED, "delivery_state": D.READ, "final": True},
    {"send_state": S.ACCEPTED, "delivery_state": D.WAITING},
    {"send_state": S.ACCEPTED, "delivery_state": D.NOT_DELIVERED, "final": True},
    {"send_state": S.ACCEPTED, "delivery_state": D.FALLBACK_DELIVERED, "final": True},
    {"send_state": S.ACCEPTED, "delivery_state": D.FALLBACK},  # the SMS is on its way
    {"send_state": S.ACCEPTED, "delivery_state": D.FALLBACK, "final": True},  # and did not arrive
    {"send_state": S.REFUSED, "error_code": 41},
    {"send_state": S.UNRESOLVED},
    {"send_state": S.CANCELLED, "reason": "stop_list"},
    {"send_state": S.ACCEPTED, "delivery_state": D.NOT_DELIVERED},  # an SMS may still follow
]
FAILED, UNRESOLVED = {2, 5, 6}, {7}


@pytest.fixture
def campaign() -> Campaign:
    """A finished campaign with ten recipients, each with another outcome."""
    campaign = factory.draft(
        factory.contact_list("Ten", len(OUTCOMES), first_name="Олена"),
        text="Hi {first_name}", sms_sender="Shop", sms_text="Hi", rate=50, sends_from=DAYTIME.start,
        sends_until=DAYTIME.end,
    )  # fmt: skip
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    changes = TallyChanges()
    for number, outcome in enumerate(OUTCOMES):
        Recipient.objects.filter(msisdn=factory.phone(number)).update(**outcome)
        changes.add(
            campaign.pk,
            "UA",
            outcome["send_state"].value,
            delivery_state=outcome.get("delivery_state", ""),
        )
    changes.write()
    lifecycle.finish(campaign.pk)
    campaign.refresh_from_db()
    return campaign


def phones_of(draft: Campaign) -> set[str]:
    return set(Contact.objects.filter(list__in=draft.lists.all()).values_list("msisdn", flat=True))


def test_failed_recipients_are_those_who_got_nothing(campaign: Campaign) -> None:
    assert failed_recipients(campaign) == FailedRecipients(
        refused=1, not_delivered=1, sms_failed=1, unresolved=1
    )
    assert failed_recipients(campaign).certain == 3


def test_resend_creates_a_draft_to_exactly_the_failed_recipients(campaign: Campaign) -> None:
    draft = create_resend_draft(campaign, None)
    assert phones_of(draft) == {factory.phone(number) for number in FAILED}
    assert (draft.state, draft.text, draft.sms_text, draft.rate) == (
        CampaignState.DRAFT,
        campaign.text,
        "Hi",
        50,
    )
    assert draft.sending_hours == DAYTIME
    assert draft.uuid != campaign.uuid
    contacts = draft.lists.get()
    assert (contacts.name, contacts.contact_count, contacts.fields) == (
        "Autumn: not reached",
        3,
        ["first_name"],
    )
    assert sum(contacts.countries.values()) == 3
    assert [contact.fields for contact in Contact.objects.filter(list=contacts)] == [
        {"first_name": "Олена"}
    ] * 3


def test_unresolved_recipients_are_included_only_on_request(campaign: Campaign) -> None:
    draft = create_resend_draft(campaign, None, unresolved=True)
    assert phones_of(draft) == {factory.phone(number) for number in FAILED | UNRESOLVED}


def test_resend_uses_other_references(campaign: Campaign) -> None:
    draft = create_resend_draft(campaign, None)
    lifecycle.launch(draft.pk, None, confirmed=3)
    freeze(draft.pk, timezone.now() + factory.SOON)
    before = set(Recipient.objects.filter(campaign=campaign).values_list("reference", flat=True))
    after = Recipient.objects.filter(campaign=draft)
    assert {row.msisdn for row in after} == {factory.phone(number) for number in FAILED}
    assert before.isdisjoint(after.values_list("reference", flat=True))
    assert [row.fields for row in after] == [{"first_name": "Олена"}] * 3


def test_a_second_list_gets_a_name_of_its_own(campaign: Campaign) -> None:
    create_resend_draft(campaign, None)
    assert create_resend_draft(campaign, None).lists.get().name == "Autumn: not reached (2)"


def test_resend_is_refused_under_way_and_without_failures(campaign: Campaign) -> None:
    Recipient.objects.exclude(send_state=S.UNRESOLVED).update(
        send_state=S.ACCEPTED, delivery_state=D.READ
    )
    with pytest.raises(lifecycle.Refused, match="There are no failed recipients to resend to"):
        create_resend_draft(campaign, None)
    Campaign.objects.update(state=CampaignState.SENDING)
    campaign.refresh_from_db()
    with pytest.raises(lifecycle.Refused, match="not over yet"):
        create_resend_draft(campaign, None)
    assert ContactList.objects.count() == 1


def test_page_offers_unresolved_recipients_separately(campaign: Campaign, client: Client) -> None:
    client.force_login(make_user())
    page = client.get(f"/campaigns/{campaign.pk}/again").content.decode()
    assert "Include 1 unresolved recipient" in page
    assert "would get it a second time" in page
    answer = client.post(f"/campaigns/{campaign.pk}/again")
    draft = Campaign.objects.latest("pk")
    assert answer.headers["Location"] == f"/campaigns/{draft.pk}/edit"
    assert phones_of(draft) == {factory.phone(number) for number in FAILED}
    client.post(f"/campaigns/{campaign.pk}/again", {"unresolved": "yes", "resends": "1"})
    assert len(phones_of(Campaign.objects.latest("pk"))) == 4
    assert AuditEntry.objects.filter(subject=f"campaign:{campaign.pk}", action="again").count() == 2


def test_page_is_for_marketers(campaign: Campaign, client: Client) -> None:
    client.force_login(make_user("victor", Role.VIEWER))
    assert client.post(f"/campaigns/{campaign.pk}/again").status_code == 403
    assert Campaign.objects.count() == 1


def test_campaign_page_offers_resend_when_the_campaign_is_over(
    campaign: Campaign, client: Client
) -> None:
    client.force_login(make_user())
    address = f'href="/campaigns/{campaign.pk}/again"'
    assert address in client.get(f"/campaigns/{campaign.pk}/").content.decode()
    Campaign.objects.update(state=CampaignState.SENDING, finished_at=None)
    assert address not in client.get(f"/campaigns/{campaign.pk}/").content.decode()


def test_a_second_resend_is_made_only_by_who_has_seen_the_first(
    campaign: Campaign, client: Client
) -> None:
    client.force_login(make_user(Role.MARKETER))
    address = f"/campaigns/{campaign.pk}/again"
    client.post(address, {"resends": "0"})
    first = Campaign.objects.latest("pk")
    shown = client.post(address, {"resends": "0"})  # from another tab
    assert shown.status_code == 409
    assert f'<a href="/campaigns/{first.pk}/">{first.name}</a>' in shown.content.decode()
    assert (Campaign.objects.count(), ContactList.objects.count()) == (2, 2)
    assert "Create another draft" in client.get(address).content.decode()
    assert client.post(address, {"resends": "1"}).status_code == 302
    assert Campaign.objects.count() == 3
