"""A rehearsal is complete, and not a byte of it is sent, whatever the settings are."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaigns.compose.editor.rehearsal import can_go_live, go_live, rehearse
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState, PriceList
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.dispatch.models import Batch, BatchState, DeliveryState, Pace, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway import rehearsal
from campaigns.gateway.bsg.client import client_in_use
from campaigns.gateway.limits import SENDER_MAX
from campaigns.gateway.types import Address, Message, Refusal, SendRequest
from campaigns.ledger.models import LedgerEntry, Purpose
from campaigns.reports.shared.bills import load_bills, totals_for
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.results import clear_rehearsals
from campaigns.results import tasks as results
from campaigns.results.money.rebuilding import differences
from tests.compose.factories import person
from tests.dispatch import factory

pytestmark = pytest.mark.django_db(transaction=True)
VIBER, SMS = Decimal("0.023"), Decimal("0.06")


class CountingServer:
    """The address of the real gateway: connections are counted and closed."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/rest"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                caller, _address = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def real_gateway(settings: object) -> Iterator[CountingServer]:
    """A production installation: the gateway's address and a live key."""
    server = CountingServer()
    settings.BSG_API_URL, settings.BSG_API_KEY = server.url, "live_production"  # type: ignore[attr-defined]
    yield server
    server.close()


@pytest.fixture(autouse=True)
def prices() -> None:
    """Ukraine and Romania have prices, Bulgaria has none."""
    for channel, price in (("viber", VIBER), ("sms", SMS)):
        rows = [
            {
                "country": code,
                "country_name": code,
                "mcc": "",
                "mnc": "0",
                "price": str(price),
                "currency": "EUR",
            }
            for code in ("UA", "RO")
        ]
        PriceList.objects.create(channel=channel, tariff=0, rows=rows, fetched_at=timezone.now())


def make_draft(people: int = 120, **changes: object) -> Campaign:
    return factory.draft(
        factory.contact_list("Everybody", people), sms_sender="Shop", sms_text="Hello!", **changes
    )


def run_rehearsal(rehearsed: Campaign) -> Campaign:
    """Do everything that workers do for `rehearsed`; return it reloaded."""
    tasks.prepare(rehearsed.pk)
    tasks.rehearse()
    factory.an_hour_later()
    results.ask()
    rehearsed.refresh_from_db()
    return rehearsed


def test_rehearsal_is_complete_and_nothing_is_sent(real_gateway: CountingServer) -> None:
    # would stop the first real message
    MonthlyBudget.objects.create(currency="EUR", amount=Decimal("0.01"))
    draft = make_draft(budget=Decimal("0.01"))
    rehearsed = run_rehearsal(rehearse(draft, None))
    tasks.send()
    sweep.sweep()
    results.ask()
    assert real_gateway.calls == 0
    assert (rehearsed.state, rehearsed.audience) == (CampaignState.FINISHED, 120)
    recipients = list(Recipient.objects.filter(campaign=rehearsed))
    assert len(recipients) == 120
    assert all(
        recipient.delivery_state
        and recipient.reference.startswith("rehearsal")
        and len(recipient.reference) == 32
        for recipient in recipients
    )
    states = Counter(recipient.delivery_state for recipient in recipients)
    assert states[DeliveryState.READ] > 50
    assert states[DeliveryState.FALLBACK_DELIVERED] > 0
    arrived = sum(
        recipient.delivery_state in ("delivered", "read")
        for recipient in recipients
        if recipient.country != "BG"
    )
    by_sms = sum(
        recipient.sms_status != "" for recipient in recipients if recipient.country != "BG"
    )
    bill = load_bills(totals_for(Purpose.REHEARSAL))[()]
    assert bill.costs[0].total == arrived * VIBER + by_sms * SMS
    assert bill.not_yet_known > 0  # Bulgaria's
    assert set(LedgerEntry.objects.values_list("purpose", flat=True)) == {Purpose.REHEARSAL}
    assert differences() == []


def test_rehearsal_counts_nowhere_else(real_gateway: CountingServer) -> None:
    month = MonthlyBudget.objects.create(currency="EUR", amount=Decimal(5))
    run_rehearsal(rehearse(make_draft(), None))
    assert (
        reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR")) == month.amount
    )
    assert load_bills(totals_for()) == {}
    assert [campaign.purpose for campaign in real_campaigns()] == [Purpose.CAMPAIGN]
    # the rate of real status polls is untouched
    assert not Pace.objects.filter(scope="statuses").exists()


def test_senders_with_a_gateway_do_not_touch_it(real_gateway: CountingServer) -> None:
    rehearsed = rehearse(make_draft(), None)
    tasks.prepare(rehearsed.pk)
    tasks.send()
    assert real_gateway.calls == 0
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.READY}


