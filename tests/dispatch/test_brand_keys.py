"""Brands with API keys of their own: several accounts at once, each message at its own, none twice,
whatever happens to the keys meanwhile.
"""

from collections.abc import Iterator
from contextvars import Context
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState, Sender, Timing
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.models import AccountRate, Batch, BatchState, Recipient
from campaigns.dispatch.send import account_rate
from campaigns.dispatch.send.sender import BatchSender
from campaigns.dispatch.workers.slots import Turn, WorkerSlot, ask_jobs, send_jobs
from campaigns.gateway.balance import load_balance
from campaigns.gateway.bsg.client import client_in_use
from campaigns.gateway.key_in_use import using
from campaigns.ledger.models import BalanceReading, Purpose
from campaigns.ledger.sums import spend_of
from campaigns.results import tasks as results
from campaigns.shared.brands.scope import MAIN
from campaigns.team import accounts
from campaigns.team.brand_keys import in_use, storage
from campaigns.team.models import Brand
from tests.brand_keys import OWN_KEY, acting_in, give_account, give_key, make_brand, share
from tests.dispatch import factory
from tests.sandbox_fixture import KEY, RunningSandbox, strict_sandbox

pytestmark = pytest.mark.django_db
OURS, THEIRS = 120, 90  # recipients
MINUTE = timedelta(minutes=1)
ROTATED = "live_key_of_toys_0002"


@pytest.fixture
def other() -> Iterator[RunningSandbox]:
    """The gateway at which the brand Toys has its account."""
    with strict_sandbox() as running:
        yield running


@pytest.fixture
def toys(settings: Settings, sandbox: RunningSandbox) -> Brand:
    """A second brand, that shares the key of the environment."""
    share(settings, sandbox)
    return make_brand()


def launched_in(brand: Brand, people: int, start: int = 0, **changes: Any) -> Campaign:
    with acting_in(brand):
        Sender.objects.get_or_create(name="Shop")
        contacts = factory.contact_list(f"{brand}, from {start}", people, start)
        return factory.launched_to(contacts, **changes)


def main() -> Brand:
    return Brand.objects.get(pk=MAIN)


def waiting_tasks() -> list[dict[str, Any]]:
    return [SignedPackage.loads(task.payload) for task in OrmQ.objects.order_by("pk")]


def work_off_queue() -> None:
    broker = get_broker()
    while OrmQ.objects.filter(lock__lt=timezone.now()).exists():
        for acknowledgement, payload in broker.dequeue() or ():  # type: ignore[no-untyped-call]
            task: dict[str, Any] = SignedPackage.loads(payload)
            import_string(task["func"])(*task["args"], **task["kwargs"])
            broker.acknowledge(acknowledgement)  # type: ignore[no-untyped-call]


def work(hours: int = 2) -> None:
    """What sweeps, schedules and workers do in some hours."""
    for _hour in range(hours):
        factory.an_hour_later()
        sweep.sweep()
        results.wake()
        work_off_queue()


def send_a_little(brand: Brand) -> None:
    """Send one batch or two with the key of `brand`, and stop in the middle."""
    rounds = count()
    with using(in_use.key_of_brand(brand.pk)):
        until = timezone.now() + MINUTE
        BatchSender(client_in_use(), 1, until, lambda: next(rounds) < 2).run()


def half_sent(brand: Brand, sandbox: RunningSandbox) -> Campaign:
    """A campaign of `brand` with messages in doubt, and others that are not sent yet."""
    campaign = launched_in(brand, THEIRS, OURS)
    sandbox.faults(lost=100)
    send_a_little(brand)
    sandbox.faults()
    own = Batch.objects.filter(campaign=campaign)
    assert set(own.values_list("state", flat=True)) == {BatchState.READY, BatchState.AMBIGUOUS}
    return campaign


def references(campaign: Campaign) -> set[str]:
    return set(Recipient.objects.filter(campaign=campaign).values_list("reference", flat=True))


def references_at(sandbox: RunningSandbox) -> set[str]:
    return {message["reference"] for message in sandbox.messages()}


