"""Random audiences, and a plain Python model of who is in them and with which merge values.

A `World` is made of plain values, and refers to its lists, imports, campaigns and segments by their
place in it.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from campaigns.compose.audience.selection import Funnel
from campaigns.compose.models import (
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
)
from campaigns.dispatch.models import DeliveryState, SendState
from tests.compose.factories import Person

NAMES = ("name", "city")
PHONES = [f"38097000000{number}" for number in range(6)]
COUNTRIES = ["UA", "RO", ""]
VALUES = ["", "Ann", "Олена", "€", "a" * 80, "я" * 40, "🎉", "x-y", "[", "'", "12,5", "2026-01-31"]
TEXTS = st.sampled_from(["Hello", "Hi {name|you}", "{city} {name}!", "{name|}", "{city|€}" * 2])
RECENT, LONG_AGO = timedelta(hours=1), timedelta(days=9)
DAYS = 3  # of conditions: between the two


class Row(NamedTuple):
    """A contact; `list` and `source` are places, -1 if it was not imported."""

    list: int
    phone: str
    country: str
    fields: dict[str, str]
    source: int = -1


class Opened(NamedTuple):
    """A link that was opened so long ago; `machine`: by which kind of program, "" by a person."""

    machine: str
    age: timedelta


class Sent(NamedTuple):
    """A recipient of an earlier campaign; `age` None: sent at no known moment."""

    phone: str
    send_state: str
    delivery_state: str
    final: bool
    age: timedelta | None
    opened: list[Opened]


class Earlier(NamedTuple):
    """An earlier campaign, frozen so long ago; `counts`: it is neither test nor rehearsal."""

    sender: int
    counts: bool
    age: timedelta
    recipients: list[Sent]


class Rule(NamedTuple):
    """A condition of a segment, with the columns of its kind; places instead of rows."""

    kind: str
    negated: bool = False
    field: str = ""
    operator: str = ""
    value: str = ""
    countries: tuple[str, ...] = ()
    place: int = 0  # of a list, an import or a campaign; -1: any campaign
    sender: int = -1
    outcome: str = ""
    days: int | None = None


class RuleSet(NamedTuple):
    match: str
    rules: list[Rule]


@dataclass(frozen=True)
class Sources:
    """What is selected or excluded: places of lists, segments and campaigns with outcomes."""

    lists: list[int]
    segments: list[int]
    campaigns: list[tuple[int, str]]


@dataclass(frozen=True)
class World:
    lists: list[list[Row]]
    campaigns: list[Earlier]
    segments: list[RuleSet]
    stopped: list[str]
    selected: Sources
    excluded: Sources
    text: str
    link: str
    sms: str
    own: int  # the place of the campaign whose audience it is; -1: none of these
    agreed: list[str] | None = None  # the only phones to send to; None: those without consent too

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.lists for row in rows]


# --- random worlds

KINDS = [  # test_person_conditions and test_typed_conditions compare the others with a model
    ConditionKind.FIELD, ConditionKind.COUNTRY, ConditionKind.LIST, ConditionKind.IMPORT,
    ConditionKind.MESSAGES,
]  # fmt: skip
OUTCOMES = st.sampled_from(RecipientOutcome.values)
CONTACTS = st.dictionaries(
    st.sampled_from(PHONES),
    st.tuples(
        st.sampled_from(COUNTRIES),
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)),
        st.integers(-1, 1),
    ),
    max_size=6,
)
SENT = st.builds(
    Sent,
    phone=st.sampled_from(PHONES),
    send_state=st.sampled_from(["accepted"] * 4 + SendState.values),
    delivery_state=st.sampled_from(DeliveryState.values),
    final=st.booleans(),
    age=st.sampled_from([RECENT, LONG_AGO, None]),
    opened=st.lists(
        st.builds(
            Opened, machine=st.sampled_from(["", "bot"]), age=st.sampled_from([RECENT, LONG_AGO])
        ),
        max_size=2,
    ),
)
EARLIER = st.builds(
    Earlier,
    sender=st.integers(0, 1),
    counts=st.sampled_from([True, True, True, False]),
    age=st.sampled_from([RECENT, LONG_AGO]),
    recipients=st.lists(SENT, max_size=5, unique_by=lambda sent: sent.phone),
)
FIELD_RULES = st.one_of(
    st.tuples(st.sampled_from([Operator.FILLED, Operator.EMPTY]), st.just("")),
    st.tuples(
        st.sampled_from([Operator.MORE, Operator.LESS]), st.sampled_from(["5", "2026-01-30"])
    ),
    st.tuples(
        st.sampled_from([Operator.IS, Operator.IS_NOT, Operator.CONTAINS, Operator.STARTS]),
        st.sampled_from(["Ann", "АНН", "n", "оЛ", "Олена", "€", "["]),
    ),
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A condition of one of KINDS."""
    kind, negated = draw(st.sampled_from(KINDS)), draw(st.booleans())
    if kind == ConditionKind.FIELD:
        operator, value = draw(FIELD_RULES)
        name = draw(st.sampled_from(NAMES))
        return Rule(kind, field=name, operator=operator, value=value)
    if kind == ConditionKind.COUNTRY:
        codes = draw(st.sets(st.sampled_from(COUNTRIES), min_size=1))
        return Rule(kind, negated, countries=tuple(sorted(codes)))
    if kind != ConditionKind.MESSAGES:
        return Rule(kind, negated, place=draw(st.integers(0, 1)))
    return Rule(
        kind,
        negated,
        place=draw(st.integers(-1, 1)),
        sender=draw(st.integers(-1, 1)),
        outcome=draw(OUTCOMES),
        days=draw(st.sampled_from([None, DAYS])),
    )


