"""A delivery report makes polling ask for its message soon; only the answer counts."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import Settings

from campaigns.dispatch.models import Batch, BatchState, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.dispatch.tasks import ASK
from campaigns.ledger.models import LedgerEntry
from campaigns.results import campaign_status, tasks
from campaigns.results.models import StatusHint
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import asker, hints
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def sent(sandbox: RunningSandbox, count: int = 60, **changes: str) -> list[Recipient]:
    factory.launched(count, **changes)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    return list(Recipient.objects.order_by("pk"))


def asked_references(sandbox: RunningSandbox) -> list[str]:
    paths = [call["path"] for call in sandbox.requests()]
    return [path.rpartition("/")[2] for path in paths if path.startswith("/viber/reference/")]


def poll(sandbox: RunningSandbox) -> None:
    asker.ask(sandbox.client(), 4, timezone.now() + timedelta(seconds=60))


def test_a_hint_asks_only_for_its_message(sandbox: RunningSandbox) -> None:
    recipients = sent(sandbox)
    sandbox.settle()
    assert (
        hints.store([recipients[3].reference, recipients[7].reference, recipients[3].reference])
        == 2
    )
    assert asker.is_due(timezone.now())
    poll(sandbox)
    assert sorted(asked_references(sandbox)) == sorted(
        [recipients[3].reference, recipients[7].reference]
    )
    assert Recipient.objects.exclude(delivery_state="").count() == 2
    assert not StatusHint.objects.exists()
    batch = Batch.objects.get(
        campaign_id=recipients[3].campaign_id, number=recipients[3].batch_number
    )
    assert batch.checks == 1
    assert batch.check_at is not None  # the others still have their turn
    assert differences() == []


def test_repeated_and_late_reports_change_nothing(sandbox: RunningSandbox) -> None:
    recipients = sent(sandbox, sms_sender="Shop", sms_text="Hello by SMS")
    sandbox.settle()
    references = [recipient.reference for recipient in recipients]
    hints.store(references)
    poll(sandbox)
    before = (LedgerEntry.objects.count(), list(Recipient.objects.order_by("pk").values()))
    hints.store(references[::-1])
    poll(sandbox)
    assert (LedgerEntry.objects.count(), list(Recipient.objects.order_by("pk").values())) == before
    assert differences() == []


def test_unknown_references_and_settled_recipients_give_no_hints(sandbox: RunningSandbox) -> None:
    recipients = sent(sandbox)
    Recipient.objects.filter(pk=recipients[0].pk).update(final=True)
    Recipient.objects.filter(pk=recipients[1].pk).update(send_state="queued")
    assert hints.store(["f" * 32, "", recipients[0].reference, recipients[1].reference]) == 0
    assert not StatusHint.objects.exists()


def test_hints_of_batches_that_are_not_done_are_dropped(sandbox: RunningSandbox) -> None:
    recipients = sent(sandbox)
    Batch.objects.update(state=BatchState.AMBIGUOUS)
    hints.store([recipients[0].reference])
    assert hints._take(10) == []
    assert not StatusHint.objects.exists()


def test_hints_are_bounded(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    recipients = sent(sandbox)
    monkeypatch.setattr(hints, "HINTS_MAX", 5)
    hints.store([recipient.reference for recipient in recipients[:5]])
    assert hints.store([recipients[9].reference]) == 0
    assert StatusHint.objects.count() == 5


def test_note_wakes_a_worker(sandbox: RunningSandbox) -> None:
    recipients = sent(sandbox)
    OrmQ.objects.all().delete()
    tasks.note(["f" * 32])
    assert not OrmQ.objects.exists()
    tasks.note([recipients[0].reference])
    assert [waiting.task["func"] for waiting in OrmQ.objects.all()] == [ASK]


def test_messages_have_a_callback_url_if_there_is_one(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:9"
    sent(sandbox, 3)
    addresses = {message["callback_url"] for message in sandbox.messages()}
    assert len(addresses) == 1
    assert addresses.pop().startswith("http://127.0.0.1:9/delivery-reports/")
    assert campaign_status.counts(Recipient.objects.all()[0].campaign).accepted == 3
