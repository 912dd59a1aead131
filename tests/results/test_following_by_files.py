"""The asker follows a campaign with statistics files: the calls that takes, and what stops it."""

from collections import deque
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from campaigns.dispatch.models import Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg.client import Client
from campaigns.results import campaign_status
from campaigns.results.models import StatusFile, StatusFileUse, StatusHint, WhyOff
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import asker, file_use
from campaigns.team import accounts
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
PEOPLE, MANY = 400, 1_400
MINUTES = (1.5, 2, 6, 25, 100, 400, 1441, 2882)  # after the send: the plan of a settled message


@pytest.fixture
def sent_at(
    request: pytest.FixtureRequest, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> datetime:
    """When a campaign to PEOPLE was sent, no message of which is refunded; files are on."""
    people = getattr(request, "param", PEOPLE)
    monkeypatch.setattr(file_use, "CAMPAIGN_MIN", people)
    sandbox.faults(files_s=0, viber_charged=100)
    factory.launched(people)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    account = accounts.load().current
    assert account
    file_use.record_success(account, timezone.now(), takes_windows=True)
    sandbox.settle()
    sandbox.server.control.received = deque()  # keeps all calls
    return timezone.now()


def ask_at(sandbox: RunningSandbox, moment: datetime) -> None:
    """Ask what is due at `moment`, and read the files some seconds later."""
    client = sandbox.client()
    for later in (0, 5):
        with time_machine.travel(moment + timedelta(seconds=later)):
            asker.ask(client, 4, timezone.now() + timedelta(seconds=60))


def calls(sandbox: RunningSandbox, path: str) -> int:
    return sum(call.path.startswith(path) for call in sandbox.server.control.received)


@pytest.mark.parametrize("sent_at", [MANY], indirect=True)
def test_files_follow_a_campaign_with_few_calls(sandbox: RunningSandbox, sent_at: datetime) -> None:
    for minutes in MINUTES:
        ask_at(sandbox, sent_at + timedelta(minutes=minutes))
    counts = campaign_status.counts(Recipient.objects.all()[0].campaign).delivery
    statuses = sandbox.bill()["statuses"]
    assert counts["read"] == statuses["read"]
    assert counts["delivered"] == statuses["delivered"]
    assert counts["not_delivered"] == MANY - statuses["read"] - statuses["delivered"]
    single, files = calls(sandbox, "/viber/reference/"), calls(sandbox, "/stat/create")
    assert 3 <= files <= len(MINUTES)
    assert single < 0.1 * MANY
    assert single + 4 * files < 0.1 * MANY
    assert (sandbox.client().files(), StatusFile.objects.count(), differences()) == ([], 0, [])


def test_refunded_messages_take_a_call_each(sandbox: RunningSandbox, sent_at: datetime) -> None:
    sandbox.faults(files_s=0)
    for minutes in MINUTES[:2]:
        ask_at(sandbox, sent_at + timedelta(minutes=minutes))
    statuses, spend = sandbox.bill()["statuses"], sandbox.bill()["spend"]["EUR"]["total"]
    refunded = PEOPLE - statuses["read"] - statuses["delivered"]
    assert refunded <= calls(sandbox, "/viber/reference/") <= refunded + 40
    assert not StatusHint.objects.exists()
    campaign = Recipient.objects.all()[0].campaign
    assert str(campaign_status.spend(campaign)["EUR"]["total"]) == spend
    assert differences() == []


def test_a_lie_switches_files_off_and_single_calls_tell_the_truth(
    sandbox: RunningSandbox, sent_at: datetime
) -> None:
    sandbox.faults(files_s=0, viber_charged=100, files_wrong_status=100)
    for minutes in MINUTES[:2]:
        ask_at(sandbox, sent_at + timedelta(minutes=minutes))
    assert StatusFileUse.objects.get().why_off == WhyOff.MISMATCH
    counts = campaign_status.counts(Recipient.objects.all()[0].campaign).delivery
    assert counts["read"] == sandbox.bill()["statuses"]["read"]
    assert calls(sandbox, "/viber/reference/") >= PEOPLE
    assert sandbox.client().files() == []


def test_single_calls_go_on_beside_five_files_of_others(
    sandbox: RunningSandbox, sent_at: datetime
) -> None:
    sandbox.faults(files_s=0, viber_charged=100, files_others=5)
    ask_at(sandbox, sent_at + timedelta(minutes=1.5))
    assert calls(sandbox, "/viber/reference/") >= PEOPLE
    assert calls(sandbox, "/stat/create") == 1
    assert len(sandbox.client().files()) == 5
    assert not Recipient.objects.filter(delivery_state="").exists()


def test_the_file_of_a_killed_worker_is_found_again_and_deleted(
    sandbox: RunningSandbox, sent_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Client.create_file

    def killed(self: Client, question: bytes) -> str:
        create(self, question)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Client, "create_file", killed)
        with pytest.raises(KeyboardInterrupt):
            ask_at(sandbox, sent_at + timedelta(minutes=1.5))
    assert len(sandbox.client().files()) == 1
    ask_at(sandbox, sent_at + timedelta(minutes=2))
    assert (sandbox.client().files(), StatusFile.objects.count()) == ([], 0)
    assert calls(sandbox, "/stat/create") == 1
    assert not Recipient.objects.filter(delivery_state="").exists()
