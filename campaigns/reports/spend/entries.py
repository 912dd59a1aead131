"""The rows of the ledger behind a number."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Max, Min, QuerySet
from django.urls import reverse
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.ledger.models import Channel, LedgerEntry, LedgerTotal, Purpose
from campaigns.reports.shared.bills import Bill, bills, spent
from campaigns.reports.shared.partial_indexes import sms
from campaigns.reports.shared.periods import Period, today
from campaigns.reports.spend.spending import NONE, filtered
from campaigns.shared.paging import read_slice
from campaigns.shared.table_columns import Cell, Column, Kind

COLUMN = "day"  # pages go by it, then by id
AT_ONCE = 2_000  # rows that an export holds in memory
EXPORT_COLUMNS = (
    Column("id", Kind.NUMBER),
    Column("at", Kind.TIME),
    Column("day", Kind.DAY),
    Column("kind"),
    Column("channel"),
    Column("purpose"),
    Column("campaign_id", Kind.NUMBER),
    Column("phone"),
    Column("country"),
    Column("currency"),
    Column("amount", Kind.MONEY),
    Column("note"),
)


def address(campaign: Campaign, **filters: str) -> str:
    """The page of all entries of `campaign` that `filters` select."""
    launched = campaign.launched_at
    first = timezone.localdate(launched, settings.SITE_ZONE) if launched else today()
    query = {
        "campaign": campaign.pk,
        "from": first.isoformat(),
        "to": today().isoformat(),
        **filters,
    }
    if campaign.purpose != Purpose.CAMPAIGN:
        query["purpose"] = campaign.purpose
    return f"{reverse('spend-entries')}?{urlencode(query)}"


def entries(period: Period, filters: Mapping[str, str], purpose: str) -> QuerySet[LedgerEntry]:
    """The entries of one campaign, or of none, in `period`. `filters` names the campaign; the index
    begins with it.

    Where they are filtered further, the totals tell between which days such entries are: the SMS of
    a large campaign stand behind millions of charges that nobody has to read.
    """
    wanted = _wanted(filters)
    first, last = period.first, period.last
    if len(wanted) > 1:
        days = _totals(period, wanted, purpose).aggregate(first=Min("day"), last=Max("day"))
        if days["first"] is None:
            return LedgerEntry.objects.none()
        first, last = days["first"], days["last"]
    found = LedgerEntry.objects.filter(day__range=(first, last), purpose=purpose)
    if wanted.get("channel") == Channel.SMS:
        found = found.filter(sms())
    return filtered(found, wanted).select_related("recipient")


def entries_bill(period: Period, filters: Mapping[str, str], purpose: str) -> Bill:
    """What those entries add up to, from the totals."""
    return bills(_totals(period, _wanted(filters), purpose)).get((), Bill())


def _wanted(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters that an entry itself can answer; the campaign always."""
    return {
        "campaign": NONE,
        **{key: filters[key] for key in ("campaign", "country", "channel") if key in filters},
    }


def _totals(period: Period, wanted: Mapping[str, str], purpose: str) -> QuerySet[LedgerTotal]:
    return filtered(spent(purpose).filter(day__range=(period.first, period.last)), wanted)


def export_rows(found: QuerySet[LedgerEntry], masked: bool) -> Iterator[tuple[Cell, ...]]:
    """The rows of EXPORT_COLUMNS, read page after page: memory stays flat on every database."""
    at = ""
    while True:
        page = read_slice(found, COLUMN, at, AT_ONCE)
        for entry in page.rows:
            yield _export_row(entry, masked)
        at = page.after
        if not at:
            return


def _export_row(entry: LedgerEntry, masked: bool) -> tuple[Cell, ...]:
    phone = entry.recipient.msisdn if entry.recipient else ""
    return (
        entry.pk, entry.at, entry.day, entry.kind, entry.channel, entry.purpose,
        entry.campaign_id, f"{phone[:4]}•••{phone[-2:]}" if masked and phone else phone,
        entry.country, entry.currency, entry.amount, entry.note,
    )  # fmt: skip
