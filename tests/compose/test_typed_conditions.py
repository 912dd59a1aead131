"""Conditions on fields with a type: one list of hard values, on both databases and in Python."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from campaigns.compose.audience.segments import (
    ConditionSet,
    count_incomparable,
    describe_condition,
)
from campaigns.compose.audience.selection import Audience
from campaigns.compose.audience.versions import versions_of
from campaigns.compose.models import Condition, ConditionKind, Operator, Segment
from campaigns.contacts.field_types.value_formats import as_date, as_number
from campaigns.contacts.models import Contact, ContactList
from campaigns.team.models import Role
from tests.compose.factories import contact_list, person

pytestmark = pytest.mark.django_db
O = Operator  # noqa: E741
NUMBERS = [
    "0", "-1", "1", "1.234", "1234", "1234.5", "0.1", "0.10000000000001", "100000000000000",
    "999999999999999", "999999999999998", "-0.5", "12.5", "12.50", "012", "1e3", "1,5", "many",
    "12345678901234567", "1234567890.1234567", "", "-0", "²", "2026-01-31",
]  # fmt: skip
DATES = [
    "2026-11-30", "2026-11-29", "2026-12-01", "2026-11-23", "2026-11-22", "2026-12-07",
    "2026-12-08", "1990-11-30", "1899-12-31", "2024-02-29", "2024-02-28", "0001-01-01",
    "9999-12-31", "2026-02-31", "2026-13-01", "31.12.1990", "30.11.2026", "2026-11-30 10:00",
    "2026-1-2", "soon", "", "1234",
]  # fmt: skip
TODAY = date(2026, 11, 30)
THRESHOLDS = ["0", "1.234", "1234.5", "0.1", "100000000000000", "999999999999998", "-0.5", "12.5"]
DAYS = ["2026-11-30", "1990-11-30", "2024-02-29", "0001-01-01", "9999-12-31"]


@pytest.fixture
def typed() -> ContactList:
    made = contact_list("Typed", [], ("sum", "day", "vip"))
    made.field_types = {"sum": "number", "day": "date", "vip": "yes_no"}
    made.save()
    return made


def fill(made: ContactList, field: str, values: list[str]) -> None:
    Contact.objects.bulk_create(
        Contact(
            list=made,
            msisdn=f"3809700000{place:02}",
            country="UA",
            fields={field: value} if value else {},
        )
        for place, value in enumerate(values)
    )


def found(operator: Operator, value: str, field: str, at: datetime | None = None) -> list[str]:
    condition = Condition(kind=ConditionKind.FIELD, field=field, operator=operator, value=value)
    contacts = Contact.objects.filter(ConditionSet([condition]).contacts(at)).order_by("msisdn")
    return [contact.fields.get(field, "") for contact in contacts]


Compare = Callable[[Decimal, Decimal], bool]
COMPARE: dict[Operator, Compare] = {
    O.MORE: lambda number, other: number > other,
    O.LESS: lambda number, other: number < other,
    O.AT_LEAST: lambda number, other: number >= other,
    O.AT_MOST: lambda number, other: number <= other,
}


def test_numbers_are_compared_as_python_compares_them(typed: ContactList) -> None:
    fill(typed, "sum", NUMBERS)
    for threshold in THRESHOLDS:
        for operator, compare in COMPARE.items():
            expected = [
                value
                for value in NUMBERS
                if (number := as_number(value)) is not None and compare(number, Decimal(threshold))
            ]
            assert found(operator, threshold, "sum") == expected, (operator, threshold)
        assert found(O.IS, threshold, "sum") == [v for v in NUMBERS if v == threshold]
        assert found(O.IS_NOT, threshold, "sum") == [v for v in NUMBERS if v != threshold]
    assert found(O.EMPTY, "", "sum") == [""]
    condition = Condition(kind=ConditionKind.FIELD, field="sum", operator=O.AT_MOST, value="1")
    unread = [value for value in NUMBERS if value and as_number(value) is None]
    assert count_incomparable(ConditionSet([condition])) == len(unread) == 9


COMPARE_DAYS: dict[Operator, Callable[[date, date], bool]] = {
    O.ON: lambda day, other: day == other,
    O.BEFORE: lambda day, other: day < other,
    O.AFTER: lambda day, other: day > other,
}


def test_dates_are_compared_as_python_compares_them(typed: ContactList) -> None:
    fill(typed, "day", DATES)
    days = {value: day for value in DATES if (day := as_date(value))}
    for threshold in DAYS:
        for operator, compare in COMPARE_DAYS.items():
            expected = [
                value for value, day in days.items() if compare(day, date.fromisoformat(threshold))
            ]
            assert found(operator, threshold, "day") == expected, (operator, threshold)
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    for number in (1, 7, 8, 3650):
        away = timedelta(days=number)
        assert found(O.LAST_DAYS, str(number), "day", noon) == [
            value for value, day in days.items() if TODAY - away <= day <= TODAY
        ]
        assert found(O.NEXT_DAYS, str(number), "day", noon) == [
            value for value, day in days.items() if TODAY <= day <= TODAY + away
        ]
    assert found(O.TODAY, "", "day", noon) == ["2026-11-30", "1990-11-30"]
    condition = Condition(kind=ConditionKind.FIELD, field="day", operator=O.TODAY)
    unread = [value for value in DATES if value and value not in days]
    assert count_incomparable(ConditionSet([condition])) == len(unread) == 8


@pytest.mark.parametrize(
    ("today", "birthdays"),
    [
        ("2024-02-28", ["2024-02-28"]),
        ("2024-02-29", ["2024-02-29"]),
        ("2025-02-28", ["2024-02-29", "2024-02-28"]),
        ("2025-03-01", []),
    ],
)
def test_the_29th_of_february_is_the_28th_in_other_years(
    typed: ContactList, today: str, birthdays: list[str]
) -> None:
    fill(typed, "day", DATES)
    assert found(O.TODAY, "", "day", datetime.fromisoformat(f"{today}T12:00Z")) == birthdays


def test_today_is_the_day_of_the_site(typed: ContactList, settings: pytest.FixtureRequest) -> None:
    settings.SITE_ZONE = ZoneInfo("Pacific/Auckland")  # type: ignore[attr-defined]
    fill(typed, "day", DATES)
    at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert found(O.TODAY, "", "day", at) == ["2026-11-30", "1990-11-30"]


def test_answers_are_yes_or_no(typed: ContactList) -> None:
    fill(typed, "vip", ["yes", "no", "maybe", "", "Yes"])
    assert found(O.YES, "", "vip") == ["yes"]
    assert found(O.NO, "", "vip") == ["no"]


def test_lists_with_other_types_are_read_as_before(typed: ContactList) -> None:
    contact_list("Texts", [("380501110000", "UA", {"sum": "1.234,50", "day": "31.12.1990"})])
    Contact.objects.create(list=typed, msisdn="380501110001", country="UA",
                           fields={"sum": "1.234,50", "day": "31.12.1990"})  # fmt: skip
    assert found(O.MORE, "1000", "sum") == ["1.234,50"]
    assert found(O.ON, "1990-12-31", "day") == ["31.12.1990"]


def test_counts_that_depend_on_today_change_at_midnight(typed: ContactList) -> None:
    segment = Segment.objects.create(name="Birthdays")
    condition = Condition(
        segment=segment, place=0, kind=ConditionKind.FIELD, field="day", operator=O.TODAY
    )
    condition.save()
    moving = []
    for moment in ("2026-11-30T01:00Z", "2026-11-30T12:00Z", "2026-12-01T12:00Z"):
        with time_machine.travel(moment, tick=False):
            moving.append(versions_of(Audience(segments=(segment.pk,))).moving)
    assert moving[0] == moving[1] != moving[2]


@pytest.mark.parametrize(
    ("field", "operator", "value", "stored", "text"),
    [
        ("sum", O.IS, "1,234.50", "1234.5", "sum is “1234.5”"),
        ("sum", O.AT_LEAST, "12.5", "12.5", "sum is at least “12.5”"),
        ("sum", O.IS, "many", None, "Enter a number such as 12.5."),
        ("day", O.IS, "31/12/1990", "1990-12-31", "day is “1990-12-31”"),
        ("day", O.BEFORE, "31/12/1990", "1990-12-31", "day is before “31/12/1990”"),
        ("day", O.ON, "soon", None, "Enter a date such as 2026-01-31."),
        ("day", O.LAST_DAYS, "7", "7", "day is in the last 7 days"),
        ("day", O.NEXT_DAYS, "0", None, "Enter a number of days from 1 to 3650."),
        ("day", O.TODAY, "x", "", "day is today, in any year"),
        ("vip", O.IS, "Так", "yes", "vip is “yes”"),
        ("vip", O.IS, "maybe", None, "Enter yes or no."),
        ("vip", O.NO, "", "", "vip is no"),
    ],
)
def test_the_form_stores_normal_values_and_says_what_it_cannot_read(
    typed: ContactList,
    client: Client,
    field: str,
    operator: Operator,
    value: str,
    stored: str | None,
    text: str,
) -> None:
    client.force_login(person(Role.MARKETER))
    form = {"name": "S", "match": "all", "row": "c0:field", "c0-field": field,
            "c0-operator": operator.value, "c0-value": value, "then": "save"}  # fmt: skip
    page = client.post(reverse("segment-new"), form)
    if stored is None:
        assert text in page.content.decode()
        return
    saved = Condition.objects.get()
    assert saved.value == stored
    assert describe_condition(saved) == text


def test_the_form_names_the_types_of_fields(typed: ContactList, client: Client) -> None:
    contact_list("Other", [], ("vip", "city"))  # of which one is text here, so the type is open
    client.force_login(person(Role.MARKETER))
    page = client.get(reverse("segment-new")).content.decode()
    assert ">day (Date)</option>" in page
    assert ">vip</option>" in page
