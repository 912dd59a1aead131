"""Rebuild totals and counts from the rows that they add up, and find what differs."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, F, IntegerField, Sum, Value, When
from django.db.models.functions import Coalesce, TruncHour

from campaigns.dispatch.budgets import holds
from campaigns.dispatch.models import Batch, DeliveryState, Recipient, SendState, Tally
from campaigns.dispatch.tally import STATE_KEYS
from campaigns.ledger.entries import MONEY_KEYS
from campaigns.ledger.models import LedgerEntry, LedgerTotal
from campaigns.ledger.totals import first_shard
from campaigns.results.hourly_counts import BY_VIBER
from campaigns.results.models import HourCount, Measure
from campaigns.shared.money import ZERO

HOUR_KEY = ("campaign_id", "measure", "hour")
VIBER = {"delivery_state__in": BY_VIBER}
READERS = {"delivery_state": DeliveryState.READ}
# The same as hourly_counts.measured_hours: what is counted, by which time, and of which rows.
MEASURED: tuple[tuple[Measure, str, dict[str, Any]], ...] = (
    (Measure.SENT, "sent_at", {}),
    (Measure.DELIVERED, "delivered_at", VIBER),
    (Measure.READ, "read_at", READERS),
    (Measure.SENT_DELIVERED, "sent_at", VIBER),
    (Measure.SENT_READ, "sent_at", READERS),
)
Key = tuple[Any, ...]
Sums = dict[Key, tuple[Any, ...]]


def differences() -> list[str]:
    """A line for each total that is not the sum of its rows; changes nothing."""
    with transaction.atomic():
        return list(_differences())


def rebuild() -> list[str]:
    """Rebuild all totals and counts, and return the `differences` there were.

    On PostgreSQL nobody else can write meanwhile.
    """
    with transaction.atomic():
        _lock()
        differing = list(_differences())
        LedgerTotal.objects.all().delete()
        LedgerTotal.objects.bulk_create(
            LedgerTotal(
                **dict(zip(MONEY_KEYS, key, strict=True)),
                shard=first_shard(key[MONEY_KEYS.index("account_id")]),
                amount=amount,
                entries=entries,
                unknown=unknown,
            )
            for key, (amount, entries, unknown) in _entered().items()
        )
        Tally.objects.all().delete()
        Tally.objects.bulk_create(
            Tally(**dict(zip(STATE_KEYS, key, strict=True)), recipients=people)
            for key, (people,) in _recipients().items()
        )
        HourCount.objects.all().delete()
        HourCount.objects.bulk_create(
            HourCount(**dict(zip(HOUR_KEY, key, strict=True)), people=people)
            for key, (people,) in _in_hours().items()
        )
        holds.recompute_all()
    return differing


def _lock() -> None:
    if connection.vendor == "postgresql":
        tables = ", ".join(
            model._meta.db_table
            for model in (LedgerEntry, LedgerTotal, Batch, Recipient, Tally, HourCount)
        )
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")


def _differences() -> Iterator[str]:
    yield from _compare("ledger", _entered(), _totals())
    yield from _compare("recipients", _recipients(), _tallied())
    yield from _compare("hours", _in_hours(), _by_hours())
    for campaign, number, held, expected in holds.wrong_holds():
        yield f"hold {(campaign, number)}: its recipients add up to {expected}, it is {held}"


def _compare(what: str, rows: Sums, totals: Sums) -> Iterator[str]:
    for key in sorted(rows.keys() | totals.keys(), key=repr):
        if rows.get(key) != totals.get(key):
            yield f"{what} {key}: rows add up to {rows.get(key)}, the total is {totals.get(key)}"


def _entered() -> Sums:
    unknown = Case(
        When(amount__isnull=True, then=Value(1)), default=Value(0), output_field=IntegerField()
    ) - Case(When(settles=True, then=Value(1)), default=Value(0), output_field=IntegerField())
    entries = LedgerEntry.objects.values_list(*MONEY_KEYS).annotate(
        sum=Sum("amount"), number=Count("pk"), missing=Sum(unknown)
    )
    return {tuple(row[:-3]): (row[-3] or ZERO, row[-2], row[-1]) for row in entries.order_by()}


def _totals() -> Sums:
    totals = LedgerTotal.objects.values_list(*MONEY_KEYS).annotate(
        sum=Sum("amount"), number=Sum("entries"), missing=Sum("unknown")
    )
    return {tuple(row[:-3]): tuple(row[-3:]) for row in totals.order_by()}


def _recipients() -> Sums:
    settled = Recipient.objects.exclude(send_state=SendState.QUEUED).annotate(
        code=Coalesce(F("error_code"), 0)
    )
    key = ["code" if name == "error_code" else name for name in STATE_KEYS]
    return {
        tuple(row[:-1]): (row[-1],)
        for row in settled.values_list(*key).annotate(people=Count("pk")).order_by()
    }


def _tallied() -> Sums:
    tally = Tally.objects.values_list(*STATE_KEYS).annotate(people=Sum("recipients")).order_by()
    return {tuple(row[:-1]): (row[-1],) for row in tally if row[-1]}


def _in_hours() -> Sums:
    sums: Sums = {}
    for measure, column, conditions in MEASURED:
        recipients = Recipient.objects.filter(**conditions, **{f"{column}__isnull": False})
        hour = TruncHour(column, tzinfo=UTC)
        for campaign_id, at, number in (
            recipients.values_list("campaign_id", hour).annotate(Count("pk")).order_by()
        ):
            sums[campaign_id, measure.value, at] = (number,)
    return sums


def _by_hours() -> Sums:
    rows = HourCount.objects.exclude(people=0).values_list(*HOUR_KEY, "people")
    return {tuple(row[:-1]): (row[-1],) for row in rows}