def sources(lists: int) -> st.SearchStrategy[Sources]:
    """At most so many lists, often none of the others."""
    places = st.integers(0, 1)
    few: st.SearchStrategy[list[int]] = st.just([]) | st.lists(places, max_size=2, unique=True)
    return st.builds(
        Sources,
        lists=st.lists(st.integers(0, 3), max_size=lists, unique=True),
        segments=few,
        campaigns=st.just([]) | st.lists(st.tuples(places, OUTCOMES), max_size=1),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    lists = []
    for place, contacts in enumerate(draw(st.lists(CONTACTS, min_size=4, max_size=4))):
        rows = [Row(place, phone, *others) for phone, others in contacts.items()]
        lists.append(rows)
    rule_sets = st.builds(
        RuleSet, match=st.sampled_from(Match.values), rules=st.lists(rules(), max_size=3)
    )
    return World(
        lists=lists,
        campaigns=draw(st.lists(EARLIER, min_size=2, max_size=2)),
        segments=draw(st.lists(rule_sets, min_size=2, max_size=2)),
        stopped=draw(st.lists(st.sampled_from(PHONES), max_size=2, unique=True)),
        selected=draw(sources(4)),
        excluded=draw(sources(1)),
        text=draw(TEXTS),
        link=draw(st.sampled_from(["", "https://x.example.com/{city}?n={name|é}"])),
        sms=draw(st.just("") | TEXTS),
        own=draw(st.sampled_from([-1, -1, 0])),
        agreed=draw(st.none() | st.lists(st.sampled_from(PHONES), min_size=3, unique=True)),
    )


# --- the model


def matches(rule_set: RuleSet, row: Row, world: World) -> bool:
    """Whether a segment selects `row`. The first list to be on selects its own rows, the others
    phones; where any condition is enough, all do.
    """
    results, has_own_list = [], rule_set.match == Match.ANY
    for rule in rule_set.rules:
        if rule.kind == ConditionKind.LIST and not rule.negated and not has_own_list:
            has_own_list = True
            results.append(row.list == rule.place)
        else:
            results.append(meets(rule, row, world))
    combine = all if rule_set.match == Match.ALL else any
    return bool(results) and combine(results)


def meets(rule: Rule, row: Row, world: World) -> bool:
    same_phone = [other for other in world.rows if other.phone == row.phone]
    if rule.kind == ConditionKind.FIELD:
        return field_rule(Operator(rule.operator), rule.value)(row.fields.get(rule.field, ""))
    if rule.kind == ConditionKind.COUNTRY:
        return (row.country in rule.countries) != rule.negated
    if rule.kind == ConditionKind.LIST:
        return any(other.list == rule.place for other in same_phone) != rule.negated
    if rule.kind == ConditionKind.IMPORT:
        if rule.negated:
            return all(other.source != rule.place for other in same_phone)
        return row.source == rule.place
    places = [
        place
        for place, campaign in enumerate(world.campaigns)
        if rule.place in (-1, place) and rule.sender in (-1, campaign.sender)
    ]
    return had_outcome(row.phone, rule.outcome, places, world, rule.days) != rule.negated


def field_rule(operator: Operator, wanted: str) -> Callable[[str], bool]:
    """Whether a value meets a condition on a merge tag, by a plain comparison."""

    def small(text: str) -> str:
        return text.replace("İ", "i").lower().replace("ς", "σ")

    compare: dict[Operator, Callable[[str], bool]] = {
        Operator.IS: lambda value: value == wanted,
        Operator.IS_NOT: lambda value: value != wanted,
        Operator.CONTAINS: lambda value: small(wanted) in small(value),
        Operator.STARTS: lambda value: small(value).startswith(small(wanted)),
        Operator.FILLED: lambda value: value != "",
        Operator.EMPTY: lambda value: value == "",
        Operator.MORE: lambda value: ordered(value, wanted) == 1,
        Operator.LESS: lambda value: ordered(value, wanted) == -1,
    }
    return compare[operator]


def ordered(value: str, wanted: str) -> int | None:
    """1 if `value` is more than `wanted`, -1 if less; None where they cannot be compared."""
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", wanted):
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return None
        return (value > wanted) - (value < wanted)
    if not re.fullmatch("-?[0-9]+([.,][0-9]+)?", value):
        return None
    number, limit = float(value.replace(",", ".")), float(wanted.replace(",", "."))
    return (number > limit) - (number < limit)


def had_outcome(
    phone: str, outcome: str, places: Sequence[int], world: World, days: int | None = None
) -> bool:
    for place in places:
        campaign = world.campaigns[place]
        for sent in campaign.recipients if campaign.counts and place != world.own else []:
            if sent.phone == phone and is_outcome(sent, outcome):
                ages = ages_of(sent, outcome, campaign)
                if days is None or any(age < timedelta(days=days) for age in ages):
                    return True
    return False


def ages_of(sent: Sent, outcome: str, campaign: Earlier) -> list[timedelta]:
    """How long ago it was: of clicks each, of all else the send."""
    if outcome == "clicked":
        return [opened.age for opened in sent.opened if not opened.machine]
    return [campaign.age if sent.age is None else sent.age]


def is_outcome(sent: Sent, outcome: str) -> bool:
    accepted, state = sent.send_state == "accepted", sent.delivery_state
    return {
        "all": True,
        "sent": accepted or sent.send_state == "unresolved",
        "delivered": accepted and state in ("delivered", "read", "sms_delivered"),
        "read": accepted and state == "read",
        "clicked": any(not opened.machine for opened in sent.opened),
        "not_delivered": accepted and state in ("not_delivered", "fallback") and sent.final,
        "refused": sent.send_state == "refused",
    }[outcome]


def is_source(sources: Sources, row: Row, world: World) -> bool:
    """Whether one of `sources` has `row`."""
    return (
        row.list in sources.lists
        or any(matches(world.segments[place], row, world) for place in sources.segments)
        or any(
            had_outcome(row.phone, outcome, [place], world) for place, outcome in sources.campaigns
        )
    )


def modelled(world: World) -> tuple[Funnel, list[Person]]:
    """The funnel, and the recipients in the order in which they are sent to. The first selected row
    of a phone gives its values; the later ones fill those that are empty.
    """
    excluded = {row.phone for row in world.rows if is_source(world.excluded, row, world)}
    recipients: dict[str, tuple[str, dict[str, str]]] = {}
    counts: Counter[str] = Counter()
    for row in world.rows:
        if not is_source(world.selected, row, world):
            continue
        counts["selected"] += 1
        if row.phone in world.stopped:
            counts["stop_listed"] += 1
        elif row.phone in excluded:
            counts["excluded"] += 1
        elif world.agreed is not None and row.phone not in world.agreed:
            counts["without_consent"] += 1
        else:
            counts["duplicates"] += row.phone in recipients
            _country, values = recipients.setdefault(row.phone, (row.country, {}))
            for name, value in row.fields.items():
                values[name] = values.get(name) or value
    names = ("selected", "duplicates", "stop_listed", "excluded", "without_consent")
    steps = {name: counts[name] for name in names}
    people: list[Person] = [(phone, *others) for phone, others in recipients.items()]
    return Funnel(**steps, recipients=len(people)), people
