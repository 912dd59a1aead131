"""Periods from a query string."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from pytest_django import Settings

from campaigns.reports.shared.periods import month_of, read_period
from campaigns.shared.days import site_today

NOW = date(2026, 3, 5)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 3, 1), NOW),
        ({"period": "this_month"}, date(2026, 3, 1), NOW),
        ({"period": "last_month"}, date(2026, 2, 1), date(2026, 2, 28)),
        ({"period": "7"}, date(2026, 2, 27), NOW),
        ({"period": "30"}, date(2026, 2, 4), NOW),
        ({"period": "90"}, date(2025, 12, 6), NOW),
        (
            {"period": "custom", "from": "2024-02-28", "to": "2024-03-01"},
            date(2024, 2, 28),
            date(2024, 3, 1),
        ),
        ({"from": "2026-01-01", "to": "2026-01-01"}, date(2026, 1, 1), date(2026, 1, 1)),
    ],
)
def test_read_period(query: dict[str, str], first: date, last: date) -> None:
    period, wrong = read_period(query, NOW)
    assert (period.first, period.last, wrong) == (first, last, "")
    assert period.days == (last - first).days + 1


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"period": "century"}, "Unknown period."),
        ({"period": "custom"}, "Choose a first and a last day."),
        ({"from": "yesterday", "to": "2026-01-01"}, "Choose a first and a last day."),
        ({"from": "2026-02-30", "to": "2026-03-01"}, "Choose a first and a last day."),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "Choose a first and a last day."),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "Choose a first and a last day."),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "Choose a last day after the first."),
        ({"from": "2000-01-01", "to": "2026-03-01"}, "Choose a period of at most three years."),
    ],
)
def test_read_period_says_what_is_wrong_and_shows_this_month(
    query: dict[str, str], text: str
) -> None:
    period, wrong = read_period(query, NOW)
    assert wrong == f"{text} Showing this month."
    assert (period.first, period.last) == (date(2026, 3, 1), NOW)


def test_month_of_a_leap_year() -> None:
    assert month_of(date(2028, 2, 10)) == (date(2028, 2, 1), date(2028, 2, 29))


def test_today_is_the_day_of_the_site(settings: Settings) -> None:
    settings.SITE_ZONE = ZoneInfo("Europe/Kyiv")
    with time_machine.travel(datetime(2026, 6, 30, 21, 30, tzinfo=ZoneInfo("UTC")), tick=False):
        assert site_today() == date(2026, 7, 1)
