"""Segments choose whom a plain Python model chooses, on the database of the run."""

from collections.abc import Callable

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compose.audience.segments import ConditionSet, count_contacts
from campaigns.compose.models import Condition, ConditionKind, Match, Operator
from campaigns.contacts.models import Contact, ContactList
from tests.compose.audience_model import field_rule

pytestmark = pytest.mark.django_db
LETTERS = ("", "Київ", "київ 2", "КИЇВ", "İzmir", "izmir", "ΟΔΟΣ", "οδος", "Straße", "STRASSE")
NUMBERS = ("5", "12,5", "12.5", "-3", "007", "5 kg", "²", "2026-01-31", "2026-1-31", "2025-12-01")
OTHERS = ("100%", "a_b", "[x]", "*", 'say "x"', "back\\slash", "null", "true")
VALUES = st.sampled_from(LETTERS) | st.sampled_from((*LETTERS, *NUMBERS, *OTHERS))
PARTS = st.sampled_from(
    ("київ", "КИ", "їв", "İz", "οδ", "ΟΔΟΣ", "stra", "ß", "%", "_", "[", "*", "5")
)
PHONES = st.sampled_from([f"38097000000{digit}" for digit in range(6)])
ROWS = st.lists(
    st.tuples(st.integers(0, 1), PHONES, st.sampled_from(["UA", "RO", ""]), VALUES),
    min_size=3,
    max_size=10,
    unique_by=lambda row: row[:2],
)
WANTED = PARTS | VALUES.filter(bool)
COMPARABLE = st.sampled_from(["5", "12,5", "-3", "2026-01-31"])
FIELDS = st.one_of(
    st.tuples(st.sampled_from([Operator.FILLED, Operator.EMPTY]), st.just("")),
    st.tuples(st.sampled_from([Operator.MORE, Operator.LESS]), COMPARABLE),
    st.tuples(
        st.sampled_from([Operator.IS, Operator.IS_NOT, Operator.CONTAINS, Operator.STARTS]), WANTED
    ),
)
Row = tuple[int, str, str, str]  # list, phone, country, city
Rule = Callable[[Row, list[Row]], bool]


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, list[Condition], list[Rule]]:
    match, made, rules, has_list = draw(st.sampled_from(Match.values)), [], [], False
    for _place in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from([ConditionKind.FIELD, ConditionKind.COUNTRY, "list"]))
        negated = draw(st.booleans())
        if kind == ConditionKind.FIELD:
            operator, value = draw(FIELDS)
            made.append(Condition(kind=kind, field="city", operator=operator, value=value))
            rules.append(city_rule(operator, value))
        elif kind == ConditionKind.COUNTRY:
            codes = draw(st.lists(st.sampled_from(["UA", "RO", ""]), min_size=1))
            made.append(Condition(kind=kind, countries=codes, negated=negated))
            rules.append(country_rule(codes, negated))
        else:
            place = draw(st.integers(0, 1))
            made.append(Condition(kind=kind, list_id=place, negated=negated))
            # the first list to be on chooses its own rows, the others choose phones
            own = match == Match.ALL and not negated and not has_list
            has_list = has_list or own
            rules.append(list_rule(place, negated, own))
    return match, made, rules


def city_rule(operator: Operator, wanted: str) -> Rule:
    fits = field_rule(operator, wanted)
    return lambda row, _rows: fits(row[3])


def country_rule(codes: list[str], negated: bool) -> Rule:
    return lambda row, _rows: (row[2] in codes) != negated


def list_rule(place: int, negated: bool, own: bool) -> Rule:
    if own:
        return lambda row, _rows: row[0] == place
    return lambda row, rows: any(r[:2] == (place, row[1]) for r in rows) != negated


@settings(max_examples=60)
@given(rows=ROWS, chosen=conditions())
def test_segment_chooses_as_a_plain_comparison(
    rows: list[Row], chosen: tuple[str, list[Condition], list[Rule]]
) -> None:
    match, made, rules = chosen
    combine = all if match == Match.ALL else any
    expected = {row[:2] for row in rows if rules and combine(rule(row, rows) for rule in rules)}
    with transaction.atomic():
        lists = [ContactList.objects.create(name=f"List {place}") for place in range(2)]
        places = {made_list.pk: place for place, made_list in enumerate(lists)}
        Contact.objects.bulk_create(
            Contact(
                list=lists[place],
                msisdn=phone,
                country=country,
                fields={"city": city} if city else {},
            )
            for place, phone, country, city in rows
        )
        for condition in made:
            if condition.kind == ConditionKind.LIST:
                condition.list_id = lists[condition.list_id or 0].pk
        selected = ConditionSet(made, match)
        contacts = Contact.objects.filter(selected.contacts())
        assert {(places[contact.list_id], contact.msisdn) for contact in contacts} == expected
        assert count_contacts(selected) == len({phone for _place, phone in expected})
        for condition in made:  # hypothesis shows and repeats the example as it was
            if condition.kind == ConditionKind.LIST:
                condition.list_id = places[condition.list_id or 0]
        transaction.set_rollback(True)


@given(
    cities=st.lists(VALUES, min_size=5, max_size=9),
    operator=st.sampled_from([Operator.CONTAINS, Operator.STARTS]),
    wanted=WANTED,
)
def test_part_of_a_value_is_found_as_by_a_plain_comparison(
    cities: list[str], operator: Operator, wanted: str
) -> None:
    fits = field_rule(operator, wanted)
    with transaction.atomic():
        clients = ContactList.objects.create(name="Clients")
        Contact.objects.bulk_create(
            Contact(list=clients, msisdn=f"38097000000{place}", fields={"city": city})
            for place, city in enumerate(cities)
        )
        condition = Condition(
            kind=ConditionKind.FIELD, field="city", operator=operator, value=wanted
        )
        chosen = Contact.objects.filter(ConditionSet([condition]).contacts()).order_by("pk")
        assert [contact.fields["city"] for contact in chosen] == [
            city for city in cities if fits(city)
        ]
        transaction.set_rollback(True)


def test_field_conditions_ignore_capitals_of_every_script() -> None:
    clients = ContactList.objects.create(name="Clients")
    cities = ["КИЇВ", "Київ", "київ", "Львів"]
    Contact.objects.bulk_create(
        Contact(list=clients, msisdn=f"38097000000{place}", fields={"city": city})
        for place, city in enumerate(cities)
    )
    for operator in (Operator.CONTAINS, Operator.STARTS):
        condition = Condition(
            kind=ConditionKind.FIELD, field="city", operator=operator, value="киЇ"
        )
        assert count_contacts(ConditionSet([condition])) == 3
