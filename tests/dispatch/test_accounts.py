"""Campaigns belong to the gateway account that they were launched with: while another is in use,
nothing of them is sent, asked about, resumed or finished.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.dispatch import sweep
from campaigns.dispatch import tasks as dispatch_tasks
from campaigns.dispatch.budgets.reservations import resume_where_it_fits
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send.leases import reconcilable
from campaigns.dispatch.send.running_campaigns import sendable_batches
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import Purpose
from campaigns.results import tasks as results_tasks
from campaigns.results.models import StatusHint
from campaigns.results.money import gateway_comparison
from campaigns.results.polling import asker, hints
from campaigns.team import accounts
from tests.dispatch import asking, factory
from tests.sandbox_fixture import KEY, RunningSandbox, strict_sandbox

pytestmark = pytest.mark.django_db
PEOPLE = 120
ROTATED = "live_rotated_key_0002"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def other() -> Iterator[RunningSandbox]:
    """A second gateway, with an account of its own."""
    with strict_sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def first_account(settings: Settings, sandbox: RunningSandbox) -> None:
    use(settings, sandbox)


def use(settings: Settings, sandbox: RunningSandbox, key: str = KEY) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, key


def send_a_little(sandbox: RunningSandbox) -> None:
    rounds = count()
    BatchSender(sandbox.client(), 1, timezone.now() + MINUTE, lambda: next(rounds) < 2).run()


def work(sandbox: RunningSandbox, key: str = KEY, hours: int = 3) -> None:
    """What workers and sweeps do in some hours."""
    client = sandbox.client(key)
    for _hour in range(hours):
        factory.an_hour_later()
        sweep.sweep()
        BatchSender(client, 4, timezone.now() + MINUTE).run()
        asking.resolve(client, 4)
        asker.ask(client, 4, timezone.now() + MINUTE)
        gateway_comparison.check_sample(client, timezone.now())
        sweep.sweep()


def half_sent(sandbox: RunningSandbox) -> Campaign:
    """A campaign with messages in doubt, and others that are not sent yet."""
    campaign = factory.launched(PEOPLE)
    sandbox.faults(lost=100)
    send_a_little(sandbox)
    sandbox.faults()
    assert set(Batch.objects.values_list("state", flat=True)) == {
        BatchState.READY,
        BatchState.AMBIGUOUS,
    }
    return campaign


@pytest.mark.parametrize("is_paused", [True, False], ids=["paused", "sending"])
def test_campaign_waits_while_another_gateway_is_in_use(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, is_paused: bool
) -> None:
    campaign = half_sent(sandbox)
    assert campaign.account == accounts.load().current
    if is_paused:
        lifecycle.pause(campaign.pk, None)
    batches = dict(Batch.objects.values_list("pk", "state"))

    use(settings, other)
    with pytest.raises(lifecycle.Refused, match="address or key is new"):
        lifecycle.launch(factory.draft(factory.contact_list("New", 3)).pk, None)
    if is_paused:
        with pytest.raises(lifecycle.Refused, match="address or key is new"):
            lifecycle.resume(campaign.pk, None)
    work(other)
    assert other.requests() == []

    accounts.confirm_another(None)
    if is_paused:
        with pytest.raises(lifecycle.Refused, match="belongs to the account “Sandbox”"):
            lifecycle.resume(campaign.pk, None)
    assert not sendable_batches(timezone.now()).exists()
    assert not reconcilable(timezone.now()).exists()
    work(other)
    assert other.requests() == []
    assert dict(Batch.objects.values_list("pk", "state")) == batches

    use(settings, sandbox)
    if is_paused:
        lifecycle.resume(campaign.pk, None)
    work(sandbox)
    campaign.refresh_from_db()
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    assert campaign.state == CampaignState.FINISHED


def test_campaigns_of_both_accounts_go_to_their_own(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    first = half_sent(sandbox)
    use(settings, other)
    accounts.confirm_another(None, "Agency")
    second = factory.launched_to(factory.contact_list("More", 30, start=PEOPLE))
    work(other)
    references = {message["reference"] for message in other.messages()}
    own = Recipient.objects.filter(campaign=second.pk)
    assert references == set(own.values_list("reference", flat=True))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (CampaignState.SENDING, CampaignState.FINISHED)
    assert second.account is not None
    assert second.account.name == "Agency"


def test_new_key_of_the_same_account_continues_after_the_choice(
    settings: Settings, sandbox: RunningSandbox
) -> None:
    campaign = half_sent(sandbox)
    before = len(sandbox.requests())
    use(settings, sandbox, ROTATED)
    work(sandbox, ROTATED)
    assert len(sandbox.requests()) == before
    assert accounts.load().is_new_key

    assert campaign.account_id
    accounts.confirm_same(None, campaign.account_id)
    work(sandbox, ROTATED)
    campaign.refresh_from_db()
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    assert campaign.state == CampaignState.FINISHED


def test_statuses_are_asked_of_the_own_account_only(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    campaign = factory.launched(PEOPLE)
    BatchSender(sandbox.client(), 4, timezone.now() + MINUTE).run()
    sandbox.settle()
    assert hints.store([Recipient.objects.earliest("pk").reference]) == 1

    use(settings, other)
    accounts.confirm_another(None)
    factory.an_hour_later()
    Batch.objects.update(done_at=timezone.now() - timedelta(hours=1))
    assert not asker.is_due(timezone.now())
    work(other)
    assert other.requests() == []
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING  # everybody is sent to: it would be finished
    assert StatusHint.objects.count() == 1

    use(settings, sandbox)
    assert asker.is_due(timezone.now())
    work(sandbox)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    assert not Recipient.objects.filter(delivery_state="").exists()
    assert not StatusHint.objects.exists()


def test_balance_is_not_read_with_a_key_that_may_be_anybodys(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    accounts.load()
    use(settings, other)
    results_tasks.check_money()
    assert other.requests() == []
    accounts.confirm_another(None)
    results_tasks.check_money()
    assert [call["path"] for call in other.requests()] == ["/common/balance"]


def test_scheduled_campaign_does_not_start_with_another_account(
    settings: Settings, other: RunningSandbox
) -> None:
    soon = timezone.now() + timedelta(minutes=10)
    contacts = factory.contact_list("Later", 3)
    campaign = factory.draft(contacts, timing=Timing.AT, scheduled_at=soon)
    lifecycle.launch(campaign.pk, None)
    use_other(settings, other)
    for late in (MINUTE, timedelta(days=1)):
        assert lifecycle.start_due(soon + late) == 0
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.SCHEDULED, "")


def use_other(settings: Settings, other: RunningSandbox) -> None:
    use(settings, other)
    accounts.confirm_another(None)


def test_audience_is_not_frozen_with_another_account(
    settings: Settings, other: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.launch(factory.draft(factory.contact_list("Later", 3)).pk, None)
    queued: list[Any] = []
    monkeypatch.setattr(dispatch_tasks, "enqueue", lambda *task: queued.append(task))
    use_other(settings, other)
    dispatch_tasks.work()
    assert queued == []


def test_budget_does_not_resume_a_campaign_of_another_account(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    campaign = factory.launched(3)
    Campaign.objects.update(
        state=CampaignState.PAUSED, reason="budget", awaited_amount=1, awaited_currency="EUR"
    )
    use_other(settings, other)
    assert resume_where_it_fits() == 0
    use(settings, sandbox)
    assert resume_where_it_fits() == 1
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING


def test_campaign_from_before_accounts_belongs_to_the_first(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    campaign = half_sent(sandbox)
    Campaign.objects.update(account=None)
    use_other(settings, other)
    work(other)
    assert other.requests() == []
    use(settings, sandbox)
    work(sandbox)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED


def test_rehearsal_has_no_account_and_needs_none(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    accounts.load()
    use(settings, other)
    rehearsal = factory.launched(30, purpose=Purpose.REHEARSAL)
    assert rehearsal.account is None
    BatchSender(None, 2, timezone.now() + MINUTE).run()
    assert set(Recipient.objects.values_list("send_state", flat=True)) == {SendState.ACCEPTED}
    assert sandbox.requests() == other.requests() == []
