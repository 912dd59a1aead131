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
from campaigns.api.resources.campaigns.progress import BillOut, CountsOut, bill_out, counts_out
from campaigns.api.resources.campaigns.recipients import phone_out
from campaigns.api.schemas import ID_MAX, TABLE_FILE, FileKind, Money, money
from campaigns.compose.models import Campaign
from campaigns.gateway.balance import load_balance
from campaigns.ledger.models import Channel, Kind, LedgerEntry, Purpose
from campaigns.reports.shared import periods
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend import entries, spend_export
from campaigns.reports.spend.cost_per_result import CostPerResult, load_costs_per_result
from campaigns.reports.spend.spending import FILTERS, GROUPINGS, NONE, Spending, load_spending
from campaigns.shared.money import ZERO, exact
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
    country: Annotated[str, Field(pattern="^([A-Z]{2}|none)?$")] = ""


class ResultQuery(PeriodQuery):
    campaign: IdOrNone = ""
    sender: IdOrNone = ""
    user: IdOrNone = ""
    tariff: IdOrNone = ""
    label: IdOrNone = ""
    list: IdOrNone = ""


class SpendQuery(ResultQuery):
    group: Group = "day"
    purpose: Purpose = Purpose.CAMPAIGN
    channel: Channel | None = None


class EntryFilters(PeriodQuery):
    purpose: Purpose = Purpose.CAMPAIGN
    channel: Channel | None = None
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


class ResultOut(Schema):
    """Amounts per result are null with several currencies, and where there is no such result."""

    campaigns: int
    counts: CountsOut
    bill: BillOut
    estimates: Annotated[list[Money], Field(description="If Viber delivers to all accepted.")]
    per_delivered: str | None
    per_read: str | None
    per_sms: Annotated[str | None, Field(description="For each recipient of an SMS.")]


class ResultsOut(Schema):
    results: Annotated[list[ResultOut], Field(description="One for each currency, if possible.")]


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


@router.get("spend.{kind}", auth=Needs(Permission.VIEW), openapi_extra=TABLE_FILE)
def export_spend(request: HttpRequest, kind: FileKind, query: Query[SpendQuery]) -> Any:
    """What was spent in a period as a file: that of the page Spend."""
    spending = _load_spending(query)
    table = spend_export.columns(spending), spend_export.export_rows(spending)
    return download(request, kind, spend_export.file_name(spending), table)


@router.get(
    "spend/results", summary="Get cost per result", response=ResultsOut, auth=Needs(Permission.VIEW)
)
def get_spend_results(request: HttpRequest, query: Query[ResultQuery]) -> Any:
    """What the campaigns launched in a period have cost so far, and for what: the card Cost per
    result of the page Spend.
    """
    results = load_costs_per_result(read_days(query), filters_of(query))
    return ResultsOut(results=[_result_out(result) for result in results])


def _result_out(result: CostPerResult) -> ResultOut:
    per = {
        name: None if (amount := getattr(result, name)) is None else exact(amount)
        for name in ("per_delivered", "per_read", "per_sms")
    }
    return ResultOut(
        campaigns=result.campaigns,
        counts=counts_out(result.counts),
        bill=bill_out(result.bill),
        estimates=[money(amount, each) for each, amount in sorted(result.estimates.items())],
        **per,
    )


def _load_spending(query: SpendQuery) -> Spending:
    return load_spending(read_days(query), GROUPINGS[query.group], filters_of(query), query.purpose)


def filters_of(query: ResultQuery) -> dict[str, str]:
    """The filters that a request names, as the page Spend has them."""
    return {name: str(value) for name in FILTERS if (value := getattr(query, name, None))}


def _key(value: object) -> str | None:
    if value in (None, ""):
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


@router.get(
    "spend/entries",
    summary="List entries of the ledger",
    response=EntryPage,
    auth=Needs(Permission.VIEW),
)
def list_entries(request: HttpRequest, query: Query[EntryQuery]) -> Any:
    """The ledger entries of one campaign, or of none, in a period, the oldest first."""
    selected = _load_entries(request, query)
    rows = read_slice(selected, entries.PAGE_COLUMN, query.at, query.limit)
    return slice_page(request, rows, lambda entry: entry_out(entry, actor(request)))


@router.get(
    "spend/entries.{kind}",
    summary="Export entries of the ledger",
    auth=Needs(Permission.VIEW),
    openapi_extra=TABLE_FILE,
)
def export_entries(request: HttpRequest, kind: FileKind, query: Query[EntryFilters]) -> Any:
    """The same entries as a file: that of their page. Phones are masked without `see_phones`."""
    rows = entries.export_rows(_load_entries(request, query), not sees_phones(actor(request)))
    table = entries.EXPORT_COLUMNS, rows
    return download(request, kind, entries.file_name(read_days(query)), table)


def _load_entries(request: HttpRequest, query: EntryFilters) -> QuerySet[LedgerEntry]:
    filters = {"campaign": NONE}
    if query.campaign is not None:
        campaign = get_object_for(actor(request), Campaign.objects.all(), pk=query.campaign)
        filters["campaign"] = str(campaign.pk)
    filters |= {
        name: str(getattr(query, name)) for name in ("country", "channel") if getattr(query, name)
    }
    return entries.load_entries(read_days(query), filters, query.purpose)


def entry_out(entry: LedgerEntry, user: User) -> EntryOut:
    """An entry of the ledger as `user` sees it."""
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


def period_values(query: PeriodQuery) -> dict[str, str]:
    """The days that a request names, as the page Spend has them."""
    if query.first_day or query.last_day:
        return {"period": "custom", "from": query.first_day, "to": query.last_day}
    return {"period": query.period}


def read_days(query: PeriodQuery) -> Period:
    """The days that a request names. Raises Problem."""
    period, error = periods.read_period(period_values(query))
    if error:
        text = "Name a first and a last day, in this order and at most three years apart."
        raise invalid("first_day", "invalid", text)
    return period
