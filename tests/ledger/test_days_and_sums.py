"""On which day an entry counts, and what belongs to a sum."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import SHARDS, Channel, Kind, LedgerEntry, LedgerTotal, Purpose
from campaigns.ledger.sums import of_account, spend_of
from campaigns.ledger.totals import PendingSums, process_shard
from campaigns.team.models import GatewayAccount
from tests.compose.factories import draft

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def movement(
    amount: str | None,
    channel: Channel = Channel.VIBER,
    currency: str = "EUR",
    campaign_id: int | None = 7,
    purpose: Purpose = Purpose.CAMPAIGN,
    kind: Kind = Kind.ADJUSTMENT,
    country: str = "UA",
) -> Movement:
    amounts = [(1, None if amount is None else D(amount))]
    return Movement(kind, channel, campaign_id, country, currency, amounts, purpose)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "midnight", "new_day"),
    [
        ("Europe/Kyiv", datetime(2026, 1, 31, 22, tzinfo=UTC), date(2026, 2, 1)),
        ("Europe/Kyiv", datetime(2026, 3, 28, 22, tzinfo=UTC), date(2026, 3, 29)),  # 23 hours long
        ("Europe/Kyiv", datetime(2026, 3, 29, 21, tzinfo=UTC), date(2026, 3, 30)),
        ("Europe/Kyiv", datetime(2026, 12, 31, 22, tzinfo=UTC), date(2027, 1, 1)),
        ("America/New_York", datetime(2028, 2, 29, 5, tzinfo=UTC), date(2028, 2, 29)),
        ("America/New_York", datetime(2028, 3, 1, 5, tzinfo=UTC), date(2028, 3, 1)),
        ("America/New_York", datetime(2026, 7, 1, 4, tzinfo=UTC), date(2026, 7, 1)),
        ("UTC", datetime(2026, 7, 1, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_day_begins_at_midnight_of_the_site(
    settings: Settings, zone: str, midnight: datetime, new_day: date
) -> None:
    settings.SITE_ZONE = ZoneInfo(zone)
    write_entries([movement("0.01")], midnight - TICK)
    write_entries([movement("0.02")], midnight)
    days = [new_day - timedelta(days=1), new_day]
    assert list(LedgerEntry.objects.order_by("at").values_list("at", "day")) == [
        (midnight - TICK, days[0]),
        (midnight, days[1]),
    ]
    amounts = {total.day: total.amount for total in LedgerTotal.objects.all()}
    assert amounts == {days[0]: D("0.01"), days[1]: D("0.02")}


@pytest.mark.django_db
def test_each_currency_and_channel_has_a_sum_of_its_own() -> None:
    write_entries(
        [
            movement("0.10"),
            movement("0.05", Channel.SMS),
            movement("-0.03"),
            movement("0.20", currency="USD"),
            movement("0.07", Channel.SMS, "USD", country="PL"),
            movement("0.01", Channel.SMS, "USD", country="UA"),
            movement("5", campaign_id=8),
            movement("6", campaign_id=None),
            movement(None, currency=""),
        ],
        NOON,
    )
    write_entries([movement("0.40")], NOON + timedelta(days=40))
    assert spend_of(7) == {
        "EUR": {"viber": D("0.47"), "sms": D("0.05")},
        "USD": {"viber": D("0.20"), "sms": D("0.08")},
    }
    assert spend_of(8) == {"EUR": {"viber": D(5)}}
    assert spend_of(9) == {}


@pytest.mark.django_db
def test_purposes_are_added_up_only_where_all_are_asked_for() -> None:
    purposes = (Purpose.CAMPAIGN, Purpose.TEST, Purpose.REHEARSAL)
    amounts = {purpose: D(10) ** place for place, purpose in enumerate(purposes)}
    write_entries(
        [movement(str(amount), purpose=purpose) for purpose, amount in amounts.items()], NOON
    )
    for purpose, amount in amounts.items():
        assert spend_of(7, purpose) == {"EUR": {"viber": amount}}
    assert spend_of(7) == {"EUR": {"viber": D(111)}}


@pytest.mark.django_db
def test_unknown_prices_are_counted_until_they_are_settled() -> None:
    charges = [(1, None), (2, None), (3, D("0.02"))]
    write_entries([Movement(Kind.CHARGE, Channel.VIBER, 7, "UA", "", charges)], NOON)
    total = LedgerTotal.objects.get()
    assert (total.entries, total.unknown, total.amount) == (3, 2, D("0.02"))
    settling = [(1, D("0.03")), (2, D("0.04"))]
    write_entries(
        [
            Movement(Kind.ADJUSTMENT, Channel.VIBER, 7, "UA", "", []),
            Movement(Kind.ADJUSTMENT, Channel.VIBER, 7, "UA", "", settling, settles=True),
        ],
        NOON,
    )
    assert sum(LedgerTotal.objects.values_list("unknown", flat=True)) == 0
    adjusted = LedgerTotal.objects.get(kind=Kind.ADJUSTMENT)
    assert (adjusted.entries, adjusted.unknown, adjusted.amount) == (2, -2, D("0.07"))
    assert set(LedgerEntry.objects.values_list("recipient", "settles")) == {
        (1, False), (2, False), (3, False), (1, True), (2, True)
    }  # fmt: skip


@pytest.mark.django_db
def test_entry_has_all_that_its_movement_says() -> None:
    charge = Movement(
        Kind.FEE, Channel.FEE, None, "UA", "EUR", [(None, D("12.5"))], Purpose.TEST, note="Why"
    )
    write_entries([charge], NOON)
    assert LedgerEntry.objects.values().get() == {
        "id": LedgerEntry.objects.get().pk, "at": NOON, "kind": "fee", "channel": "fee",
        "day": date(2026, 3, 1), "purpose": "test", "campaign_id": None, "recipient_id": None,
        "country": "UA", "currency": "EUR", "amount": D("12.5"), "settles": False, "note": "Why",
        "account_id": None,
    }  # fmt: skip
    assert LedgerTotal.objects.values().get() == {
        "id": LedgerTotal.objects.get().pk, "day": date(2026, 3, 1), "campaign_id": None,
        "purpose": "test", "channel": "fee", "kind": "fee", "country": "UA", "currency": "EUR",
        "shard": process_shard(), "amount": D("12.5"), "entries": 1, "unknown": 0,
        "account_id": None,
    }  # fmt: skip


def test_sums_are_written_in_one_order_and_only_if_they_change_something() -> None:
    """Or two writers could each wait for a row that the other has."""
    first, second = PendingSums(), PendingSums()
    keys = [("b", 2), ("a", 10), ("a", 9), (None, 1)]
    for key in keys:
        first.add(key, 1, 0)
    for key in reversed(keys):
        second.add(key, 2, 5)
        second.add(key, -1, -5)
    second.add(("c",), 1, 1)
    second.add(("c",), -1, -1)
    assert first.rows() == second.rows()
    assert sorted(first.rows(), key=repr) == sorted(((*key, 1, 0) for key in keys), key=repr)


def test_shard_is_one_of_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for pid in (1, SHARDS - 1, SHARDS, 4_194_304):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        assert process_shard() == pid % SHARDS


@pytest.mark.django_db
def test_each_account_has_totals_of_its_own() -> None:
    fee = Movement(Kind.FEE, Channel.FEE, None, "", "EUR", [(None, D(5))])
    write_entries([fee, replace(fee, account_id=3)], NOON)
    own = os.getpid() % SHARDS
    totals = LedgerTotal.objects.order_by("shard")
    assert [(total.shard, total.account_id, total.amount) for total in totals] == [
        (own, None, D(5)), (3 * SHARDS + own, 3, D(5))
    ]  # fmt: skip


@pytest.mark.django_db
def test_first_account_owns_what_names_none() -> None:
    first, other = (GatewayAccount.objects.create(name=name) for name in ("first", "other"))
    owners = (first, other, None)
    of_campaigns = [
        replace(movement(str(10**place)), campaign_id=draft(account=owner).pk)
        for place, owner in enumerate(owners)
    ]
    alone = [
        replace(movement(str(10**place), campaign_id=None), account_id=owner.pk if owner else None)
        for place, owner in enumerate(owners, start=3)
    ]
    write_entries(of_campaigns + alone, NOON)

    def amounts(account: GatewayAccount, is_first: bool) -> set[int]:
        totals = LedgerTotal.objects.filter(of_account(account.pk, is_first=is_first))
        return {int(amount) for amount in totals.values_list("amount", flat=True)}

    assert amounts(first, is_first=True) == {1, 100, 1_000, 100_000}
    assert amounts(other, is_first=False) == {10, 10_000}
