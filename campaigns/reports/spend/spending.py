"""What was spent in a period, by day, campaign, country …: the Spend page and its export."""

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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.models import Campaign, Label, Sender
from campaigns.contacts.models import ContactList
from campaigns.dispatch.models import Tally
from campaigns.ledger.models import Channel, LedgerEntry, LedgerTotal, Purpose
from campaigns.reports.shared.bills import Bill, Cost, bills, spent
from campaigns.reports.shared.labels import country_name, is_country
from campaigns.reports.shared.periods import Period, month_of, span
from campaigns.team.models import User

_L = gettext_lazy
M = TypeVar("M", LedgerTotal, LedgerEntry, Tally)
NONE = "none"  # in a query string: money that belongs to no campaign, no sender …


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to split the money: its key in the query string, its heading, the fields it groups
    by, how a group is named, and the grouping that a click on a group opens ("" for the entries
    themselves).

    `overlaps`: a campaign may be in several groups, so that they add up to more than the whole.
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
    return span(key[0], key[0] + timedelta(days=6))


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
            _L("Person"),
            ("campaign__launched_by", "campaign__launched_by__username"),
            _named(1, _L("Nobody")),
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
    """One row of the table in one or more currencies, and the address of the rows it is made of."""

    key: tuple[Any, ...]
    name: str
    bill: Bill
    url: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: its words and the address without it."""

    words: str
    url: str


@dataclass(slots=True)
class Spending:
    """The answer of the Spend page: groups in their order, and what they add up to."""

    period: Period
    grouping: Grouping
    groups: list[Group] = field(default_factory=list)
    total: Bill = field(default_factory=Bill)


def read_filters(query: Mapping[str, str]) -> dict[str, str]:
    """The filters that a query string asks for; malformed ones are left out."""
    wanted = {key: query[key] for key in FILTERS if query.get(key)}
    return {key: value for key, value in wanted.items() if value == NONE or _is_sound(key, value)}


def _is_sound(key: str, value: str) -> bool:
    if key == "channel":
        return value in Channel.values
    return (
        is_country(value)
        if key == "country"
        else value.isdecimal() and value.isascii() and len(value) < 19
    )


def filtered(totals: QuerySet[M], filters: Mapping[str, str]) -> QuerySet[M]:
    """Those of `totals`, or of other rows that have the columns, that `filters` select."""
    for key, value in filters.items():
        if value != NONE:
            totals = totals.filter(**{FILTERS[key]: value})
        elif key == "country":
            totals = totals.filter(country="")
        else:
            totals = totals.filter(**{f"{FILTERS[key]}__isnull": True})
    return totals


def read_spending(
    period: Period, grouping: Grouping, filters: Mapping[str, str], purpose: str = Purpose.CAMPAIGN
) -> Spending:
    """What was spent in `period` for `purpose`, by `grouping`; one query, two where groups
    overlap.
    """
    totals = filtered(spent(purpose).filter(day__range=(period.first, period.last)), filters)
    if grouping.key == "week":
        totals = totals.annotate(week=TruncWeek("day"))
    elif grouping.key == "month":
        totals = totals.annotate(month=TruncMonth("day"))
    spending = Spending(period, grouping)
    found = bills(totals, *grouping.fields)
    for bill in bills(totals).values() if grouping.overlaps else found.values():
        spending.total.merge(bill)
    for key in sorted(found, key=_order(grouping, found)):
        url = _opens(spending, key, filters, purpose)
        spending.groups.append(Group(key, grouping.name(key), found[key], url))
    return spending


def _order(
    grouping: Grouping, found: dict[tuple[Any, ...], Bill]
) -> Callable[[tuple[Any, ...]], Any]:
    """By time the newest first; else the dearest first, one currency after the other."""
    if grouping.by_time:
        return lambda key: -key[0].toordinal()
    return lambda key: (
        [(cost.currency, -cost.total) for cost in found[key].costs],
        grouping.name(key),
    )


def _opens(
    spending: Spending, key: tuple[Any, ...], filters: Mapping[str, str], purpose: str
) -> str:
    """The address of the rows behind a group: the next grouping down, at last the entries of the
    ledger.
    """
    grouping, period = spending.grouping, spending.period
    first, last = period.first, period.last
    query = dict(filters)
    if grouping.by_time:
        first, last = _clip(grouping, key[0], period)
    else:
        query[grouping.key] = NONE if key[0] in (None, "") else str(key[0])
    query |= {"from": first.isoformat(), "to": last.isoformat()}
    if purpose != Purpose.CAMPAIGN:
        query["purpose"] = purpose
    if not grouping.opens or (grouping.opens == "campaign" and "campaign" in query):
        return f"{_page('spend-entries')}?{urlencode(query)}"
    return f"{_page('spend')}?{urlencode({**query, 'group': grouping.opens})}"


@cache
def _page(name: str) -> str:
    """Its address; a year has a link a day."""
    return reverse(name)


def _clip(grouping: Grouping, start: date, period: Period) -> tuple[date, date]:
    """The days of a bucket that lie in `period`."""
    if grouping.key == "week":
        end = start + timedelta(days=6)
    elif grouping.key == "month":
        end = month_of(start)[1]
    else:
        end = start
    return max(start, period.first), min(end, period.last)


def buckets(spending: Spending) -> list[date]:
    """The starts of all days, weeks or months of the period, also of those in which nothing was
    spent.
    """
    key, day, found = spending.grouping.key, spending.period.first, []
    if key == "week":
        day -= timedelta(days=day.weekday())
    elif key == "month":
        day = day.replace(day=1)
    while day <= spending.period.last:
        found.append(day)
        last = (
            month_of(day)[1] if key == "month" else day + timedelta(days=6 if key == "week" else 0)
        )
        day = last + timedelta(days=1)
    return found


def filter_words(key: str, value: str) -> str:
    """A filter that is on, in words: "Country: Ukraine"."""
    label = str(GROUPINGS[key].label)
    if value == NONE:
        return _("%(label)s: none") % {"label": label}
    return f"{label}: {_value_words(key, value)}"


def _value_words(key: str, value: str) -> str:
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
    """The costs of `bill` a currency, or one of no currency where no price is known yet: every
    group has a row.
    """
    return bill.costs or [Cost("")]
