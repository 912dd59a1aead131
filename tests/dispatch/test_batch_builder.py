"""Who is in the request of a batch, with which message, and who is not."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.compose.message.render import RenderedMessage
from campaigns.compose.models import Campaign, Sender
from campaigns.contacts.models import StopListEntry
from campaigns.dispatch.models import Batch, Recipient, SendState
from campaigns.dispatch.send.batch_builder import (
    STOPPED,
    BatchBuilder,
    RecipientRow,
    SentMessage,
    _decode_fields,
)
from campaigns.dispatch.send.interpret_answer import NotAccepted
from campaigns.dispatch.send.leases import Claim
from campaigns.gateway.bsg import delivery_reports
from campaigns.gateway.types import Address
from campaigns.ledger.models import Purpose
from tests.dispatch import factory

ON_STOP_LIST = STOPPED["stop_list"]
MISSING = NotAccepted(SendState.REFUSED, reason="missing_value")
WRONG_LENGTH = NotAccepted(SendState.REFUSED, reason="text_length")


def message_of(text: str) -> SentMessage:
    """Without a campaign that is stored, for what depends on its texts alone."""
    return SentMessage(Campaign(text=text))


def row(number: int, fields: Any = None) -> RecipientRow:
    return 1, 100 + number, f"38097000000{number}", f"r{number}", fields


def address(number: int) -> Address:
    return Address(f"38097000000{number}", f"r{number}")


@pytest.mark.parametrize("stored", [dict, lambda values: json.dumps(values, ensure_ascii=False)])
def test_equal_texts_share_a_message(stored: Any) -> None:
    rows = [row(number, stored({"name": name})) for number, name in enumerate("ЯBЯ")]
    assert message_of("Hi {name}").group(rows, {}) == (
        {},
        {
            RenderedMessage("Hi Я"): [address(0), address(2)],
            RenderedMessage("Hi B"): [address(1)],
        },
    )


def test_who_has_no_message_or_is_on_the_stop_list_is_not_sent_to() -> None:
    values = ["A", "", "x" * 1000, "x" * 1001]
    rows = [row(number, {"name": value}) for number, value in enumerate(values)]
    rows += [row(4), row(5, {"name": "A"})]
    stopped = {"380970000005": ON_STOP_LIST}
    not_accepted, addresses = message_of("{name}").group(rows, stopped)
    assert not_accepted == {
        "r1": MISSING, "r3": WRONG_LENGTH, "r4": MISSING, "r5": ON_STOP_LIST
    }  # fmt: skip
    assert addresses == {
        RenderedMessage("A"): [address(0)], RenderedMessage("x" * 1000): [address(2)]
    }  # fmt: skip
    assert message_of("{name|}").group([row(4)], {}) == ({"r4": WRONG_LENGTH}, {})


def test_same_text_for_all() -> None:
    hello, rows = message_of("Hello"), [row(0), row(1)]
    everybody = {RenderedMessage("Hello"): [address(0), address(1)]}
    assert hello.group(rows, {}) == ({}, everybody)
    assert hello.group([], {}) == ({}, {})
    some = {RenderedMessage("Hello"): [address(1)]}
    stopped = {"380970000000": ON_STOP_LIST}
    assert hello.group(rows, stopped) == ({"r0": ON_STOP_LIST}, some)
    too_long = message_of("x" * 1001)
    assert too_long.group(rows, {}) == ({"r0": WRONG_LENGTH, "r1": WRONG_LENGTH}, {})


@pytest.mark.django_db
def test_batches_have_their_own_queued_recipients() -> None:
    campaign = factory.launched(150, validity=3600, tariff=3)
    claims = [
        Claim(batch.pk, campaign.pk, batch.number, batch.country, batch.size, attempts=0)
        for batch in Batch.objects.order_by("-number")
    ]
    people = {
        claim.number: list(Recipient.objects.filter(batch_number=claim.number).order_by("pk"))
        for claim in claims
    }
    settled, stopped = people[claims[0].number][:2]
    Recipient.objects.filter(pk=settled.pk).update(send_state=SendState.ACCEPTED)
    StopListEntry.objects.create(msisdn=stopped.msisdn)
    Recipient.objects.filter(batch_number=claims[2].number).update(send_state=SendState.CANCELLED)
    prepared = BatchBuilder(campaign.pk).build_batches(claims)
    assert [batch.claim for batch in prepared] == claims
    assert [len(batch.ids) for batch in prepared] == [claims[0].size - 1, claims[1].size, 0]
    assert [batch.not_accepted for batch in prepared] == [
        {stopped.reference: ON_STOP_LIST}, {}, {}
    ]  # fmt: skip
    assert prepared[2].request is None
    for batch, left_out in zip(prepared[:2], (2, 0), strict=True):
        own = people[batch.claim.number]
        assert batch.request is not None
        assert (batch.request.validity, batch.request.tariff) == (3600, 3)
        [message] = batch.request.messages
        assert (message.text, message.sender) == (campaign.text, campaign.sender.name)  # type: ignore[union-attr]
        expected = {Address(one.msisdn, one.reference) for one in own[left_out:]}
        assert set(message.to) == expected
        assert batch.ids.items() <= {one.reference: one.pk for one in own}.items()
        assert batch.maximum_cost is None


@pytest.mark.parametrize(("attempts", "was_sent"), [(0, False), (1, True), (2, True)])
def test_most_that_a_batch_can_cost_is_of_its_messages_and_of_who_was_sent_to_before(
    attempts: int, was_sent: bool
) -> None:
    asked: list[Any] = []

    class Costs:
        def maximum(self, *values: Any, was_sent: bool) -> str:
            asked.append((*values, was_sent))
            return "maximum"

    builder = BatchBuilder.__new__(BatchBuilder)
    builder._messages = {}
    builder.campaign = Campaign(text="Hello", sender=Sender(name="Shop"), validity=60, tariff=1)
    builder.costs, builder.report_url = Costs(), "https://dash.example.com/r"  # type: ignore[assignment]
    claim = Claim(4, 7, 1, "UA", 5, attempts)
    prepared = builder._build_batch(claim, [row(0), row(1)], {"380970000000": ON_STOP_LIST})
    to_one = {RenderedMessage("Hello"): [address(1)]}
    assert asked == [(4, "UA", to_one, 2, 3, was_sent)]
    cost: Any = prepared.maximum_cost
    assert cost == "maximum"
    assert prepared.request is not None
    [message] = prepared.request.messages
    assert (message.to, message.callback_url) == ((address(1),), "https://dash.example.com/r")


@pytest.mark.django_db
def test_builder_is_made_for_its_campaign(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://dash.example.com"
    contacts = factory.contact_list("Named", 3, first_name="Оля")
    campaign = factory.launched_to(contacts, text="Hi {first_name}", budget=Decimal(9))
    builder = BatchBuilder(campaign.pk)
    assert (builder.campaign, builder.purpose) == (campaign, Purpose.CAMPAIGN)
    assert builder.report_url == delivery_reports.callback_url() != ""
    assert builder.rehearsal_gateway is None
    costs = builder.costs
    assert costs is not None
    builder.enforce_budget()
    assert builder.costs is costs
    numbers = list(Batch.objects.values_list("number", flat=True))
    fields = [one[4] for rows in builder._load_rows(numbers).values() for one in rows]
    assert [_decode_fields(stored) for stored in fields] == [{"first_name": "Оля"}] * 3

    rehearsal = BatchBuilder(factory.draft(contacts, purpose=Purpose.REHEARSAL, budget=9).pk)
    assert rehearsal.purpose == Purpose.REHEARSAL
    assert rehearsal.costs is None
    assert rehearsal.rehearsal_gateway is not None
    rehearsal.enforce_budget()
    assert rehearsal.costs is not None