def test_two_machines_rehearse_one_campaign_and_nobody_twice(real_gateway: CountingServer) -> None:
    rehearsed = rehearse(make_draft(300), None)
    tasks.prepare(rehearsed.pk)
    together = threading.Barrier(2)

    def machine(_number: int) -> int:
        prepared: list[int] = []

        def keep_going() -> bool:
            prepared.append(len(sender.prepared))
            if len(prepared) <= 2:
                together.wait(30)  # before the first round, and when both have claimed
            return True

        sender = BatchSender(
            None, tasks.REHEARSAL_THREADS, timezone.now() + tasks.TIME_SLICE, keep_going
        )
        try:
            sender.run()
        finally:
            connection.close()
        return prepared[1]

    with ThreadPoolExecutor(2) as machines:
        of_each = list(machines.map(machine, range(2)))
    assert all(of_each), of_each
    assert set(Batch.objects.values_list("state", "attempts")) == {(BatchState.DONE, 1)}
    charges = LedgerEntry.objects.filter(kind="charge", channel="viber")
    assert (charges.count(), charges.values("recipient").distinct().count()) == (300, 300)
    assert set(Recipient.objects.values_list("send_state", flat=True)) == {"accepted"}
    assert (real_gateway.calls, differences()) == (0, [])


def request(reference: str) -> SendRequest:
    message = Message(
        (Address("380970000001", reference),), "Hello", "Shop"[:SENDER_MAX], promotional=True
    )
    return SendRequest((message,), validity=86_400, tariff=0)


def test_real_client_refuses_references_of_rehearsals(real_gateway: CountingServer) -> None:
    """Even where some later mistake hands a rehearsal's batch to it."""
    marked = "rehearsal" + "0" * 23
    with pytest.raises(ValueError, match="references of rehearsals"):
        client_in_use().send(request(marked))
    with pytest.raises(ValueError, match="references of rehearsals"):
        client_in_use().status_by_reference(marked)
    assert real_gateway.calls == 0
    simulated = rehearsal.client(rehearsal.Rates(VIBER, SMS, "EUR"))
    with pytest.raises(ValueError, match="only a rehearsal takes the references of rehearsals"):
        simulated.send(request("0" * 32))
    answer = simulated.send(request(marked)).verdicts[marked]
    assert not isinstance(answer, Refusal)
    assert settings.BSG_API_KEY not in repr(vars(simulated))


def test_batches_of_a_dead_worker_are_rehearsed_again(real_gateway: CountingServer) -> None:
    rehearsed = rehearse(make_draft(), None)
    tasks.prepare(rehearsed.pk)
    Batch.objects.filter(number=1).update(
        state=BatchState.SENDING, intended_at=timezone.now(), lease_until=timezone.now()
    )
    factory.an_hour_later()
    sweep.release_expired_leases(timezone.now())
    assert Batch.objects.get(number=1).state == BatchState.AMBIGUOUS
    results.ask()
    rehearsed = run_rehearsal(rehearsed)
    assert rehearsed.state == CampaignState.FINISHED
    assert real_gateway.calls == 0
    assert LedgerEntry.objects.filter(kind="charge", channel="viber").count() == 120


def test_same_draft_is_launched_with_other_references() -> None:
    draft, olena = make_draft(), person()
    rehearsed = run_rehearsal(rehearse(draft, olena))
    assert can_go_live(rehearsed)
    live = go_live(rehearsed, olena)
    assert live == draft
    tasks.prepare(draft.pk)
    draft.refresh_from_db()
    assert (draft.state, draft.purpose, draft.audience) == (
        CampaignState.SENDING,
        Purpose.CAMPAIGN,
        120,
    )
    references = Recipient.objects.filter(campaign=draft).values_list("reference", flat=True)
    assert not any(reference.startswith("rehearsal") for reference in references)


def test_another_draft_or_audience_does_not_go_live() -> None:
    draft, olena = make_draft(), person()
    rehearsed = run_rehearsal(rehearse(draft, olena))
    factory.contact_list("More", 3, start=500)
    draft.lists.set([*draft.lists.all(), *draft.lists.model.objects.filter(name="More")])
    with pytest.raises(lifecycle.Refused, match="The audience is now 123 recipients, not 120"):
        go_live(rehearsed, olena)
    draft.text = "Hello again"
    draft.save()
    rehearsed = Campaign.objects.get(pk=rehearsed.pk)
    with pytest.raises(lifecycle.Refused, match="has changed since the rehearsal"):
        go_live(rehearsed, olena)


def test_rehearsals_are_cleared_away_and_their_entries_stay() -> None:
    draft = make_draft(60)
    rehearsed = rehearse(draft, None)
    with pytest.raises(lifecycle.Refused):
        clear_rehearsals.delete_rehearsal(rehearsed.pk, None)
    with pytest.raises(lifecycle.Refused):
        clear_rehearsals.delete_rehearsal(draft.pk, None)
    run_rehearsal(rehearsed)
    entries = LedgerEntry.objects.count()
    clear_rehearsals.delete_old_rehearsal(timezone.now() + timedelta(days=29))
    assert Campaign.objects.count() == 2
    clear_rehearsals.delete_old_rehearsal(timezone.now() + timedelta(days=31))
    assert list(Campaign.objects.all()) == [draft]
    assert (Recipient.objects.count(), Batch.objects.count()) == (0, 0)
    assert LedgerEntry.objects.count() == entries
    assert differences() == []
