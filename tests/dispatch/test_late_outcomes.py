"""Outcomes that come too late change nothing, and others exactly what they are about."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Batch, BatchState, Evidence, Recipient, SendState, Tally
from campaigns.dispatch.send.interpret_answer import Interpretation, NextStep, NotAccepted
from campaigns.dispatch.send.leases import LEASE, Claim
from campaigns.dispatch.send.record_outcomes import BatchOutcome, write_outcomes
from campaigns.gateway.types import Accepted
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal
from tests.dispatch import factory
from tests.stored import changes, everything

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 15, 12, 0, 0, 250_000, tzinfo=UTC)
S = BatchState
D = Decimal
REFUSED = NotAccepted(SendState.REFUSED, error_code=9)
STOPPED = NotAccepted(SendState.CANCELLED, reason="stop_list")


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def held_batch(state: BatchState = S.SENDING) -> Batch:
    """A batch of five that its sender, who has the token "ours", has sent."""
    contacts = factory.contact_list("Five", 5)
    contacts.contacts.update(country="UA")
    batch = factory.launched_to(contacts).batches.get()
    Batch.objects.update(
        state=state, token="ours", lease_until=NOW + LEASE, in_flight_until=NOW + LEASE,
        intended_at=NOW, first_sent_at=NOW, attempts=2, entry_errors=3, not_before=NOW,
    )  # fmt: skip
    batch.refresh_from_db()
    return batch


def outcome(batch: Batch, interpretation: Interpretation) -> BatchOutcome:
    claim = Claim(batch.pk, batch.campaign_id, batch.number, "UA", batch.size, batch.attempts)
    ids = dict(Recipient.objects.order_by("pk").values_list("reference", "pk"))
    return BatchOutcome(claim, ids, interpretation, NOW, summary="Why", http_status=200, body="{}")


def write(batch: Batch, token: str = "ours", state: BatchState = S.SENDING, **result: Any) -> None:
    with transaction.atomic():
        for pause in write_outcomes([outcome(batch, Interpretation(**result))], token, NOW, state):
            lifecycle.pause_if_running(*pause)


def references() -> list[str]:
    return list(Recipient.objects.order_by("pk").values_list("reference", flat=True))


def everything_at_once() -> dict[str, Any]:
    """An interpretation in which each part would write something."""
    first, second, third, fourth, _fifth = references()
    return {
        "accepted": {first: Accepted("id1", D("0.02"), "EUR"), second: Accepted("id2", None, "")},
        "not_accepted": {third: REFUSED, fourth: STOPPED},
        "known_before": [_fifth],
        "next_step": NextStep.ASK,
        "pause_reason": "gateway_trouble",
        "is_throttled": True,
        "retry_after": 5.0,
        "has_failed": True,
        "has_entry_error": True,
        "keep_answer": True,
        "is_rounded": True,
    }


@pytest.mark.parametrize("believed", [S.SENDING, S.AMBIGUOUS])
def test_outcome_of_a_batch_held_by_somebody_else_changes_nothing(believed: BatchState) -> None:
    batch = held_batch()
    for state in S:
        for token in ("ours", "theirs", ""):
            if (token, state) == ("ours", believed):
                continue
            Batch.objects.update(state=state, token=token)
            before = everything()
            write(batch, "ours", believed, **everything_at_once())
            assert everything() == before
    Batch.objects.update(state=believed, token="ours")
    write(batch, "ours", believed, **everything_at_once())
    assert everything() != before


def test_everything_that_an_answer_means_is_written() -> None:
    batch = held_batch()
    before = everything()
    write(batch, **everything_at_once())
    first, second, third, fourth, fifth = Recipient.objects.order_by("pk")
    accepted = {"send_state": "accepted", "gateway_id": "id1", "charged": D("0.02")}
    assert changes(Recipient, before) == {
        first.pk: accepted | {"currency": "EUR"},
        second.pk: {"send_state": "accepted", "gateway_id": "id2"},
        third.pk: {"send_state": "refused", "error_code": 9},
        fourth.pk: {"send_state": "cancelled", "reason": "stop_list"},
        fifth.pk: {"error_code": 43},
    }
    columns = ("recipient", "kind", "channel", "country", "currency", "amount", "purpose", "at")
    assert list(LedgerEntry.objects.order_by("recipient").values_list(*columns)) == [
        (first.pk, Kind.CHARGE, Channel.VIBER, "UA", "EUR", D("0.02"), "campaign", NOW),
        (second.pk, Kind.CHARGE, Channel.VIBER, "UA", "", None, "campaign", NOW),
    ]
    assert {
        total.currency: (total.amount, total.entries, total.unknown)
        for total in LedgerTotal.objects.all()
    } == {"": (D(0), 1, 1), "EUR": (D("0.02"), 1, 0)}
    tally = Tally.objects.order_by("send_state").values_list(
        "country", "send_state", "error_code", "reason", "recipients"
    )
    assert list(tally) == [
        ("UA", "accepted", 0, "", 2),
        ("UA", "cancelled", 0, "stop_list", 1),
        ("UA", "refused", 9, "", 1),
    ]
    assert sorted(Evidence.objects.values_list("what", flat=True))[1:] == ["Why"]
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "gateway_trouble")


FREED = {"token": "", "lease_until": None, "not_before": None}


@pytest.mark.parametrize(
    ("result", "changed"),
    [
        ({"next_step": NextStep.DONE}, {"state": "done", "done_at": NOW}),
        ({"next_step": NextStep.AGAIN}, {"state": "ready"}),
        (
            {"next_step": NextStep.AGAIN, "delay": timedelta(seconds=7)},
            {"state": "ready", "not_before": NOW + timedelta(seconds=7)},
        ),
        (
            {"next_step": NextStep.AGAIN, "may_have_been_sent": False},
            {"state": "ready", "attempts": 1},
        ),
        (
            {"next_step": NextStep.ASK},
            {"state": "ambiguous", "not_before": NOW, "in_flight_until": NOW},
        ),
        (
            {"next_step": NextStep.ASK, "delay": timedelta(seconds=7), "has_entry_error": True},
            {"state": "ambiguous", "not_before": NOW + timedelta(seconds=7), "entry_errors": 4,
             "in_flight_until": NOW},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("state", [S.SENDING, S.AMBIGUOUS])
def test_batch_after_its_outcome(
    state: BatchState, result: dict[str, Any], changed: dict[str, Any]
) -> None:
    batch = held_batch(state)
    write(batch, state=state, **result)
    kept = {"attempts": 2, "entry_errors": 3, "in_flight_until": NOW + LEASE, "done_at": None}
    expected = FREED | kept | changed
    if state is S.AMBIGUOUS:  # a question is no request: what may be under way ends as before
        expected["in_flight_until"] = NOW + LEASE
    batch.refresh_from_db()
    assert {name: getattr(batch, name) for name in expected} == expected
    assert batch.first_sent_at == batch.intended_at == NOW


def test_recipient_who_is_no_longer_queued_ends_the_transaction() -> None:
    batch = held_batch()
    first = Recipient.objects.order_by("pk")[0]
    Recipient.objects.filter(pk=first.pk).update(send_state=SendState.REFUSED)
    before = everything()
    accepted = {first.reference: Accepted("id1", D("0.02"), "EUR")}
    with pytest.raises(RuntimeError, match="1 of 1 recipients were no longer queued"):
        write(batch, accepted=accepted)
    assert everything() == before


def test_found_after_a_question_forgets_that_it_was_known_before() -> None:
    batch = held_batch(S.AMBIGUOUS)
    Recipient.objects.update(error_code=43)
    first = Recipient.objects.order_by("pk")[0]
    write(batch, state=S.AMBIGUOUS, accepted={first.reference: Accepted("id1", D("0.02"), "EUR")})
    codes = list(Recipient.objects.order_by("pk").values_list("error_code", flat=True))
    assert codes == [None, 43, 43, 43, 43]