def assert_each_once(campaign: Campaign, sandbox: RunningSandbox) -> None:
    """Everybody got the message once, from `sandbox`, and the ledger has what it charged."""
    sandbox.settle()
    Batch.objects.update(done_at=timezone.now() - timedelta(hours=1))
    work(1)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    assert references_at(sandbox) == references(campaign)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (campaign.audience, 0)
    billed = {name: Decimal(parts["total"]) for name, parts in bill["spend"].items()}
    entered = {name: sum(channels.values()) for name, channels in spend_of(campaign.pk).items()}
    assert entered == billed


def test_two_brands_send_and_ask_with_two_accounts_at_once(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    own_account = give_account(settings, toys, other)
    ours, theirs = launched_in(main(), OURS), launched_in(toys, THEIRS, start=OURS)
    assert theirs.account_id == own_account != ours.account_id
    other.fund("77.5")

    tasks.work()
    work_off_queue()
    assert references_at(sandbox) == references(ours)
    assert references_at(other) == references(theirs)
    assert_each_once(ours, sandbox)
    assert_each_once(theirs, other)
    assert not Recipient.objects.filter(delivery_state="").exists()
    for brand, at in ((main(), sandbox), (toys, other)):
        with acting_in(brand):
            assert load_balance().balance == at.client().balance()
            assert len(at.requests(path="/common/balance")) == 2


def test_without_the_keys_of_brands_nothing_is_asked_about_them(
    settings: Settings, sandbox: RunningSandbox, toys: Brand
) -> None:
    launched_in(toys, 60)
    OrmQ.objects.all().delete()
    tasks.work()
    queued = waiting_tasks()
    assert {(task["func"], task["args"]) for task in queued} == {(tasks.SEND, ())}
    work_off_queue()
    assert sandbox.bill()["messages"] == 60


def test_a_new_key_of_a_brand_waits_until_somebody_says_whose_it_is(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    ours = launched_in(main(), OURS)
    give_key(settings, toys, other)
    with acting_in(toys):
        draft = factory.draft(factory.contact_list("Theirs", 3, OURS))
        with pytest.raises(lifecycle.Refused, match="address or key is new"):
            lifecycle.launch(draft.pk, None)
    work()
    results.check_money()
    work_off_queue()
    assert other.requests() == []
    assert_each_once(ours, sandbox)  # the other brands go on


def test_a_brand_that_gets_another_account_sends_no_more_with_the_one_before(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    """In the middle of sending: what was sent is followed at its account, the rest waits."""
    theirs = half_sent(toys, sandbox)
    give_account(settings, toys, other)
    work()
    assert other.requests() == []
    states = set(Batch.objects.filter(campaign=theirs).values_list("state", flat=True))
    assert states == {BatchState.READY, BatchState.DONE}  # its outcome was asked for
    sent = sandbox.bill()["messages"]
    assert 0 < sent < THEIRS
    lifecycle.pause(theirs.pk, None)
    with acting_in(toys), pytest.raises(lifecycle.Refused, match="until the brand has a key of"):
        lifecycle.resume(theirs.pk, None)
    with pytest.raises(lifecycle.Refused, match="until the brand has a key of"):
        lifecycle.resume(theirs.pk, None)  # as from a command, that chose no key

    storage.remove(None, toys)
    with acting_in(toys):
        lifecycle.resume(theirs.pk, None)
    work()
    assert_each_once(theirs, sandbox)
    assert other.requests() == []


def test_a_brand_whose_key_is_removed_leaves_its_campaigns_waiting(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    give_account(settings, toys, other)
    theirs = half_sent(toys, other)
    asked = len(other.requests())
    storage.remove(None, toys)
    work()
    assert len(other.requests()) == asked
    assert sandbox.requests(path="/viber/create") == []
    with acting_in(toys):
        newer = launched_in(toys, 30, start=OURS + THEIRS)
    assert newer.account_id != theirs.account_id
    give_key(settings, toys, other)
    work()
    assert_each_once(theirs, other)
    work()
    assert references_at(sandbox) == set()  # that of the shared key waits now


def test_a_rotated_key_of_the_same_account_goes_on(
    settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    own_account = give_account(settings, toys, other)
    theirs = half_sent(toys, other)
    give_key(settings, toys, other, ROTATED)
    asked = len(other.requests())
    work()
    assert len(other.requests()) == asked
    with using(in_use.key_of_brand(toys.pk)):
        accounts.confirm_same(None, own_account)
    work()
    assert_each_once(theirs, other)


def test_a_key_that_changes_while_its_sender_runs_sends_nothing_elsewhere(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    """The sender keeps to the key that it began with, and to the campaigns of its account."""
    give_account(settings, toys, other)
    theirs, rounds = launched_in(toys, THEIRS), count()

    def in_another_process() -> None:
        storage.remove(None, toys)
        launched_in(toys, 30, start=THEIRS)  # with the shared key

    def keep_going() -> bool:
        if next(rounds) == 1:
            Context().run(in_another_process)
        return True

    with using(in_use.key_of_brand(toys.pk)):
        BatchSender(client_in_use(), 1, timezone.now() + MINUTE, keep_going).run()
    assert references_at(other) <= references(theirs)
    assert sandbox.requests(path="/viber/create") == []
    work()
    assert references_at(sandbox) == references(Campaign.objects.latest("pk"))
    give_key(settings, toys, other)
    work()
    assert_each_once(theirs, other)


def test_a_key_that_cannot_be_decrypted_is_no_reason_to_send_with_another(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    ours = launched_in(main(), OURS)
    shared = launched_in(toys, 30, start=OURS)
    give_account(settings, toys, other)
    theirs = launched_in(toys, THEIRS, start=2 * OURS)
    readable = settings.KEY_ENCRYPTION_KEYS
    settings.KEY_ENCRYPTION_KEYS = []
    with acting_in(toys):
        draft = factory.draft(factory.contact_list("More", 3, 900))
        with pytest.raises(lifecycle.Refused, match="can't be decrypted"):
            lifecycle.launch(draft.pk, None)
    work()
    assert other.requests() == []
    assert_each_once(ours, sandbox)
    assert not references(shared) & references_at(sandbox)
    settings.KEY_ENCRYPTION_KEYS = readable
    work()
    assert_each_once(theirs, other)


def test_scheduled_campaigns_start_with_the_key_of_their_brand(
    settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    give_account(settings, toys, other)
    soon = timezone.now() + timedelta(minutes=10)
    with acting_in(toys):
        contacts = factory.contact_list("Later", 3)
        campaign = factory.draft(contacts, timing=Timing.AT, scheduled_at=soon)
        lifecycle.launch(campaign.pk, None)
    with using(in_use.key_of_brand(MAIN)):
        assert lifecycle.start_due(soon + MINUTE) == 0
    with using(in_use.key_of_brand(toys.pk)):
        assert lifecycle.start_due(soon + MINUTE) == 1


def test_rehearsals_need_no_key(settings: Settings, other: RunningSandbox, toys: Brand) -> None:
    give_key(settings, toys, other)
    settings.KEY_ENCRYPTION_KEYS = []
    rehearsal = launched_in(toys, 30, purpose=Purpose.REHEARSAL)
    work()
    rehearsal.refresh_from_db()
    assert (rehearsal.account, rehearsal.state) == (None, CampaignState.FINISHED)
    assert other.requests() == []


def test_rates_and_balances_are_those_of_each_account(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    own_account = give_account(settings, toys, other)
    now = timezone.now()
    with using(in_use.key_of_brand(toys.pk)):
        account_rate.record_failure(now, now)
        assert account_rate.is_down()
    assert not account_rate.is_down()
    assert [rate.pk for rate in AccountRate.objects.all()] == [own_account]
    results.check_money()
    work_off_queue()
    readings = BalanceReading.objects.order_by("pk").values_list("account", flat=True)
    assert list(readings) == [accounts.load().known[0].pk, own_account]
    results.check_money()
    work_off_queue()
    assert BalanceReading.objects.count() == 2


def test_two_brands_with_one_key_have_one_account(
    settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    give_account(settings, toys, other)
    books = make_brand("Books")
    give_key(settings, books, other)
    key = in_use.key_of_brand(books.pk)
    assert key.brands == {toys.pk, books.pk}
    assert [key.owner for key in in_use.keys_in_use()] == [0, toys.pk]
    campaigns = [launched_in(toys, 30), launched_in(books, 30, start=30)]
    work()
    assert references_at(other) == references(campaigns[0]) | references(campaigns[1])
    assert other.bill()["messages"] == 60


def test_the_shared_key_as_that_of_a_brand_is_the_shared_one(
    settings: Settings, sandbox: RunningSandbox, toys: Brand
) -> None:
    storage.store(None, toys, KEY)
    assert in_use.keys_in_use() == [in_use.key_of_brand(toys.pk)]
    assert in_use.key_of_brand(toys.pk).is_only_one


@pytest.mark.parametrize(
    ("processes", "workers", "keys", "of_each"),
    [
        (2, 4, 1, [["send", "send-1"]]),
        (2, 4, 2, [["send"], ["send-1"]]),
        (3, 8, 2, [["send", "send-2"], ["send-1", "send-2"]]),
        (2, 5, 3, [["send"], ["send-1"], ["send-2"]]),  # another process for another key
        (2, 4, 3, [["send", "send-1"]] * 3),  # too few workers: they take turns
    ],
)
def test_each_key_has_senders_that_no_other_takes(
    settings: Settings, processes: int, workers: int, keys: int, of_each: list[list[str]]
) -> None:
    settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS = processes, 8, workers
    jobs = [send_jobs(Turn(place, keys)) for place in range(keys)]
    assert [list(own) for own in jobs] == of_each
    shares = {name: share for own in jobs for name, share in own.items()}
    assert sum(shares.values()) == settings.SEND_CONNECTIONS
    asking = {
        name: share for place in range(keys) for name, share in ask_jobs(Turn(place, keys)).items()
    }
    assert sum(asking.values()) == settings.SEND_CONNECTIONS
    assert len(asking) + len(shares) < max(workers, 3)


def test_a_slow_account_holds_up_no_other(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS = 2, 8, 4
    give_account(settings, toys, other)
    launched_in(main(), OURS)
    launched_in(toys, THEIRS, start=OURS)
    with WorkerSlot("send"):  # as while the shared account answers slowly
        tasks.send()
        assert sandbox.requests() == []
        tasks.send(owner=toys.pk)
    assert other.bill()["messages"] == THEIRS


def test_keys_that_take_turns_wake_each_other(
    settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS = 1, 4, 3
    give_account(settings, toys, other)
    launched_in(main(), OURS)
    launched_in(toys, THEIRS, start=OURS)
    OrmQ.objects.all().delete()
    tasks.send()
    sends = [task["args"] for task in waiting_tasks() if task["func"] == tasks.SEND]
    assert sends == [(tasks.MAX_HOPS, toys.pk)]


def test_a_task_of_a_key_that_is_gone_does_nothing(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    give_account(settings, toys, other)
    launched_in(toys, 30)
    storage.remove(None, toys)
    tasks.send(owner=toys.pk)
    results.ask(toys.pk)
    results.check_money(toys.pk)
    assert sandbox.requests() == other.requests() == []


def test_environment_has_precedence_over_what_is_stored(
    settings: Settings, sandbox: RunningSandbox, toys: Brand
) -> None:
    storage.store(None, toys, OWN_KEY)
    settings.BRAND_API_KEYS = {"TOYS": ROTATED}
    assert in_use.key_of_brand(toys.pk).secret == ROTATED
    Brand.objects.create(name="A b", slug="a-b")
    Brand.objects.create(name="A_b", slug="a_b")
    settings.BRAND_API_KEYS = {"A_B": "live_whose_is_it"}
    problems = {key.owner: key.problem for key in in_use.all_keys() if key.problem}
    assert len(problems) == 2
    assert all("fits several brands" in problem for problem in problems.values())
