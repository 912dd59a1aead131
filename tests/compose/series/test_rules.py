"""The days of series, and when their runs start."""

from datetime import UTC, date, datetime, time
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from campaigns.compose.models import Repeat, Series
from campaigns.compose.series import rules
from campaigns.compose.series.texts import period_text, rule_text
from tests.dispatch import factory

FIRST = date(2026, 11, 30)  # a Monday


def series(repeat: Repeat, **columns: object) -> Series:
    return Series(repeat=repeat, first_day=FIRST, at=time(10), **columns)


def dates(repeated: Series, first: date = FIRST, count: int = 4) -> list[str]:
    return [f"{day:%m-%d}" for day in islice(rules.days(repeated, first), count)]


@pytest.mark.parametrize(
    ("repeated", "expected", "text"),
    [
        (series(Repeat.DAILY), ["11-30", "12-01", "12-02", "12-03"], "Every day at 10:00"),
        (
            series(Repeat.WEEKLY, weekdays=[3, 0]),
            ["11-30", "12-03", "12-07", "12-10"],
            "Every Monday, Thursday at 10:00",
        ),
        (
            series(Repeat.MONTHLY, month_day=31),
            ["11-30", "12-31", "01-31", "02-28"],
            "On the last day of each month at 10:00",
        ),
        (
            series(Repeat.MONTHLY, month_day=29, is_local=True),
            ["12-29", "01-29", "02-28", "03-29"],
            "On day 29 of each month at 10:00, recipient's local time",
        ),
    ],
)
def test_days_of_a_rule(repeated: Series, expected: list[str], text: str) -> None:
    assert dates(repeated) == expected
    assert rule_text(repeated) == text


def test_days_end_with_the_last_one() -> None:
    repeated = series(Repeat.DAILY, last_day=date(2026, 12, 1))
    assert dates(repeated, date(2020, 1, 1)) == ["11-30", "12-01"]
    assert dates(repeated, date(2026, 12, 2)) == []
    assert dates(series(Repeat.WEEKLY, weekdays=[])) == []
    assert period_text(repeated) == "From 30 Nov 2026 to 1 Dec 2026"


@pytest.mark.django_db
def test_start_of_a_run() -> None:
    day = date(2026, 12, 7)
    with override_settings(SITE_ZONE=ZoneInfo("Europe/Kyiv")):
        assert rules.start_of(series(Repeat.DAILY), day) == datetime(2026, 12, 7, 8, tzinfo=UTC)
        contacts = factory.contact_list("Clients", 3)
        contacts.countries = {"UA": 1, "NZ": 2}
        contacts.save()
        local = series(Repeat.DAILY, is_local=True, next_day=day, draft=factory.draft(contacts))
        first = rules.start_of(local, day)
        assert first == datetime(2026, 12, 6, 20, 15, tzinfo=UTC)  # 10:00 in the Chatham Islands
        assert rules.can_start(local, first)
        assert not rules.can_start(local, datetime(2026, 12, 5, 0, tzinfo=UTC))
        assert rules.first_day_from(local, first) == date(2026, 12, 8)
