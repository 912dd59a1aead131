"""Conditions on days that move with today or come again, against a model, on many days."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.core.exceptions import ValidationError

from campaigns.compose.audience.condition_values import stored_value
from campaigns.compose.audience.segments import ConditionSet, describe_condition
from campaigns.compose.audience.selection import Audience
from campaigns.compose.audience.versions import versions_of
from campaigns.compose.models import Condition, ConditionKind, Operator, Segment
from campaigns.contacts.models import Contact, ContactList, FieldType
from tests.compose.factories import contact_list

pytestmark = pytest.mark.django_db
O = Operator  # noqa: E741
# each day of February and March of a leap year and of another, and the turn of a year
BIRTHDAYS = [
    *(date(2000, 2, 20) + timedelta(days=number) for number in range(20)),
    *(date(1999, 2, 20) + timedelta(days=number) for number in range(20)),
    *(date(2025, 12, 20) + timedelta(days=number) for number in range(20)),
]
TODAYS = [
    *(date(2024, 2, 25) + timedelta(days=number) for number in range(8)),
    *(date(2026, 2, 25) + timedelta(days=number) for number in range(6)),
    date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 1), date(2100, 2, 28),
]  # fmt: skip
AWAY = (0, 1, 3, 30, 365)


@pytest.fixture(autouse=True)
def contacts() -> ContactList:
    """Typed days, and the same as other programs write them on a list without types."""
    typed = contact_list("Typed", [], ("day",))
    typed.field_types = {"day": "date"}
    typed.save()
    rows = [
        Contact(list=typed, msisdn=f"38097{number:07}", country="UA", fields={"day": str(day)})
        for number, day in enumerate(BIRTHDAYS)
    ]
    rows += [
        Contact(list=typed, msisdn=f"38067{number:07}", country="UA", fields={"day": text})
        for number, text in enumerate(("", "soon", "2026-02-31"))
    ]
    Contact.objects.bulk_create(rows)
    return typed


def found(operator: Operator, value: str, today: date) -> list[date]:
    condition = Condition(kind=ConditionKind.FIELD, field="day", operator=operator, value=value)
    at = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    rows = Contact.objects.filter(ConditionSet([condition]).contacts(at)).order_by("msisdn")
    return [date.fromisoformat(row.fields["day"]) for row in rows]


def anniversary(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_days_are_chosen_as_python_chooses_them(today: date) -> None:
    for number in AWAY:
        away = timedelta(days=number)
        for operator, target in ((O.IN_DAYS, today + away), (O.DAYS_AGO, today - away)):
            expected = [day for day in BIRTHDAYS if day == target]
            assert found(operator, str(number), today) == expected, (operator, number)
        then = today + away
        assert found(O.YEARLY, str(number), today) == [
            day for day in BIRTHDAYS if anniversary(day, then.year) == then
        ]
    assert found(O.TODAY, "", today) == found(O.YEARLY, "0", today)


def test_each_birthday_comes_once_in_each_year() -> None:
    """Whoever asks each day greets everybody once, whatever the years."""
    for year in (2024, 2025):
        days = [date(year, 1, 1) + timedelta(days=number) for number in range(366 - (year % 4 > 0))]
        greeted = [day for today in days[30:75] for day in found(O.YEARLY, "3", today)]
        spring = [day for day in BIRTHDAYS if day.month in (2, 3)]
        assert sorted(greeted) == sorted(spring)


def test_between_and_any_year() -> None:
    today = TODAYS[0]
    for first, last in pairwise([*BIRTHDAYS[:20:4], date(2026, 1, 3)]):
        value = f"{first}..{last}"
        assert found(O.BETWEEN, value, today) == [day for day in BIRTHDAYS if first <= day <= last]
    for month_and_day in ("02-28", "02-29", "03-01", "12-31"):
        assert found(O.ANY_YEAR, month_and_day, today) == [
            day for day in BIRTHDAYS if f"{day:%m-%d}" == month_and_day
        ]


def test_untyped_days_are_read_too() -> None:
    rows = [("380501110000", "UA", {"day": "29.02.2000"}), ("380501110001", "UA", {"day": "x"})]
    contact_list("Texts", rows)
    condition = Condition(kind=ConditionKind.FIELD, field="day", operator=O.YEARLY, value="3")
    at = datetime(2026, 2, 25, 12, tzinfo=UTC)
    chosen = Contact.objects.filter(ConditionSet([condition]).contacts(at), list__name="Texts")
    assert [contact.msisdn for contact in chosen] == ["380501110000"]


@pytest.mark.parametrize(
    ("operator", "typed", "stored", "text"),
    [
        (O.IN_DAYS, "0", "0", "day is in exactly 0 days"),
        (O.DAYS_AGO, "1", "1", "day was exactly 1 day ago"),
        (O.YEARLY, "3", "3", "day has its anniversary in 3 days"),
        (O.YEARLY, "0", None, "Enter a number of days from 1 to 3650."),
        (O.IN_DAYS, "3651", None, "Enter a number of days from 0 to 3650."),
        (
            O.BETWEEN, "1.1.2026 – 2026-01-31", "2026-01-01..2026-01-31",
            "day is between 01/01/2026 and 31/01/2026",
        ),
        (O.BETWEEN, "2026-01-01 - 2026-01-31", "2026-01-01..2026-01-31", ""),
        (O.BETWEEN, "2026-02-01 – 2026-01-31", None, "Enter two dates in order"),
        (O.BETWEEN, "2026-02-01", None, "Enter two dates in order"),
        (O.ANY_YEAR, "02-14", "02-14", "day is on 14 February of any year"),
        (O.ANY_YEAR, "29.02.", "02-29", ""),
        (O.ANY_YEAR, "14/2/1990", "02-14", ""),
        (O.ANY_YEAR, "02-30", None, "Enter a month and a day, such as 02-14."),
    ],
)  # fmt: skip
def test_what_is_typed_is_stored_and_described(
    operator: Operator, typed: str, stored: str | None, text: str
) -> None:
    if stored is None:
        with pytest.raises(ValidationError, match=text):
            stored_value(operator, typed, FieldType.DATE)
        return
    assert stored_value(operator, typed, FieldType.DATE) == stored
    condition = Condition(kind=ConditionKind.FIELD, field="day", operator=operator, value=stored)
    assert describe_condition(condition) == text or not text


def test_counts_change_at_midnight_where_they_depend_on_today() -> None:
    for operator, value, moves in ((O.YEARLY, "3", True), (O.ANY_YEAR, "02-14", False)):
        segment = Segment.objects.create(name=operator)
        Condition.objects.create(
            segment=segment, place=0, kind=ConditionKind.FIELD, field="day", operator=operator,
            value=value,
        )  # fmt: skip
        moving = []
        for moment in ("2026-11-30T12:00Z", "2026-12-01T12:00Z"):
            with time_machine.travel(moment, tick=False):
                moving.append(versions_of(Audience(segments=(segment.pk,))).moving)
        assert (moving[0] != moving[1]) == moves
