"""What was spent, the entries of the ledger behind it, and the balance."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.paging import Page, SliceQuery, slice_page
from campaigns.api.problems import invalid
from campaigns.api.resources.campaigns.progress import BillOut, bill_out
from campaigns.api.resources.campaigns.recipients import phone_out
from campaigns.api.schemas import CSV_FILE, ID_MAX, Money, money
from campaigns.compose.models import Campaign
from campaigns.gateway.balance import load_balance
from campaigns.ledger.models import Channel, Kind, LedgerEntry, Purpose
from campaigns.reports.shared import periods
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend import entries, spend_export
from campaigns.reports.spend.spending import GROUPINGS, NONE, Spending, load_spending
from campaigns.shared.money import ZERO
from campaigns.shared.paging import read_slice
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.pages.audit.downloads import download
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones

router = Router(tags=["Money"])
PERIODS = [name for name in periods.PERIOD_LABELS if name != "custom"]
Group = Annotated[str, Field(pattern=f"^({'|'.join(GROUPINGS)})$")]
IdOrNone = Annotated[
    str, Field(pattern="^([0-9]{1,18}|none)?$", description="An id; `none`: without one.")
]
Day = Annotated[str, Field(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", description="2026-11-30")]


class PeriodQuery(Schema):
    """Days are those of the site's time zone, as in the ledger."""

    period: Annotated[
        str,
        Field(pattern=f"^({'|'.join(PERIODS)})$", description="With a number: days until today."),
    ] = periods.DEFAULT_PERIOD
    first_day: Annotated[Day, Field(description="With `last_day`: instead of `period`.")] = ""
    last_day: Day = ""
    purpose: Purpose = Purpose.CAMPAIGN
    country: Annotated[str, Field(pattern="^([A-Z]{2}|none)?$")] = ""
    channel: Channel | None = None


class SpendQuery(PeriodQuery):
    group: Group = "day"
    campaign: IdOrNone = ""
    sender: IdOrNone = ""
    user: IdOrNone = ""
    tariff: IdOrNone = ""
    label: IdOrNone = ""
    list: IdOrNone = ""


class EntryFilters(PeriodQuery):
    campaign: Annotated[
        int | None,
        Field(ge=1, le=ID_MAX, description="Without one: the entries that have no campaign."),
    ] = None


class EntryQuery(EntryFilters, SliceQuery):
    cursor: Annotated[
        str,
        Field(
            pattern=r"^([0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]\.[0-9]{1,18})?$",
            description="Where the page begins: `next_cursor` of the page before.",
        ),
    ] = ""


class SpendGroup(Schema):
    key: Annotated[str | None, Field(description="A day, an id or a code; null: without one.")]
    name: str
    bill: BillOut


class SpendOut(Schema):
    first_day: date
    last_day: date
    group: str
    groups: list[SpendGroup]
    total: Annotated[
        BillOut, Field(description="Labels and lists overlap: groups may add up to more.")
    ]


class EntryOut(Schema):
    id: int
    at: datetime
    day: date
    kind: Kind
    channel: Channel
    purpose: Purpose
    campaign_id: int | None
    recipient_id: int | None
    phone: Annotated[str | None, Field(description="Masked without `see_phones`.")]
    country: str
    amount: Annotated[Money | None, Field(description="null: not known yet")]
    note: str


class EntryPage(Page[EntryOut]):
    pass


class BalanceOut(Schema):
    balance: Annotated[Money | None, Field(description="null: the gateway did not say")]
    limit: Annotated[Money | None, Field(description="How far it may be overdrawn.")]
    available: Money | None
    at: datetime
    failure: str


@router.get("spend", response=SpendOut, auth=Needs(Permission.VIEW))
def get_spend(request: HttpRequest, query: Query[SpendQuery]) -> Any:
    """What was spent in a period, by day, campaign, country …: the numbers of the page Spend."""
    spending = _load_spending(query)
    return SpendOut(
        first_day=spending.period.first,
        last_day=spending.period.last,
        group=query.group,
        groups=[
            SpendGroup(key=_key(group.key[0]), name=group.name, bill=bill_out(group.bill))
            for group in spending.groups
        ],
        total=bill_out(spending.total),
    )


