"""What is wrong with the money: the balance is under its limit, or the ledger does not explain it.
Both are read from the hourly readings of the balance and from the totals of the ledger.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from campaigns.ledger.models import BalanceReading, LedgerTotal, Purpose
from campaigns.reports.alerts.findings import Finding
from campaigns.reports.spend.reconciliation import PERIOD, BalanceHour, pair_readings
from campaigns.shared.days import site_day
from campaigns.shared.money import ZERO
from campaigns.team import accounts

RATE_DAYS = 7  # of which the cost of a day is the average
ENOUGH = Decimal("1.1")  # of the limit: above it an alert is over
TOLERANCE = Decimal(1)  # of currencies that DRIFT_ALERT does not name


def low_balance(now: datetime) -> list[Finding]:
    """The balance is under the limit of its currency in BALANCE_ALERT."""
    if not settings.BALANCE_ALERT:
        return []
    reading = BalanceReading.objects.filter(accounts.cached().is_shown()).first()
    limit = settings.BALANCE_ALERT.get(reading.currency) if reading else None
    if reading is None or limit is None or reading.amount >= limit * ENOUGH:
        return []
    detail = {
        "amount": str(reading.amount),
        "currency": reading.currency,
        "limit": str(limit),
        "spent": str(spent_in_week(reading.currency, now)),
    }
    return [Finding(reading.currency, detail, starts=reading.amount < limit)]


def spent_in_week(currency: str, now: datetime) -> Decimal:
    """What the ledger has for today and the six days before."""
    today = site_day(now)
    totals = LedgerTotal.objects.exclude(purpose=Purpose.REHEARSAL).filter(
        accounts.cached().money(),
        day__range=(today - timedelta(days=RATE_DAYS - 1), today),
        currency=currency,
    )
    return totals.aggregate(sum=Sum("amount"))["sum"] or ZERO


def drift(now: datetime) -> list[Finding]:
    """The balance fell by more than the ledger explains. While messages are on their way no alert
    starts, as their charges are entered later.
    """
    readings = list(
        BalanceReading.objects.filter(
            accounts.cached().is_shown(), hour__gte=now - PERIOD
        ).order_by("hour")
    )
    findings = []
    for currency in sorted({reading.currency for reading in readings}):
        own = [reading for reading in readings if reading.currency == currency]
        tolerance = drift_tolerance(currency)
        missing = shortfall(reversed(pair_readings(own)), tolerance)
        if missing > tolerance:
            detail = {"missing": str(missing), "currency": currency}
            findings.append(Finding(currency, detail, starts=not own[-1].on_way))
    return findings


def drift_tolerance(currency: str) -> Decimal:
    """The difference that is no alert."""
    tolerance: Decimal = settings.DRIFT_ALERT.get(currency, TOLERANCE)
    return tolerance


def shortfall(hours: Iterable[BalanceHour], tolerance: Decimal) -> Decimal:
    """What was charged in `hours`, in their order, and is in no entry of the ledger; 0 or more.

    An entry that comes later, such as a fee or a price that was fetched late, makes up for it. A
    difference that is larger than what is missing by more than `tolerance` is a top-up, which
    explains nothing.
    """
    missing = ZERO
    for hour in hours:
        if hour.difference < 0:
            waits_for_price = hour.after.unknown > hour.before.unknown
            missing -= ZERO if waits_for_price else hour.difference
        elif hour.difference <= missing + tolerance:
            missing = max(missing - hour.difference, ZERO)
    return missing
