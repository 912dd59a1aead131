"""Promotional messages only with consent: who is frozen, and who is sent to."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.compose.audience.selection import needs_consent
from campaigns.contacts.models import Consent, Person
from campaigns.contacts.people import person
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.send.batch_builder import STOPPED, BatchBuilder
from campaigns.reports.campaign.progress import load_progress
from campaigns.results import campaign_status
from campaigns.team.models import Brand
from tests.dispatch import factory
from tests.dispatch.test_sender import send
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def agree(*numbers: int) -> None:
    Brand.objects.update(promotional_needs_consent=True)
    for number in numbers:
        Person.objects.create(msisdn=factory.phone(number), consent=Consent.GIVEN)


def change(number: int, consent: str) -> None:
    seen = person.values_of(person.find(factory.phone(number)))
    person.change(factory.phone(number), seen | {"consent": consent}, seen, None)


def test_those_who_agreed_are_frozen() -> None:
    agree(*range(4))
    campaign = factory.launched(12)
    phones = set(Recipient.objects.values_list("msisdn", flat=True))
    assert phones == {factory.phone(number) for number in range(4)}
    snapshot = campaign.snapshot
    assert (snapshot.in_lists, snapshot.left, snapshot.without_consent) == (12, 4, 8)
    excluded = [(str(each.label), each.number) for each in load_progress(campaign).excluded]
    assert excluded == [("No consent", 8)]


def test_consent_of_another_brand_does_not_count() -> None:
    agree(1)
    other = Brand.objects.create(name="Other", slug="other")
    Person.objects.create(msisdn=factory.phone(2), consent=Consent.GIVEN, brand=other)
    factory.launched(12)
    assert list(Recipient.objects.values_list("msisdn", flat=True)) == [factory.phone(1)]


def test_a_transactional_campaign_goes_to_everybody() -> None:
    agree(1)
    assert factory.launched(12, promotional=False).snapshot.left == 12


def test_who_takes_consent_back_after_the_freeze_gets_nothing(sandbox: RunningSandbox) -> None:
    agree(*range(6))
    campaign = factory.launched(6)
    change(1, "withdrawn")
    change(2, "unknown")
    send(sandbox)
    counts = campaign_status.counts(campaign)
    reasons = {"stop_list": 1, "no_consent": 1}
    assert (counts.accepted, counts.cancelled, counts.reasons) == (4, 2, reasons)
    for number in (1, 2):
        assert not sandbox.messages(msisdn=factory.phone(number))


def test_without_the_setting_no_statement_asks_for_consent(sandbox: RunningSandbox) -> None:
    with CaptureQueriesContext(connection) as queries:
        factory.launched(6)
        send(sandbox)
    asked = [query["sql"] for query in queries if "campaigns_person" in query["sql"]]
    assert asked == []


def test_the_setting_counts_for_a_sender_that_sends_already(sandbox: RunningSandbox) -> None:
    """Its builder was made while everybody was sent to."""
    campaign = factory.launched(12)
    builder = BatchBuilder(campaign.pk)
    numbers = sorted(campaign.batches.values_list("number", flat=True))
    assert not needs_consent(builder.campaign)
    agree(*range(4))
    rows = builder._load_rows(numbers)
    stopped = builder._load_stopped(rows.values())
    assert stopped == {factory.phone(number): STOPPED["no_consent"] for number in range(4, 12)}
