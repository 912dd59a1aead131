"""Phones that are proposed for the stop list: which, when, and what users decide."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.contacts.lists import stop_list
from campaigns.contacts.lists.models import StopProposal
from campaigns.dispatch.models import DeliveryState, Recipient
from campaigns.dispatch.people import erase_contact
from campaigns.dispatch.send.sender import BatchSender
from campaigns.models import AuditEntry, Campaign, CampaignState, Purpose, Role, StopListEntry
from campaigns.results.models import UnreachedMessage
from campaigns.results.stop_proposals import decisions, failures, nightly
from campaigns.team.models import Brand, User
from tests.dispatch import factory
from tests.markup import squeezed
from tests.reports.factories import make_campaign, make_user, send
from tests.results.test_poller import poll
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
NIGHT = datetime(2027, 6, 1, 3, 30, tzinfo=UTC)
PHONE, OTHER = "380670000001", "380670000002"
PAGE = "/contacts/stop-list/proposals/"
NOT_REACHED, REACHED = "not_delivered", "delivered"


def sent(*fates: str, days_ago: float = 30, **columns: Any) -> Campaign:
    """A campaign sent to as many phones as `fates`, PHONE first, with the failures noted."""
    campaign = make_campaign(state=CampaignState.FINISHED, **columns)
    at = NIGHT - timedelta(days=days_ago)
    for fate in fates:
        send(campaign, {("UA", fate): 1}, at=at)
    failed = campaign.recipients.filter(delivery_state=DeliveryState.NOT_DELIVERED)
    if campaign.purpose == Purpose.CAMPAIGN:  # as recording does
        failures.note(failed.order_by("pk").values_list("pk", flat=True), at)
    return campaign


def history(fates: Sequence[str], **columns: Any) -> None:
    for place, fate in enumerate(fates):
        sent(fate, days_ago=30 - place, **columns)


def proposed() -> dict[str, int]:
    return dict(decisions.valid_proposals().values_list("msisdn", "failures"))


@pytest.mark.parametrize(
    ("fates", "expected"),
    [
        ([NOT_REACHED] * 2, {}),
        ([NOT_REACHED] * 3, {PHONE: 3}),
        ([NOT_REACHED] * 4, {PHONE: 4}),
        ([NOT_REACHED, NOT_REACHED, REACHED, NOT_REACHED], {}),
        ([REACHED, NOT_REACHED, NOT_REACHED, NOT_REACHED], {PHONE: 3}),
        ([NOT_REACHED, NOT_REACHED, "sms_delivered", NOT_REACHED], {}),
        # nothing is said about the phone
        ([NOT_REACHED, "sent", "refused", NOT_REACHED, "unresolved", NOT_REACHED], {PHONE: 3}),
    ],
)
def test_so_many_failures_in_a_row_are_proposed(fates: list[str], expected: dict[str, int]) -> None:
    history(fates)
    nightly.propose(NIGHT)
    assert proposed() == expected
    assert not StopListEntry.objects.exists()
    assert not UnreachedMessage.objects.exists()


def test_a_proposal_names_the_last_failure() -> None:
    history([NOT_REACHED] * 2)
    last = sent(NOT_REACHED, days_ago=1)
    last.recipients.update(status="not_viber_user")
    nightly.propose(NIGHT)
    proposal = StopProposal.objects.get()
    assert (proposal.campaign, proposal.last_at) == (last, NIGHT - timedelta(days=1))
    assert decisions.reason_text(proposal) == "Does not use Viber, 3 messages in a row"


def test_results_of_the_message_alone_do_not_count() -> None:
    history([NOT_REACHED] * 3)
    Recipient.objects.update(status="rejected")
    nightly.propose(NIGHT)
    assert proposed() == {}


def test_rehearsals_and_other_brands_do_not_count() -> None:
    history([NOT_REACHED] * 2)
    sent(NOT_REACHED, purpose=Purpose.REHEARSAL)
    other = Brand.objects.create(name="Other", slug="other")
    sent(NOT_REACHED, brand=other, sender="Other")
    nightly.propose(NIGHT)
    assert proposed() == {}


def test_it_waits_for_the_night_and_looks_at_new_failures_alone() -> None:
    history([NOT_REACHED] * 3)
    nightly.propose(NIGHT.replace(hour=0))
    assert proposed() == {}
    nightly.propose(NIGHT)
    UnreachedMessage.objects.create(recipient_id=Recipient.objects.latest("pk").pk, at=NIGHT)
    with CaptureQueriesContext(connection) as queries:
        nightly.propose(NIGHT + timedelta(minutes=1))
    assert UnreachedMessage.objects.count() == 1  # for the next night
    assert not any("campaigns_recipient" in query["sql"] for query in queries)


def test_brands_choose_the_number_or_have_no_proposals() -> None:
    history([NOT_REACHED] * 3)
    brand, admin = Brand.objects.get(), make_user("admin", Role.ADMINISTRATOR)
    nightly.propose(NIGHT)
    decisions.set_proposed_after(admin, brand, 4)
    assert proposed() == {}
    sent(NOT_REACHED, days_ago=1)
    decisions.set_proposed_after(admin, brand, decisions.NEVER)
    nightly.propose(NIGHT)
    assert proposed() == {}
    assert not UnreachedMessage.objects.exists()


def test_a_phone_reached_later_is_no_longer_proposed() -> None:
    history([NOT_REACHED] * 3)
    nightly.propose(NIGHT)
    sent(REACHED, days_ago=0)
    assert proposed() == {}
    nightly.propose(NIGHT + timedelta(days=1))
    assert not StopProposal.objects.exists()


def test_a_dismissed_phone_is_proposed_again_after_as_many_failures() -> None:
    user = make_user()
    history([NOT_REACHED] * 3)
    nightly.propose(NIGHT)
    assert decisions.dismiss(decisions.valid_proposals(), user) == 1
    assert AuditEntry.objects.latest("pk").action == "proposals dismissed"
    for days_ago in (3, 2):
        sent(NOT_REACHED, days_ago=days_ago)
    nightly.propose(NIGHT)
    assert proposed() == {}
    sent(NOT_REACHED, days_ago=1)
    nightly.propose(NIGHT)
    assert proposed() == {PHONE: 6}


def test_accepted_phones_are_on_the_stop_list_with_the_source() -> None:
    user = make_user()
    for days_ago in (4, 3, 2):
        sent(NOT_REACHED, NOT_REACHED, days_ago=days_ago)
    nightly.propose(NIGHT)
    assert proposed() == {PHONE: 3, OTHER: 3}
    assert decisions.accept(decisions.valid_proposals().filter(msisdn=PHONE), user) == 1
    entry = StopListEntry.objects.get()
    assert (entry.msisdn, entry.reason) == (PHONE, "Proposed: not reachable 3 times in a row")
    assert (entry.created_by, entry.brand_id) == (user, Brand.objects.get().pk)
    assert proposed() == {OTHER: 3}
    last = AuditEntry.objects.latest("pk")
    assert (last.action, last.detail) == ("stopped", "1 of 1, proposed")


def test_what_came_onto_the_stop_list_otherwise_is_not_proposed() -> None:
    history([NOT_REACHED] * 3)
    nightly.propose(NIGHT)
    stop_list.stop(PHONE, "asked", None)
    assert proposed() == {}


def test_erasing_a_phone_deletes_its_proposal() -> None:
    history([NOT_REACHED] * 3)
    nightly.propose(NIGHT)
    sent(NOT_REACHED, days_ago=0)
    erase_contact.erase(PHONE, make_user())
    nightly.propose(NIGHT + timedelta(days=1))
    assert not StopProposal.objects.exists()


def test_recording_notes_failures_of_phones_alone(sandbox: RunningSandbox) -> None:
    sandbox.faults(status="mixed")
    factory.launched(300)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    sandbox.settle()
    poll(sandbox, timedelta(minutes=1))
    noted = set(UnreachedMessage.objects.values_list("recipient_id", flat=True))
    failed = Recipient.objects.filter(
        final=True, delivery_state="not_delivered", status__in=failures.STATUSES
    )
    assert noted == set(failed.values_list("pk", flat=True)) != set()
    poll(sandbox, timedelta(minutes=2))
    assert UnreachedMessage.objects.count() == len(noted)


@pytest.fixture
def page() -> Client:
    """A page with two proposals, opened by a marketer."""
    for days_ago in (4, 3, 2):
        sent(NOT_REACHED, NOT_REACHED, days_ago=days_ago)
    nightly.propose(NIGHT)
    StopProposal.objects.update(proposed_at=timezone.now() - timedelta(hours=1))
    client = Client()
    client.force_login(make_user())
    return client


def test_the_page_shows_proposals_and_takes_decisions(page: Client) -> None:
    text = squeezed(page.get(PAGE).content.decode())
    assert "Could not be delivered, 3 messages in a row" in text
    assert "Add all 2 to stop list" in text
    assert "2 phones failed several times in a row." in page.get("/").content.decode()
    assert ">2<" in squeezed(page.get("/contacts/stop-list/").content.decode())
    first = StopProposal.objects.get(msisdn=PHONE)
    answer = page.post(PAGE, {"decision": "stop", "proposal": [first.pk, "x"]}, follow=True)
    assert "1 phone added to the stop list." in answer.content.decode()
    assert proposed() == {OTHER: 3}
    nothing = page.post(PAGE, {"decision": "dismiss"}, follow=True)
    assert "Select at least one phone" in nothing.content.decode()


def test_all_are_those_that_the_page_has_shown(page: Client) -> None:
    opened = timezone.now() - timedelta(minutes=30)
    StopProposal.objects.filter(msisdn=OTHER).update(proposed_at=timezone.now())
    page.post(PAGE, {"decision": "dismiss-all", "seen_until": opened.isoformat()})
    assert proposed() == {OTHER: 3}
    for wrong in ("", "yesterday", "2026-13-01T00:00:00Z"):
        page.post(PAGE, {"decision": "stop-all", "seen_until": wrong})
    assert not StopListEntry.objects.exists()


def test_administrators_alone_set_the_number(page: Client) -> None:
    assert page.post(f"{PAGE}setting", {"failures": 5}).status_code == 403
    page.force_login(User.objects.create_user("admin", role=Role.ADMINISTRATOR))
    assert page.post(f"{PAGE}setting", {"failures": 51}).status_code == 422
    page.post(f"{PAGE}setting", {"failures": 5})
    assert Brand.objects.get().stop_proposed_after == 5
    assert proposed() == {}