@router.get("spend.csv", auth=Needs(Permission.VIEW), openapi_extra=CSV_FILE)
def export_spend(request: HttpRequest, query: Query[SpendQuery]) -> Any:
    """What was spent in a period as CSV: the file of the page Spend."""
    spending = _load_spending(query)
    table = spend_export.columns(spending), spend_export.export_rows(spending)
    return download(request, "csv", spend_export.file_name(spending), table)


def _load_spending(query: SpendQuery) -> Spending:
    names = ("campaign", "country", "channel", "sender", "user", "tariff", "label", "list")
    filters = {name: str(getattr(query, name)) for name in names if getattr(query, name)}
    return load_spending(_period(query), GROUPINGS[query.group], filters, query.purpose)


def _key(value: object) -> str | None:
    if value in (None, ""):
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


@router.get("spend/entries", response=EntryPage, auth=Needs(Permission.VIEW))
def list_entries(request: HttpRequest, query: Query[EntryQuery]) -> Any:
    """The ledger entries of one campaign, or of none, in a period, the oldest first."""
    selected = _load_entries(request, query)
    rows = read_slice(selected, entries.PAGE_COLUMN, query.at, query.limit)
    return slice_page(request, rows, lambda entry: _entry_out(entry, actor(request)))


@router.get("spend/entries.csv", auth=Needs(Permission.VIEW), openapi_extra=CSV_FILE)
def export_entries(request: HttpRequest, query: Query[EntryFilters]) -> Any:
    """The same entries as CSV: the file of their page. Phones are masked without `see_phones`."""
    rows = entries.export_rows(_load_entries(request, query), not sees_phones(actor(request)))
    table = entries.EXPORT_COLUMNS, rows
    return download(request, "csv", entries.file_name(_period(query)), table)


def _load_entries(request: HttpRequest, query: EntryFilters) -> QuerySet[LedgerEntry]:
    filters = {"campaign": NONE}
    if query.campaign is not None:
        campaign = get_object_for(actor(request), Campaign.objects.all(), pk=query.campaign)
        filters["campaign"] = str(campaign.pk)
    filters |= {
        name: str(getattr(query, name)) for name in ("country", "channel") if getattr(query, name)
    }
    return entries.load_entries(_period(query), filters, query.purpose)


def _entry_out(entry: LedgerEntry, user: User) -> EntryOut:
    return EntryOut(
        id=entry.pk,
        at=entry.at,
        day=entry.day,
        kind=Kind(entry.kind),
        channel=Channel(entry.channel),
        purpose=Purpose(entry.purpose),
        campaign_id=entry.campaign_id,
        recipient_id=entry.recipient_id,
        phone=phone_out(entry.recipient.msisdn, user) if entry.recipient else None,
        country=entry.country,
        amount=None if entry.amount is None else money(entry.amount, entry.currency),
        note=entry.note,
    )


@router.get("balance", response=BalanceOut, auth=Needs(Permission.VIEW))
def get_balance(request: HttpRequest) -> Any:
    """The balance of the account, at most a minute old."""
    reading = load_balance()
    balance, at = reading.balance, datetime.fromtimestamp(reading.at, UTC)
    if balance is None:
        return BalanceOut(balance=None, limit=None, available=None, at=at, failure=reading.failure)
    return BalanceOut(
        balance=money(balance.amount, balance.currency),
        limit=money(balance.limit, balance.currency),
        available=money(max(balance.amount + balance.limit, ZERO), balance.currency),
        at=at,
        failure="",
    )


def _period(query: PeriodQuery) -> Period:
    """The days that a request names. Raises Problem."""
    given = {"period": query.period}
    if query.first_day or query.last_day:
        given = {"period": "custom", "from": query.first_day, "to": query.last_day}
    period, error = periods.read_period(given)
    if error:
        text = "Name a first and a last day, in this order and at most three years apart."
        raise invalid("first_day", "invalid", text)
    return period
