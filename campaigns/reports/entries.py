"""The rows of the ledger behind a number."""

from collections.abc import Mapping

from django.db.models import Max, Min, QuerySet

from campaigns.ledger.models import LedgerEntry, LedgerTotal
from campaigns.reports.bills import Bill, bills, spent
from campaigns.reports.periods import Period
from campaigns.reports.spending import NONE, filtered

COLUMN = "day"  # pages go by it, then by id


def entries(period: Period, filters: Mapping[str, str], purpose: str) -> QuerySet[LedgerEntry]:
    """The entries of one campaign, or of none, in `period`. `filters` names the campaign; the index begins with it.

    Where they are filtered further, the totals tell between which days such entries are: the SMS of a large campaign
    stand behind millions of charges that nobody has to read.
    """
    wanted = _wanted(filters)
    first, last = period.first, period.last
    if len(wanted) > 1:
        days = _totals(period, wanted, purpose).aggregate(first=Min("day"), last=Max("day"))
        if days["first"] is None:
            return LedgerEntry.objects.none()
        first, last = days["first"], days["last"]
    found = LedgerEntry.objects.filter(day__range=(first, last), purpose=purpose)
    return filtered(found, wanted).select_related("recipient")


def entries_bill(period: Period, filters: Mapping[str, str], purpose: str) -> Bill:
    """What those entries add up to, from the totals."""
    return bills(_totals(period, _wanted(filters), purpose)).get((), Bill())


def _wanted(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters that an entry itself can answer; the campaign always."""
    return {"campaign": NONE, **{key: filters[key] for key in ("campaign", "country", "channel") if key in filters}}


def _totals(period: Period, wanted: Mapping[str, str], purpose: str) -> QuerySet[LedgerTotal]:
    return filtered(spent(purpose).filter(day__range=(period.first, period.last)), wanted)
