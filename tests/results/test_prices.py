"""Whatever the gateway names in whatever order, the entries add up to its newest prices."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import SEVERAL_CURRENCIES, Batch, Recipient, SendState
from campaigns.dispatch.tally import TallyChanges
from campaigns.gateway.types import FallbackStatus, MessageStatus
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import batch_checks
from campaigns.results.polling.prices import Change, price_changes
from campaigns.results.polling.recording import BatchUpdates, StatusUpdate, record_updates
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
LEFT = datetime(2026, 11, 24, 9, 59, 50, tzinfo=UTC)
D = Decimal
Sms = tuple[str, str | None, str]  # status, price, currency
Answer = tuple[str | None, str, Sequence[Sms]]  # price and currency of Viber, SMS
Sums = dict[str, Decimal]


def accept(
    people: int, price: Callable[[], Decimal | None] = lambda: D("0.02"), currency: str = "EUR"
) -> tuple[Campaign, list[Recipient]]:
    """A campaign whose recipients are accepted, charged and counted, as sending leaves them."""
    campaign = factory.launched(people, sms_sender="Shop", sms_text="Hello by SMS")
    moves = TallyChanges()
    for one in Recipient.objects.order_by("pk"):
        charged = price()
        named = currency if charged is not None else ""
        Recipient.objects.filter(pk=one.pk).update(
            send_state=SendState.ACCEPTED, charged=charged, currency=named
        )
        moves.add(campaign.pk, one.country, "accepted")
        amounts = [(one.pk, charged)]
        charge = Movement(Kind.CHARGE, Channel.VIBER, campaign.pk, one.country, named, amounts)
        write_entries([charge], LEFT)
    moves.write()
    Batch.objects.update(state="done", done_at=LEFT, intended_at=LEFT)
    return campaign, list(Recipient.objects.order_by("pk"))


def status(answer: Answer, name: str = "expired") -> MessageStatus:
    price, currency, fallback = answer
    sms = tuple(
        FallbackStatus("sms", "2", sms_status, None if cost is None else D(cost), sms_currency)
        for sms_status, cost, sms_currency in fallback
    )
    return MessageStatus(
        "1", "", "", name, None if price is None else D(price), currency, fallback=sms
    )


def record(campaign: Campaign, recipient: Recipient, *answers: Answer) -> None:
    for answer in answers:
        record_updates(
            [BatchUpdates([StatusUpdate(recipient, status(answer))], campaign, "UA", LEFT)]
        )


def entries() -> list[tuple[Any, ...]]:
    """Kind, channel, currency, amount and "settles" of every entry, oldest first."""
    columns = ("kind", "channel", "currency", "amount", "settles")
    return list(LedgerEntry.objects.order_by("pk").values_list(*columns))


def sums(recipient: Recipient, channel: Channel) -> Sums:
    """What the entries of a recipient add up to, by currency; without currencies taken back."""
    own = LedgerEntry.objects.filter(recipient=recipient, channel=channel, amount__isnull=False)
    by_currency = own.order_by().values_list("currency").annotate(Sum("amount"))
    return {currency: amount for currency, amount in by_currency if amount}


def unknown_prices() -> int:
    return LedgerTotal.objects.aggregate(sum=Sum("unknown"))["sum"] or 0


CHARGED = ("charge", "viber", "EUR", D("0.02"), False)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(
            [("0.02", "EUR", [("", "0.05", "")]), ("0.02", "EUR", [("sent", "0.05", "")])],
            [("charge", "sms", "EUR", D("0.05"), False)],
            id="an SMS has a price before it has a status",
        ),
        pytest.param([(None, "USD", []), ("0.02", "EUR", [])], [], id="a currency without a price"),
        pytest.param(
            [("0.02", "EUR", [("sent", "0.05", "")]), ("0.03", "USD", [("sent", None, "")])],
            [
                ("charge", "sms", "EUR", D("0.05"), False),
                ("adjustment", "viber", "EUR", D("-0.02"), False),
                ("adjustment", "viber", "USD", D("0.03"), False),
            ],
            id="the currency of Viber changes, that of its SMS does not",
        ),
        pytest.param(
            [
                ("0.02", "EUR", [("sent", "0.05", "")]),
                ("0", "EUR", [("sent", "0.06", "USD")]),
                ("0", "EUR", [("sent", "0", "USD")]),
            ],
            [
                ("charge", "sms", "EUR", D("0.05"), False),
                ("adjustment", "viber", "EUR", D("-0.02"), False),
                ("adjustment", "sms", "EUR", D("-0.05"), False),
                ("adjustment", "sms", "USD", D("0.06"), False),
                ("adjustment", "sms", "USD", D("-0.06"), False),
            ],
            id="a refund comes in the currency of what it takes back",
        ),
        pytest.param(
            [
                ("0.02", "EUR", [("sent", None, "")]),
                ("0.02", "EUR", [("sent", "0", "")]),
            ],
            [
                ("charge", "sms", "EUR", None, False),
                ("adjustment", "sms", "EUR", D("0"), True),
            ],
            id="a price of zero settles one that was not known",
        ),
        pytest.param(
            [
                ("0.02", "EUR", [("sent", "0.05", "EUR"), ("sent", "0.06", "USD")]),
                ("0.02", "EUR", [("delivered", "0.04", "EUR"), ("delivered", "0.06", "USD")]),
                ("0.02", "EUR", [("delivered", None, ""), ("delivered", None, "")]),
                ("0.02", "EUR", [("delivered", "0.07", "USD")]),
            ],
            [
                ("charge", "sms", "EUR", D("0.05"), False),
                ("adjustment", "sms", "USD", D("0.06"), False),
                ("adjustment", "sms", "EUR", D("-0.01"), False),
                ("adjustment", "sms", "EUR", D("-0.04"), False),
                ("adjustment", "sms", "USD", D("0.01"), False),
            ],
            id="several SMS of one message cost different currencies",
        ),
        pytest.param(
            [
                ("0.02", "EUR", [("sent", "0.05", ""), ("sent", None, "")]),
                ("0.02", "EUR", [("sent", "0.05", ""), ("sent", "0.06", "")]),
                ("0.02", "EUR", [("sent", "0.05", ""), ("sent", None, "")]),
            ],
            [
                ("charge", "sms", "EUR", D("0.05"), False),
                ("adjustment", "sms", "EUR", D("0.06"), False),
            ],
            id="the price of one of two SMS is left out",
        ),
    ],
)
def test_entries_of_one_message(answers: list[Answer], expected: list[tuple[Any, ...]]) -> None:
    campaign, [recipient] = accept(1)
    record(campaign, recipient, *answers)
    assert entries() == [CHARGED, *expected]
    record(campaign, recipient, answers[-1])  # the same again
    assert entries() == [CHARGED, *expected]
    assert unknown_prices() == 0
    assert differences() == []


def test_row_of_several_currencies_says_so() -> None:
    campaign, [recipient] = accept(1)
    record(campaign, recipient, ("0.02", "EUR", [("", "0.05", "EUR"), ("sent", "0.06", "USD")]))
    recipient.refresh_from_db()
    assert (recipient.sms_price, recipient.currency_of_sms) == (None, SEVERAL_CURRENCIES)
    record(campaign, recipient, ("0.02", "EUR", [("delivered", "0.05", "EUR")]))
    recipient.refresh_from_db()
    assert (recipient.sms_price, recipient.currency_of_sms) == (D("0.05"), "EUR")


def test_messages_of_one_batch_keep_their_own_money() -> None:
    campaign, recipients = accept(4)

    def record_all(*answers: Answer) -> None:
        pairs = zip(recipients, answers, strict=True)
        updates = [StatusUpdate(one, status(answer)) for one, answer in pairs]
        record_updates([BatchUpdates(updates, campaign, "UA", LEFT)])

    second = ("0.04", "", [("sent", "0.01", "EUR"), ("sent", "0.02", "USD")])
    others: list[Answer] = [second, ("0.05", "", []), ("0.06", "", [("sent", "0.03", "EUR")])]
    record_all(("0.03", "", [("sent", None, "")]), *others)
    record_all(("0.03", "", [("sent", "0.05", "USD"), ("sent", "0.06", "GBP")]), *others)
    record_all(("0.03", "", [("sent", "0.07", "USD")]), *others)
    assert [sums(one, Channel.VIBER) for one in recipients] == [
        {"EUR": D("0.03")}, {"EUR": D("0.04")}, {"EUR": D("0.05")}, {"EUR": D("0.06")}
    ]  # fmt: skip
    assert [sums(one, Channel.SMS) for one in recipients] == [
        {"USD": D("0.07")}, {"EUR": D("0.01"), "USD": D("0.02")}, {}, {"EUR": D("0.03")}
    ]  # fmt: skip
    # an SMS of the third, which expired, can still come
    assert set(Recipient.objects.values_list("final", flat=True)) == {False}
    assert unknown_prices() == 0


def test_price_that_came_without_one_at_the_send_settles_it_in_any_currency() -> None:
    campaign, [recipient] = accept(1, lambda: None)
    record(campaign, recipient, (None, "USD", []), ("0.03", "USD", []))
    assert entries() == [
        ("charge", "viber", "", None, False),
        ("adjustment", "viber", "USD", D("0.03"), True),
    ]
    assert unknown_prices() == 0


def test_sms_of_a_row_without_their_currency_cost_that_of_the_message() -> None:
    """Rows that the version before wrote."""
    campaign, [recipient] = accept(1)
    record(campaign, recipient, ("0.02", "EUR", [("sent", "0.05", "")]))
    Recipient.objects.update(sms_currency="")
    record(campaign, recipient, ("0.03", "USD", []), ("0.03", "USD", [("sent", "0.06", "USD")]))
    recipient.refresh_from_db()
    assert (recipient.currency, recipient.sms_currency) == ("USD", "USD")
    assert sums(recipient, Channel.VIBER) == {"USD": D("0.03")}
    assert sums(recipient, Channel.SMS) == {"USD": D("0.06")}


def test_two_workers_that_read_the_same_row_enter_its_prices_once() -> None:
    campaign, [stale] = accept(1)
    named = ("0", "EUR", [("sent", "0.05", "")])
    record(campaign, stale, named, named)  # neither has seen what the other entered
    assert sums(stale, Channel.VIBER) == {}
    assert sums(stale, Channel.SMS) == {"EUR": D("0.05")}
    assert len(entries()) == 3


def test_batch_that_another_worker_has_checked_since_is_left_alone() -> None:
    _campaign, [recipient] = accept(1)
    check = batch_checks.BatchCheck(Batch.objects.get(), [recipient])
    other = batch_checks.BatchCheck(Batch.objects.get(), [recipient])
    named = status(("0", "EUR", [("sent", "0.05", "")]))
    late = status(("0.02", "EUR", [("sent", "0.01", "")]))
    batch_checks.write_checks([(check, batch_checks.Replies([StatusUpdate(recipient, named)]))])
    batch_checks.write_checks([(other, batch_checks.Replies([StatusUpdate(recipient, late)]))])
    assert sums(recipient, Channel.SMS) == {"EUR": D("0.05")}
    assert Batch.objects.get().checks == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_the_same_moment_enter_prices_once() -> None:
    _campaign, recipients = accept(50)
    batches = list(Batch.objects.all())
    both = Barrier(2)

    def write(price: str) -> None:
        named = status(("0", "EUR", [("sent", price, "")]))
        own = {
            batch.number: [one for one in recipients if one.batch_number == batch.number]
            for batch in batches
        }
        try:
            both.wait()
            for batch in batches:
                updates = [StatusUpdate(one, named) for one in own[batch.number]]
                check = batch_checks.BatchCheck(batch, own[batch.number])
                batch_checks.write_checks([(check, batch_checks.Replies(updates))])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["0.05", "0.06"]))
    assert set(Batch.objects.values_list("checks", flat=True)) == {1}
    assert LedgerEntry.objects.count() == 150  # the charge, its refund and the SMS of each
    for one in Recipient.objects.all():
        assert sums(one, Channel.SMS) == {"EUR": one.sms_price}
    assert differences() == []


class Expected:
    """What the newest answers say of one message, worked out without rows and entries."""

    def __init__(self, charged: Decimal | None) -> None:
        self.viber: Sums = {} if charged is None else {"EUR": charged}
        self.message_currency = "" if charged is None else "EUR"
        self.sms: Sums = {}
        self.has_sms = False
        self.is_sms_known = False

    def hear(self, price: str | None, currency: str, fallback: Sequence[Sms]) -> None:
        if price is not None and (currency or self.message_currency):
            self.viber = {currency or self.message_currency: D(price)}
        current = currency or self.message_currency
        named: defaultdict[str, Decimal] = defaultdict(Decimal)
        priced = 0
        for _status, cost, sms_currency in fallback:
            if cost is not None and (sms_currency or current):
                named[sms_currency or current] += D(cost)
                priced += 1
        if priced and (priced == len(fallback) or not self.is_sms_known):
            self.sms, self.is_sms_known = dict(named), True
        self.has_sms = self.has_sms or self.is_sms_known or any(name for name, *_ in fallback)
        if price is not None:
            self.message_currency = current

    @property
    def unknown(self) -> int:
        return (not self.viber) + (self.has_sms and not self.is_sms_known)


def any_answer(chance: random.Random) -> Answer:
    def price() -> str | None:
        return chance.choice([None, "0", "0.02", "0.0300001"])

    def currency() -> str:
        return chance.choice(["", "EUR", "EUR", "USD"])

    fallback = [
        (chance.choice(["", "scheduled", "delivered"]), price(), currency())
        for _sms in range(chance.choice([0, 0, 1, 1, 2]))
    ]
    return price(), currency(), fallback


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_answers_ends_at_the_newest_prices(seed: int) -> None:
    chance = random.Random(seed)
    campaign, recipients = accept(60, lambda: chance.choice([None, D("0.02"), D("0.03")]))
    expected = {one.pk: Expected(one.charged) for one in recipients}
    for _turn in range(7):
        heard = {one.pk: any_answer(chance) for one in recipients}
        updates = [
            StatusUpdate(one, status(heard[one.pk], chance.choice(["sent", "expired", "read"])))
            for one in recipients
        ]
        for country in sorted({one.country for one in recipients}):
            own = [update for update in updates if update.recipient.country == country]
            record_updates([BatchUpdates(own, campaign, country, LEFT)])
        for pk, answer in heard.items():
            expected[pk].hear(*answer)
    for one in recipients:
        want = expected[one.pk]
        assert sums(one, Channel.VIBER) == {name: cost for name, cost in want.viber.items() if cost}
        assert sums(one, Channel.SMS) == {name: cost for name, cost in want.sms.items() if cost}
        charges = Counter(
            LedgerEntry.objects.filter(recipient=one, kind=Kind.CHARGE).values_list(
                "channel", flat=True
            )
        )
        assert charges == {"viber": 1} | ({"sms": 1} if want.has_sms else {})
        row = Recipient.objects.get(pk=one.pk)
        has_entry = bool(
            row.sms_status or row.sms_price is not None or row.sms_currency == SEVERAL_CURRENCIES
        )
        assert has_entry == want.has_sms
    assert unknown_prices() == sum(want.unknown for want in expected.values())
    assert differences() == []


def test_changes_take_back_the_old_currency_first() -> None:
    assert price_changes({"USD": D(2)}, {"EUR": D(1)}, "EUR") == [
        Change(Kind.ADJUSTMENT, "USD", D(-2)),
        Change(Kind.ADJUSTMENT, "EUR", D(1)),
    ]
