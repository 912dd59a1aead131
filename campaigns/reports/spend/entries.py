"""The ledger entries behind an amount."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from django.db.models import Max, Min, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.contacts.phones.masking import mask_phone
from campaigns.ledger.models import Channel, LedgerEntry, LedgerTotal, Purpose
from campaigns.reports.shared.bills import Bill, load_bills, totals_for
from campaigns.reports.shared.key_figures import KeyFigure, channel_split
from campaigns.reports.shared.partial_indexes import sms_entries
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend.spending import NONE, apply_filters
from campaigns.shared.days import site_day, site_today
from campaigns.shared.paging import read_slice
from campaigns.shared.table_columns import Cell, Column, Kind
from campaigns.team import accounts
from campaigns.templatetags.viberdash import money_exact, number

PAGE_COLUMN = "day"  # pages are ordered by it, then by id
EXPORT_ROWS = 2_000  # rows that an export holds in memory
EXPORT_COLUMNS = (
    Column("id", Kind.NUMBER),
    Column("at", Kind.TIME),
    Column("day", Kind.DAY),
    Column("kind"),
    Column("channel"),
    Column("purpose"),
    Column("campaign_id", Kind.NUMBER),
    Column("phone", Kind.PHONE),
    Column("country"),
    Column("currency"),
    Column("amount", Kind.MONEY),
    Column("note"),
)


def ledger_url(campaign: Campaign, **filters: str) -> str:
    """Return the page of all entries of `campaign` that `filters` select."""
    launched = campaign.launched_at
    first = site_day(launched) if launched else site_today()
    query = {
        "campaign": campaign.pk,
        "from": first.isoformat(),
        "to": site_today().isoformat(),
        **filters,
    }
    if campaign.purpose != Purpose.CAMPAIGN:
        query["purpose"] = campaign.purpose
    return f"{reverse('spend-entries')}?{urlencode(query)}"


def load_entries(period: Period, filters: Mapping[str, str], purpose: str) -> QuerySet[LedgerEntry]:
    """Return the entries in `period` of the campaign that `filters` name, or of none.

    The index begins with the campaign. With further filters, the totals say between which days such
    entries are: the SMS of a large campaign come after millions of charges that need not be read.
    """
    conditions = _entry_filters(filters)
    first, last = period.first, period.last
    if len(conditions) > 1:
        days = _totals(period, conditions, purpose).aggregate(first=Min("day"), last=Max("day"))
        if days["first"] is None:
            return LedgerEntry.objects.none()
        first, last = days["first"], days["last"]
    own = accounts.cached().money()
    entries = LedgerEntry.objects.filter(own, day__range=(first, last), purpose=purpose)
    if conditions.get("channel") == Channel.SMS:
        entries = entries.filter(sms_entries())
    return apply_filters(entries, conditions).select_related("recipient")


def load_entries_bill(period: Period, filters: Mapping[str, str], purpose: str) -> Bill:
    """Return what those entries add up to, from the totals."""
    return load_bills(_totals(period, _entry_filters(filters), purpose)).get((), Bill())


def entries_figures(bill: Bill) -> list[KeyFigure]:
    """Return the sum of the entries, by currency, and their number."""
    unknown = _("%(number)s not yet known") % {"number": number(bill.not_yet_known)}
    return [
        *(
            KeyFigure(
                _("Sum of these entries, %(currency)s") % {"currency": cost.currency},
                money_exact(cost.total, cost.currency),
                channel_split(cost, exact=True),
            )
            for cost in bill.costs
        ),
        KeyFigure(
            _("Entries"),
            number(bill.entries),
            unknown if bill.not_yet_known else _("every price known"),
        ),
    ]


def _entry_filters(filters: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that apply to entries; always one of the campaign."""
    return {
        "campaign": NONE,
        **{key: filters[key] for key in ("campaign", "country", "channel") if key in filters},
    }


def _totals(period: Period, filters: Mapping[str, str], purpose: str) -> QuerySet[LedgerTotal]:
    totals = totals_for(purpose).filter(day__range=(period.first, period.last))
    return apply_filters(totals, filters)


def file_name(period: Period) -> str:
    """Return the name of the file, without its extension."""
    return f"ledger-{period.first.isoformat()}-{period.last.isoformat()}"


def export_rows(entries: QuerySet[LedgerEntry], masked: bool) -> Iterator[tuple[Cell, ...]]:
    """Yield a row of EXPORT_COLUMNS for each entry.

    Read page by page, so that memory stays flat on every database. The recipients of a page are
    read by their ids, whatever a planner would make of a join of so many rows.
    """
    entries = entries.select_related(None).prefetch_related("recipient")
    at = ""
    while True:
        page = read_slice(entries, PAGE_COLUMN, at, EXPORT_ROWS)
        for entry in page.rows:
            yield _export_row(entry, masked)
        at = page.after
        if not at:
            return


def _export_row(entry: LedgerEntry, masked: bool) -> tuple[Cell, ...]:
    phone = entry.recipient.msisdn if entry.recipient else ""
    return (
        entry.pk, entry.at, entry.day, entry.kind, entry.channel, entry.purpose,
        entry.campaign_id, mask_phone(phone) if masked and phone else phone,
        entry.country, entry.currency, entry.amount, entry.note,
    )  # fmt: skip
