"""What was spent in a period, grouped by day, campaign, country …: the Spend page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.db.models.functions import TruncMonth, TruncWeek
from django.urls import reverse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.models import Campaign, Label, Sender
from campaigns.contacts.models import ContactList
from campaigns.dispatch.models import Tally
from campaigns.ledger.models import Channel, LedgerEntry, LedgerTotal, Purpose
from campaigns.reports.shared.bills import Bill, Cost, load_bills, totals_for
from campaigns.reports.shared.key_figures import KeyFigure
from campaigns.reports.shared.labels import country_name, is_country_code
from campaigns.reports.shared.periods import Period, format_days, month_of
from campaigns.shared.query_values import read_id
from campaigns.shared.text import without_nul
from campaigns.team.models import User
from campaigns.templatetags.viberdash import money, percent

_L = gettext_lazy
M = TypeVar("M", LedgerTotal, LedgerEntry, Tally)
NONE = "none"  # in a query string: no campaign, no sender …


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to divide what was spent.

    `key` in the query string, `label` as the heading, `fields` to group by, `name` of a group by
    the values of its fields, and `opens`: the grouping that a click on a group opens ("" for the
    ledger entries). With `overlaps`, a campaign may be in several groups, which then add up to more
    than the total.
    """

    key: str
    label: str | Promise
    fields: tuple[str, ...]
    name: Callable[[tuple[Any, ...]], str]
    opens: str
    by_time: bool = False
    overlaps: bool = False


def _named(column: int, missing: str | Promise) -> Callable[[tuple[Any, ...]], str]:
    return lambda key: str(key[column] or missing)


def _week(key: tuple[Any, ...]) -> str:
    return format_days(key[0], key[0] + timedelta(days=6))


GROUPINGS: dict[str, Grouping] = {
    grouping.key: grouping
    for grouping in (
        Grouping(
            "day",
            _L("Day"),
            ("day",),
            lambda key: formats.date_format(key[0], "j M Y"),
            "campaign",
            True,
        ),
        Grouping("week", _L("Week"), ("week",), _week, "day", True),
        Grouping(
            "month",
            _L("Month"),
            ("month",),
            lambda key: formats.date_format(key[0], "F Y"),
            "day",
            True,
        ),
        Grouping(
            "campaign",
            _L("Campaign"),
            ("campaign", "campaign__name"),
            _named(1, _L("No campaign")),
            "",
        ),
        Grouping(
            "label",
            _L("Label"),
            ("campaign__labels", "campaign__labels__name"),
            _named(1, _L("No label")),
            "campaign",
            overlaps=True,
        ),
        Grouping(
            "list",
            _L("List"),
            ("campaign__lists", "campaign__lists__name"),
            _named(1, _L("No list")),
            "campaign",
            overlaps=True,
        ),
        Grouping(
            "country", _L("Country"), ("country",), lambda key: country_name(key[0]), "campaign"
        ),
        Grouping(
            "sender",
            _L("Sender"),
            ("campaign__sender", "campaign__sender__name"),
            _named(1, _L("No sender")),
            "campaign",
        ),
        Grouping(
            "user",
            _L("User"),
            ("campaign__launched_by", "campaign__launched_by__username"),
            _named(1, _L("No user")),
            "campaign",
        ),
        Grouping(
            "tariff",
            _L("Tariff"),
            ("campaign__tariff",),
            lambda key: _("No tariff") if key[0] is None else _("Tariff %d") % key[0],
            "campaign",
        ),
        Grouping(
            "channel",
            _L("Channel"),
            ("channel",),
            lambda key: str(Channel(key[0]).label),
            "campaign",
        ),
    )
}
FILTERS = {  # query string key -> field of the totals
    "campaign": "campaign",
    "country": "country",
    "channel": "channel",
    "sender": "campaign__sender",
    "user": "campaign__launched_by",
    "tariff": "campaign__tariff",
    "label": "campaign__labels",
    "list": "campaign__lists",
}


@dataclass(frozen=True, slots=True)
class Group:
    """A row of the table, in one or more currencies; `url` opens the rows it is made of."""

    key: tuple[Any, ...]
    name: str
    bill: Bill
    url: str = ""


@dataclass(slots=True)
class Spending:
    """The groups in their order, and their total."""

    period: Period
    grouping: Grouping
    groups: list[Group] = field(default_factory=list)
    total: Bill = field(default_factory=Bill)


