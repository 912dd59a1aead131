"""The rows of the ledger behind a number."""

from collections.abc import Mapping

from django.db.models import QuerySet

from campaigns.ledger.models import LedgerEntry
from campaigns.reports.bills import Bill, bills, spent
from campaigns.reports.periods import Period
from campaigns.reports.spending import NONE, filtered

COLUMN = "day"  # pages go by it, then by id


def entries(period: Period, filters: Mapping[str, str], purpose: str) -> QuerySet[LedgerEntry]:
    """The entries of one campaign, or of none, in `period`. `filters` names the campaign; the index begins with it."""
    campaign = filters.get("campaign", NONE)
    found = LedgerEntry.objects.filter(day__range=(period.first, period.last), purpose=purpose)
    found = found.filter(campaign__isnull=True) if campaign == NONE else found.filter(campaign=int(campaign))
    for key in ("country", "channel"):
        if key in filters:
            found = found.filter(**{key: "" if filters[key] == NONE else filters[key]})
    return found.select_related("recipient")


def entries_bill(period: Period, filters: Mapping[str, str], purpose: str) -> Bill:
    """What those entries add up to, from the totals."""
    wanted = {key: filters[key] for key in ("country", "channel") if key in filters}
    wanted["campaign"] = filters.get("campaign", NONE)
    return bills(filtered(spent(purpose).filter(day__range=(period.first, period.last)), wanted)).get((), Bill())
