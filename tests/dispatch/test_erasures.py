"""Erasing a phone while its messages are sent: neither waits for the other for ever, and nobody
who may have got a message counts as cancelled.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.contacts.importing import rejected_rows
from campaigns.contacts.importing.errors import ContactsError
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.people import erase_contact
from campaigns.dispatch.send import record_outcomes
from campaigns.dispatch.send.interpret_answer import Interpretation
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.record_outcomes import BatchOutcome, write_outcomes
from campaigns.gateway.types import Accepted
from campaigns.results.money import gateway_comparison
from campaigns.results.money.rebuilding import differences, rebuild
from campaigns.results.polling import batch_checks, recording
from campaigns.results.polling.recording import StatusUpdate
from tests.dispatch import factory
from tests.results.test_prices import accept, status
from tests.stored import changes, everything

PHONE = factory.phone(0)
WAIT = 0.2  # seconds; a thread that waits for a lock does not arrive at a barrier


def outcome_of(batch: Batch) -> BatchOutcome:
    claim = Claim(batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, 1)
    ids = dict(Recipient.objects.filter(batch_number=batch.number).values_list("reference", "pk"))
    accepted = {reference: Accepted("id", Decimal("0.02"), "EUR") for reference in ids}
    return BatchOutcome(claim, ids, Interpretation(accepted=accepted), timezone.now())


@pytest.mark.django_db(transaction=True)
def test_answer_recorded_during_an_erasure_ends_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender has the batch, the erasure comes to its locks, and the sender to the recipients.

    In the opposite order PostgreSQL would end one of them: "deadlock detected".
    """
    factory.launched(6)
    message = Recipient.objects.get(msisdn=PHONE)
    batch = Batch.objects.get(number=message.batch_number)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.SENDING, token="ours")
    both, has_begun = Barrier(2), Event()

    def meet(*_arguments: object) -> None:
        with suppress(BrokenBarrierError):  # on SQLite the erasure waits for all of the other
            both.wait(WAIT)

    def meet_and_wait_for_its_locks(place: str) -> None:
        if place == "close_batches":
            has_begun.set()
            meet()
            meet()

    monkeypatch.setattr(rejected_rows, "clear_cells", meet)
    monkeypatch.setattr(record_outcomes, "failpoint", meet_and_wait_for_its_locks)

    def record() -> None:
        try:
            with transaction.atomic():
                write_outcomes([outcome_of(batch)], "ours", timezone.now())
        finally:
            connection.close()

    def erase() -> int:
        has_begun.wait()
        try:
            return erase_contact.erase(PHONE, None).messages
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        recorded, erasing = pool.submit(record), pool.submit(erase)
        recorded.result()
        assert erasing.result() == 1
    message.refresh_from_db()
    assert (message.send_state, message.gateway_id) == (SendState.ACCEPTED, "id")
    assert message.msisdn == f"x{message.pk}"
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_polling_during_the_nightly_check_of_prices_ends_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Polling has the batch, the check comes to its locks, and polling to the recipients."""
    _campaign, recipients = accept(3, lambda: None)
    long_ago = timezone.now() - timedelta(days=5)
    Campaign.objects.update(launched_at=long_ago, finished_at=long_ago)
    batch = Batch.objects.select_related("campaign").get(number=recipients[0].batch_number)
    named = status(("0.02", "EUR", []))
    both, record_updates = Barrier(2), recording.record_updates

    def meet() -> None:
        with suppress(BrokenBarrierError):
            both.wait(WAIT)

    def wait_and_record(*arguments: Any) -> Any:
        meet()
        meet()
        return record_updates(*arguments)

    monkeypatch.setattr(batch_checks, "record_updates", wait_and_record)

    def poll() -> None:
        try:
            updates = [StatusUpdate(recipients[0], named)]
            check = batch_checks.BatchCheck(batch, recipients[:1])
            batch_checks.write_checks([(check, batch_checks.Replies(updates))])
        finally:
            connection.close()

    def check() -> int:
        try:
            meet()
            return gateway_comparison.recheck_unknown_prices(timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        polling, checking = pool.submit(poll), pool.submit(check)
        polling.result()
        assert checking.result() >= 2
    assert Recipient.objects.get(pk=recipients[0].pk).viber_price == Decimal("0.02")
    assert differences() == []


@pytest.mark.django_db
@pytest.mark.parametrize("state", sorted(set(BatchState) - {BatchState.READY, BatchState.WAITING}))
def test_message_that_a_sender_has_is_not_erased(state: str) -> None:
    factory.launched(6)
    Batch.objects.update(state=state)
    before = everything()
    with pytest.raises(ContactsError, match="being sent right now"):
        erase_contact.erase(PHONE, None)
    assert everything() == before


@pytest.mark.django_db
def test_queued_messages_of_all_campaigns_are_cancelled_and_the_others_stay() -> None:
    contacts = factory.contact_list("Six", 6)
    campaigns = [factory.launched_to(contacts) for _ in range(3)]
    messages = list(Recipient.objects.filter(msisdn=PHONE).order_by("campaign_id"))
    Recipient.objects.filter(pk=messages[2].pk).update(send_state=SendState.ACCEPTED)
    Batch.objects.filter(campaign=campaigns[2]).update(state=BatchState.SENDING)
    before = everything()
    erased = erase_contact.erase(PHONE, None)
    assert (erased.lists, erased.messages, erased.waiting) == (1, 3, 2)
    gone = {"send_state": "cancelled", "reason": "erased"}
    assert changes(Recipient, before) == {
        message.pk: {"msisdn": f"x{message.pk}"} | (gone if message != messages[2] else {})
        for message in messages
    }
    assert changes(Batch, before) == {}
    rebuild()
    assert differences() == []