def read_filters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the filters in a query string; a malformed one selects nothing."""
    return {key: without_nul(query[key]) for key in FILTERS if query.get(key)}


def is_valid(key: str, value: str) -> bool:
    """Whether a filter has a value that it can have; NONE stands for rows without one."""
    if value == NONE:
        return True
    if key == "channel":
        return value in Channel.values
    if key == "country":
        return is_country_code(value)
    return read_id(value) is not None


def apply_filters(totals: QuerySet[M], filters: Mapping[str, str]) -> QuerySet[M]:
    """Return those of `totals`, or of other rows with the same fields, that `filters` select."""
    for key, value in filters.items():
        if not is_valid(key, value):
            return totals.none()
        if value != NONE:
            totals = totals.filter(**{FILTERS[key]: value})
        elif key == "country":
            totals = totals.filter(country="")
        else:
            totals = totals.filter(**{f"{FILTERS[key]}__isnull": True})
    return totals


def load_spending(
    period: Period, grouping: Grouping, filters: Mapping[str, str], purpose: str = Purpose.CAMPAIGN
) -> Spending:
    """Return what was spent in `period` for `purpose`, by `grouping`.

    One query; two where groups overlap.
    """
    in_period = totals_for(purpose).filter(day__range=(period.first, period.last))
    totals = apply_filters(in_period, filters)
    if grouping.key == "week":
        totals = totals.annotate(week=TruncWeek("day"))
    elif grouping.key == "month":
        totals = totals.annotate(month=TruncMonth("day"))
    spending = Spending(period, grouping)
    group_bills = load_bills(totals, *grouping.fields)
    total_bills = load_bills(totals) if grouping.overlaps else group_bills
    for bill in total_bills.values():
        spending.total.merge(bill)
    for key in sorted(group_bills, key=_sort_key(grouping, group_bills)):
        url = _group_url(spending, key, filters, purpose)
        spending.groups.append(Group(key, grouping.name(key), group_bills[key], url))
    return spending


def _sort_key(
    grouping: Grouping, bills: dict[tuple[Any, ...], Bill]
) -> Callable[[tuple[Any, ...]], Any]:
    """Sort by time, the newest first; or else by currency, the largest cost first."""
    if grouping.by_time:
        return lambda key: -key[0].toordinal()
    return lambda key: (
        [(cost.currency, -cost.total) for cost in bills[key].costs],
        grouping.name(key),
    )


def _group_url(
    spending: Spending, key: tuple[Any, ...], filters: Mapping[str, str], purpose: str
) -> str:
    """Return the address of the rows behind a group: by the next grouping, or the entries."""
    grouping, period = spending.grouping, spending.period
    first, last = period.first, period.last
    query = dict(filters)
    if grouping.by_time:
        first, last = _clip_bucket(grouping, key[0], period)
    else:
        query[grouping.key] = NONE if key[0] in (None, "") else str(key[0])
    query |= {"from": first.isoformat(), "to": last.isoformat()}
    if purpose != Purpose.CAMPAIGN:
        query["purpose"] = purpose
    if not grouping.opens or (grouping.opens == "campaign" and "campaign" in query):
        return f"{_page_url('spend-entries')}?{urlencode(query)}"
    return f"{_page_url('spend')}?{urlencode({**query, 'group': grouping.opens})}"


@cache
def _page_url(name: str) -> str:
    """Return its address, cached for the hundreds of links of a page."""
    return reverse(name)


def _clip_bucket(grouping: Grouping, start: date, period: Period) -> tuple[date, date]:
    """Return the first and last day of a bucket within `period`."""
    if grouping.key == "week":
        end = start + timedelta(days=6)
    elif grouping.key == "month":
        end = month_of(start)[1]
    else:
        end = start
    return max(start, period.first), min(end, period.last)


def time_buckets(spending: Spending) -> list[date]:
    """Return the first days of all days, weeks or months of the period, also those without
    spend.
    """
    key, day = spending.grouping.key, spending.period.first
    if key == "week":
        day -= timedelta(days=day.weekday())
    elif key == "month":
        day = day.replace(day=1)
    starts = []
    while day <= spending.period.last:
        starts.append(day)
        if key == "month":
            day = month_of(day)[1] + timedelta(days=1)
        else:
            day += timedelta(days=7 if key == "week" else 1)
    return starts


def describe_filter(key: str, value: str) -> str:
    """Return a filter in words: "Country: Ukraine"."""
    label = str(GROUPINGS[key].label)
    if value == NONE:
        return _("%(label)s: none") % {"label": label}
    return f"{label}: {_value_label(key, value)}"


def _value_label(key: str, value: str) -> str:
    if not is_valid(key, value):
        return value
    if key == "country":
        return country_name(value)
    if key == "channel":
        return str(dict(Channel.choices).get(value, value))
    if key == "tariff":
        return value
    models: dict[str, QuerySet[Any]] = {
        "campaign": Campaign.objects.all(),
        "sender": Sender.objects.all(),
        "user": User.objects.all(),
        "label": Label.objects.all(),
        "list": ContactList.objects.all(),
    }
    return str(models[key].filter(pk=value).first() or value)


def costs_or_unknown(bill: Bill) -> list[Cost]:
    """Return the costs of `bill`, or one without a currency where no price is known yet.

    So every group has a row.
    """
    return bill.costs or [Cost("")]


def spending_figures(cost: Cost) -> list[KeyFigure]:
    """Return the figures of one currency: total, Viber, SMS fallback."""
    hint = _("charged at send")
    if cost.adjustment:
        hint = format_html(
            _("Viber: {charged} at send, {adjustment} adjusted"),
            charged=money(cost.charged),
            adjustment=money(cost.adjustment),
        )
    share = _("%(share)s of total")
    return [
        KeyFigure(
            _("Spent, %(currency)s") % {"currency": cost.currency},
            money(cost.total, cost.currency),
            hint,
        ),
        KeyFigure(
            _("Viber"),
            money(cost.viber, cost.currency),
            share % {"share": percent(cost.viber, cost.total)},
        ),
        KeyFigure(
            _("SMS fallback"),
            money(cost.sms, cost.currency),
            share % {"share": percent(cost.sms, cost.total)},
        ),
    ]
