"""A rehearsal is whole, and not a byte of it leaves the house, whatever the settings say."""

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
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.dispatch.models import Batch, BatchState, DeliveryState, Pace, Recipient
from campaigns.dispatch.send.sender import Sender
from campaigns.gateway import rehearsal
from campaigns.gateway.bsg.client import client_from_settings
from campaigns.gateway.limits import SENDER_MAX
from campaigns.gateway.types import Address, Message, Refused, SendRequest
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


class Watched:
    """The real address: whoever connects to it is counted and hung up on."""

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
def real_gateway(settings: object) -> Iterator[Watched]:
    """A production installation: the gateway's address and a live key."""
    watched = Watched()
    settings.BSG_API_URL, settings.BSG_API_KEY = watched.url, "live_production"  # type: ignore[attr-defined]
    yield watched
    watched.close()


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


def the_draft(people: int = 120, **changes: object) -> Campaign:
    return factory.draft(
        factory.contact_list("Everybody", people), sms_sender="Shop", sms_text="Hello!", **changes
    )


def played(rehearsed: Campaign) -> Campaign:
    """`rehearsed` after everything that workers do for it."""
    tasks.prepare(rehearsed.pk)
    tasks.rehearse()
    factory.an_hour_later()
    results.follow()
    rehearsed.refresh_from_db()
    return rehearsed


def test_rehearsal_is_whole_and_nothing_leaves(real_gateway: Watched) -> None:
    # would stop the first real message
    MonthlyBudget.objects.create(currency="EUR", amount=Decimal("0.01"))
    draft = the_draft(budget=Decimal("0.01"))
    rehearsed = played(rehearse(draft, None))
    tasks.send()
    sweep.sweep()
    results.follow()
    assert real_gateway.calls == 0
    assert (rehearsed.state, rehearsed.audience) == (CampaignState.FINISHED, 120)
    people = list(Recipient.objects.filter(campaign=rehearsed))
    assert len(people) == 120
    assert all(
        one.delivery_state and one.reference.startswith("rehearsal") and len(one.reference) == 32
        for one in people
    )
    states = Counter(one.delivery_state for one in people)
    assert states[DeliveryState.READ] > 50
    assert states[DeliveryState.FALLBACK_DELIVERED] > 0
    arrived = sum(
        one.delivery_state in ("delivered", "read") for one in people if one.country != "BG"
    )
    by_sms = sum(one.sms_status != "" for one in people if one.country != "BG")
    bill = load_bills(totals_for(Purpose.REHEARSAL))[()]
    assert bill.costs[0].total == arrived * VIBER + by_sms * SMS
    assert bill.not_yet_known > 0  # Bulgaria's
    assert set(LedgerEntry.objects.values_list("purpose", flat=True)) == {Purpose.REHEARSAL}
    assert differences() == []


def test_rehearsal_counts_nowhere_else(real_gateway: Watched) -> None:
    month = MonthlyBudget.objects.create(currency="EUR", amount=Decimal(5))
    played(rehearse(the_draft(), None))
    assert holds.left_of_month("EUR") == month.amount
    assert load_bills(totals_for()) == {}
    assert [campaign.purpose for campaign in real_campaigns()] == [Purpose.CAMPAIGN]
    # the rate of the real questions is untouched
    assert not Pace.objects.filter(scope="statuses").exists()


def test_senders_with_a_gateway_do_not_touch_it(real_gateway: Watched) -> None:
    rehearsed = rehearse(the_draft(), None)
    tasks.prepare(rehearsed.pk)
    tasks.send()
    assert real_gateway.calls == 0
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.READY}


def test_two_machines_rehearse_one_campaign_and_nobody_twice(real_gateway: Watched) -> None:
    rehearsed = rehearse(the_draft(300), None)
    tasks.prepare(rehearsed.pk)
    together = threading.Barrier(2)

    def machine(_number: int) -> int:
        held: list[int] = []

        def keep() -> bool:
            held.append(len(sender.claimed))
            if len(held) <= 2:
                together.wait(30)  # before the first turn, and when both have claimed
            return True

        sender = Sender(None, tasks.REHEARSERS, timezone.now() + tasks.SLICE, keep)
        try:
            sender.run()
        finally:
            connection.close()
        return held[1]

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


def test_a_client_with_a_socket_refuses_its_references(real_gateway: Watched) -> None:
    """Even where some later mistake hands a rehearsal's batch to it."""
    marked = "rehearsal" + "0" * 23
    with pytest.raises(ValueError, match="a rehearsal's reference"):
        client_from_settings().send(request(marked))
    with pytest.raises(ValueError, match="a rehearsal's reference"):
        client_from_settings().status_by_reference(marked)
    assert real_gateway.calls == 0
    here = rehearsal.client(rehearsal.Rates(VIBER, SMS, "EUR"))
    with pytest.raises(ValueError, match="or another in a rehearsal"):
        here.send(request("0" * 32))
    answer = here.send(request(marked)).verdicts[marked]
    assert not isinstance(answer, Refused)
    assert settings.BSG_API_KEY not in repr(vars(here))


def test_what_a_dead_worker_left_is_rehearsed_again(real_gateway: Watched) -> None:
    rehearsed = rehearse(the_draft(), None)
    tasks.prepare(rehearsed.pk)
    Batch.objects.filter(number=1).update(
        state=BatchState.SENDING, intended_at=timezone.now(), lease_until=timezone.now()
    )
    factory.an_hour_later()
    sweep.free_expired(timezone.now())
    assert Batch.objects.get(number=1).state == BatchState.AMBIGUOUS
    tasks.reconcile()
    rehearsed = played(rehearsed)
    assert rehearsed.state == CampaignState.FINISHED
    assert real_gateway.calls == 0
    assert LedgerEntry.objects.filter(kind="charge", channel="viber").count() == 120


def test_the_same_draft_goes_live_with_references_of_its_own() -> None:
    draft, olena = the_draft(), person()
    rehearsed = played(rehearse(draft, olena))
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
    draft, olena = the_draft(), person()
    rehearsed = played(rehearse(draft, olena))
    factory.contact_list("More", 3, start=500)
    draft.lists.set([*draft.lists.all(), *draft.lists.model.objects.filter(name="More")])
    with pytest.raises(lifecycle.Refused, match="The audience is 123 people now, not 120"):
        go_live(rehearsed, olena)
    draft.text = "Hello again"
    draft.save()
    rehearsed = Campaign.objects.get(pk=rehearsed.pk)
    with pytest.raises(lifecycle.Refused, match="not what was rehearsed"):
        go_live(rehearsed, olena)


def test_rehearsals_are_cleared_away_and_their_entries_stay() -> None:
    draft = the_draft(60)
    rehearsed = rehearse(draft, None)
    with pytest.raises(lifecycle.Refused):
        clear_rehearsals.clear_away(rehearsed.pk, None)
    with pytest.raises(lifecycle.Refused):
        clear_rehearsals.clear_away(draft.pk, None)
    played(rehearsed)
    entries = LedgerEntry.objects.count()
    clear_rehearsals.clear_old(timezone.now() + timedelta(days=29))
    assert Campaign.objects.count() == 2
    clear_rehearsals.clear_old(timezone.now() + timedelta(days=31))
    assert list(Campaign.objects.all()) == [draft]
    assert (Recipient.objects.count(), Batch.objects.count()) == (0, 0)
    assert LedgerEntry.objects.count() == entries
    assert differences() == []
