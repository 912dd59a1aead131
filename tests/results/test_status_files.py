"""Statistics files: whom they follow, what of them is believed, and what switches them off."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg import transport
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.ledger.models import Kind, LedgerEntry
from campaigns.results.models import (
    StatusFile,
    StatusFileBatch,
    StatusFileUse,
    StatusHint,
    WhyOff,
)
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import file_use
from campaigns.results.polling.status_files import StatusFiles
from campaigns.team import accounts
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
PEOPLE = 400
LATER = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def small_campaigns_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_use, "CAMPAIGN_MIN", PEOPLE)


@pytest.fixture
def later(sandbox: RunningSandbox) -> Iterator[time_machine.Traveller]:
    """A campaign of PEOPLE was sent two minutes ago; files are on, and ready at once."""
    sandbox.faults(files_s=0)
    factory.launched(PEOPLE)
    send(sandbox)
    switch_on()
    with time_machine.travel(timezone.now() + LATER) as traveller:
        yield traveller


def send(sandbox: RunningSandbox) -> None:
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()


def switch_on(*, takes_windows: bool = True) -> None:
    account = accounts.load().current
    assert account
    file_use.record_success(account, timezone.now(), takes_windows=takes_windows)


def take(client: Client) -> int:
    """Ask for files; return how many batches are in files now."""
    assert StatusFiles(client).take(0, ()) == []
    return StatusFileBatch.objects.count()


def collect(client: Client) -> int:
    """Read all files, some seconds later; return how many recipients are recorded."""
    recorded = Recipient.objects.exclude(delivery_state="")
    before = recorded.count()
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        files = StatusFiles(client)
        while checks := files.take(0, ()):
            [check] = checks
            replies = [
                StatusReply(client.status_by_reference(message.reference, message.msisdn))
                for message in check.messages
            ]
            files.record([(check, replies)])
    return recorded.count() - before


def calls(sandbox: RunningSandbox) -> list[str]:
    """The calls of the gateway after the send, without ids."""
    steps = [request["path"].split("?")[0].split("/") for request in sandbox.requests()]
    return ["/".join(step[1:3]) for step in steps if step[2] != "create" or step[1] == "stat"]


def use() -> StatusFileUse:
    return StatusFileUse.objects.get()


def waiting() -> int:
    return Batch.objects.filter(file_use.waiting(timezone.now())).count()


def due_now() -> int:
    soon = timezone.now() + timedelta(seconds=10)
    return Batch.objects.filter(check_at__lte=soon).count()


def test_files_are_off_until_they_were_seen_to_work(sandbox: RunningSandbox) -> None:
    factory.launched(PEOPLE)
    send(sandbox)
    with time_machine.travel(timezone.now() + LATER):
        assert waiting() == 0
        assert (take(sandbox.client()), collect(sandbox.client()), calls(sandbox)) == (0, 0, [])


@pytest.mark.usefixtures("later")
def test_a_file_tells_what_changes_no_money(sandbox: RunningSandbox) -> None:
    sandbox.settle()
    client = sandbox.client()
    assert take(client) == Batch.objects.count() == 9
    assert (take(client), due_now()) == (9, 0)
    entries = LedgerEntry.objects.count()
    recorded = collect(client)
    sampled = calls(sandbox).count("viber/reference")
    assert sorted(set(calls(sandbox))) == [
        "exports/file",
        "stat/create",
        "stat/file",
        "stat/list",
        "viber/reference",
    ]
    assert (len(calls(sandbox)), sampled) == (8, 4)
    bill = sandbox.bill()["statuses"]
    arrived = bill["read"] + bill["delivered"]
    states = Recipient.objects.values_list("delivery_state", flat=True)
    assert [state for state in states if state == "read"] == ["read"] * bill["read"]
    # whose price has dropped is asked for by a single call, if not in the sample
    assert arrived <= recorded <= arrived + sampled
    assert StatusHint.objects.count() == PEOPLE - recorded
    adjustments = LedgerEntry.objects.filter(kind=Kind.ADJUSTMENT).count()
    assert LedgerEntry.objects.count() - entries == adjustments == recorded - arrived
    delivered = Recipient.objects.filter(delivery_state="read").exclude(delivered_at=None).first()
    assert delivered
    known = sandbox.messages(reference=delivered.reference)[0]["time_dr"]
    assert f"{delivered.delivered_at:%F %T}" == known
    assert (StatusFile.objects.count(), client.files(), differences()) == (0, [], [])
    assert set(Batch.objects.values_list("checks", flat=True)) == {1}


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    ("lie", "detail"),
    [
        ({"files_wrong_price": 100}, "EUR by itself"),
        ({"files_wrong_status": 100}, "in a file"),
    ],
)
def test_a_file_that_lies_is_discarded_and_switches_files_off(
    sandbox: RunningSandbox, lie: dict[str, Any], detail: str, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.settle()
    sandbox.faults(files_s=0, **lie)
    client = sandbox.client()
    assert take(client) == 9
    with caplog.at_level(logging.ERROR):
        assert collect(client) == 0
    assert (use().is_on, use().why_off, use().seen_at) == (False, WhyOff.MISMATCH, None)
    assert detail in use().detail
    assert "are switched off" in caplog.text
    assert not Recipient.objects.exclude(delivery_state="").exists()
    assert due_now() == 9
    assert (take(client), client.files(), StatusFile.objects.count()) == (0, [], 0)


@pytest.mark.usefixtures("later")
def test_a_worker_killed_after_it_asked_loses_no_file(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.settle()
    client, create = sandbox.client(), Client.create_file

    def killed(self: Client, question: bytes) -> str:
        create(self, question)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Client, "create_file", killed)
        with pytest.raises(KeyboardInterrupt):
            take(client)
    assert StatusFile.objects.get().key == ""
    assert len(client.files()) == 1
    assert due_now() == 0
    assert collect(client) > 300
    assert (client.files(), StatusFile.objects.count()) == ([], 0)


@pytest.mark.usefixtures("later")
def test_a_worker_killed_while_it_reads_leaves_the_file_to_another(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.settle()
    client = sandbox.client()
    take(client)
    with monkeypatch.context() as patch:
        patch.setattr(Client, "delete_file", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            collect(client)
    before = LedgerEntry.objects.count()
    assert collect(client) == 0  # it is claimed for a while
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        collect(client)
    assert (client.files(), StatusFile.objects.count()) == ([], 0)
    assert (LedgerEntry.objects.count(), differences()) == (before, [])


def _interrupt(self: Client, key: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("later")
def test_five_files_of_others_are_left_alone_and_single_calls_go_on(
    sandbox: RunningSandbox,
) -> None:
    sandbox.faults(files_others=5)
    client = sandbox.client()
    assert take(client) == 0
    assert due_now() == 9
    assert waiting() == 0
    assert use().is_on
    assert take(client) == 0
    assert calls(sandbox) == ["stat/create"]
    sandbox.faults(files_s=0)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert take(client) == 9
        assert collect(client) > 0
    assert client.files() == []


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("state", ["stuck", "failed"])
def test_a_file_that_is_never_ready_is_given_up_and_deleted(
    sandbox: RunningSandbox, state: str
) -> None:
    sandbox.faults(files_s=0, files=state)
    client = sandbox.client()
    assert take(client) == 9
    assert collect(client) == 0
    assert due_now() == (9 if state == "failed" else 0)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        collect(client)
        assert due_now() == 9
        assert (take(client), client.files(), StatusFile.objects.count()) == (0, [], 0)
        assert use().paused_until
        assert use().is_on


@pytest.mark.usefixtures("later")
def test_a_file_that_is_too_large_is_discarded(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sandbox.client()
    assert take(client) == 9
    with monkeypatch.context() as patch:
        patch.setattr(transport, "ANSWER_MAX", 50_000)
        assert collect(client) == 0
    assert (client.files(), due_now(), use().is_usable(timezone.now())) == ([], 9, False)


@pytest.mark.usefixtures("later")
def test_a_gateway_that_lost_its_files_switches_them_off(sandbox: RunningSandbox) -> None:
    sandbox.faults(files="off")
    assert take(sandbox.client()) == 0
    assert (use().is_on, use().why_off, due_now()) == (False, WhyOff.NOT_THERE, 9)


@pytest.mark.usefixtures("later")
def test_whom_a_file_does_not_name_is_asked_for_by_single_calls(sandbox: RunningSandbox) -> None:
    sandbox.settle()
    sandbox.faults(files_s=0, files_missing=30)
    client = sandbox.client()
    take(client)
    recorded = collect(client)
    assert StatusHint.objects.count() == PEOPLE - recorded > 100


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("missing", [80, 100])
def test_a_file_that_names_hardly_anybody_is_discarded(
    sandbox: RunningSandbox, missing: int
) -> None:
    sandbox.faults(files_s=0, files_missing=missing)
    client = sandbox.client()
    assert take(client) == 9
    assert collect(client) == StatusHint.objects.count() == 0
    assert (use().is_on, use().is_usable(timezone.now())) == (True, False)
    assert (client.files(), due_now()) == ([], 9)


@pytest.mark.parametrize(
    "changes", [{"sms_sender": "Shop", "sms_text": "Hello"}, {"purpose": "rehearsal"}], ids=str
)
def test_messages_with_an_sms_fallback_and_rehearsals_are_in_no_file(
    sandbox: RunningSandbox, changes: dict[str, str]
) -> None:
    factory.launched(PEOPLE)
    send(sandbox)
    switch_on()
    Campaign.objects.update(**changes)
    with time_machine.travel(timezone.now() + LATER):
        assert take(sandbox.client()) == 0
        assert waiting() == 0


def test_small_campaigns_are_in_no_file(sandbox: RunningSandbox) -> None:
    factory.launched(PEOPLE - 1)
    send(sandbox)
    switch_on()
    with time_machine.travel(timezone.now() + LATER):
        assert take(sandbox.client()) == 0


def test_batches_wait_for_a_file_until_there_are_enough(sandbox: RunningSandbox) -> None:
    sandbox.faults(files_s=0)
    factory.launched(PEOPLE)
    send(sandbox)
    switch_on()
    now = timezone.now()
    for seconds, are_waiting, taken in ((20, 9, 0), (65, 9, 0), (200, 0, 9)):
        with time_machine.travel(now + timedelta(seconds=seconds)):
            assert waiting() == are_waiting
            assert take(sandbox.client()) == taken


def test_without_windows_300_messages_are_named_by_their_ids(sandbox: RunningSandbox) -> None:
    sandbox.faults(files_s=0)
    factory.launched(PEOPLE)
    send(sandbox)
    switch_on(takes_windows=False)
    sandbox.settle()
    client = sandbox.client()
    with time_machine.travel(timezone.now() + LATER):
        assert take(client) == 9
        assert len(client.files()) == 2
        assert collect(client) > 300
    assert {
        len(str(request["body"])) > 100 for request in sandbox.requests(path="/stat/create")
    } == {True}
    assert client.files() == []


def test_the_price_that_counts_is_the_newest_one(sandbox: RunningSandbox) -> None:
    """After a single call has entered another price, files are believed again."""
    sandbox.faults(files_s=0)
    factory.launched(PEOPLE)
    send(sandbox)
    switch_on()
    Recipient.objects.update(charged=Decimal("0.5"))
    client = sandbox.client()
    with time_machine.travel(timezone.now() + LATER):
        take(client)
        assert collect(client) == 4  # the sample
        assert StatusHint.objects.count() == PEOPLE - 4
