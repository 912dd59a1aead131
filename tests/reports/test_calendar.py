"""The calendar: which campaign stands on which day, in the reader's zone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.compose.models import CampaignState, Timing
from campaigns.models import Label, User
from tests.markup import squeezed
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def days(marketer: Client, query: str = "") -> dict[str, list[str]]:
    """Of each day with something on it: what."""
    shown = marketer.get(f"/campaigns/calendar{query}").context["view"]
    return {
        day.date.isoformat(): [
            f"{event.at:%H:%M} {event.name}" if event.at else f"… {event.name}"
            for event in day.events
        ]
        for day in shown.days
        if day.events
    }  # fmt: skip


def test_calendar_shows_past_running_and_future_campaigns(marketer: Client) -> None:
    make_campaign("Sent", CampaignState.FINISHED, launched_at=at(3, 3, 9), finished_at=at(3, 4, 1))
    make_campaign("Runs", CampaignState.SENDING, launched_at=at(3, 29, 22))
    later: dict[str, Any] = {"timing": Timing.AT, "scheduled_at": at(4, 2, 7, 30)}
    make_campaign("Comes", CampaignState.SCHEDULED, launched_at=at(3, 1, 9), **later)
    make_campaign("Planned", **later)
    make_campaign("Timeless")
    make_campaign("Test", CampaignState.FINISHED, launched_at=at(3, 3, 9), purpose="test")
    make_campaign("Called off", CampaignState.CANCELLED, finished_at=at(3, 30, 9), **later)
    assert days(marketer) == {
        "2026-03-03": ["09:00 Sent"],
        "2026-03-04": ["… Sent"],
        "2026-03-29": ["22:00 Runs"],
        "2026-03-30": ["… Runs"],
        "2026-03-31": ["… Runs"],
        "2026-04-02": ["07:30 Comes", "07:30 Planned"],
    }
    assert list(days(marketer, "?month=2026-04-15")) == ["2026-03-30", "2026-03-31", "2026-04-02"]
    assert days(marketer, "?week=2026-03-05") == {
        "2026-03-03": ["09:00 Sent"],
        "2026-03-04": ["… Sent"],
    }
    assert days(marketer, "?state=sending&week=2026-03-31") == {
        "2026-03-30": ["… Runs"],
        "2026-03-31": ["… Runs"],
    }


def test_calendar_is_that_of_the_readers_zone_across_summer_time(
    marketer: Client, olena: User
) -> None:
    olena.time_zone = "Europe/Kyiv"  # +2, from the 29th on +3
    olena.save()
    make_campaign(
        "Winter",
        CampaignState.FINISHED,
        launched_at=at(3, 27, 21, 30),
        finished_at=at(3, 27, 21, 45),
    )
    make_campaign(
        "Summer",
        CampaignState.FINISHED,
        launched_at=at(3, 29, 21, 30),
        finished_at=at(3, 29, 21, 45),
    )
    assert days(marketer) == {"2026-03-27": ["23:30 Winter"], "2026-03-30": ["00:30 Summer"]}


def test_calendar_begins_weeks_where_the_reader_does_and_turns_its_pages(marketer: Client) -> None:
    shown = marketer.get("/campaigns/calendar?month=2026-02-11").context["view"]
    assert (shown.title, shown.days[0].date.isoformat(), len(shown.days)) == (
        "February 2026",
        "2026-01-26",
        35,
    )
    assert (shown.previous.isoformat(), shown.next.isoformat()) == ("2026-01-01", "2026-03-01")
    week = marketer.get("/campaigns/calendar?week=2026-03-04").context["view"]
    assert [one.isoformat() for one in (week.first, week.last, week.previous, week.next)] == [
        "2026-03-02", "2026-03-08", "2026-02-23", "2026-03-09",
    ]  # fmt: skip
    assert (
        marketer.get("/campaigns/calendar?month=nonsense&week=").context["view"].title
        == "March 2026"
    )


def test_calendar_says_how_many_more_there_are_and_keeps_filters(
    marketer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    label = Label.objects.create(name="VIP")
    for number in range(6):
        campaign = make_campaign(
            f"No. {number}",
            CampaignState.FINISHED,
            launched_at=at(3, 3, number + 1),
            finished_at=at(3, 3, 20),
        )
        campaign.labels.add(label)
        with django_assert_num_queries(9):
            page = squeezed(marketer.get(f"/campaigns/calendar?label={label.pk}").content.decode())
    assert "No. 2" in page
    assert "No. 3" not in page
    assert f'href="?label={label.pk}&amp;week=2026-03-03"> 3 more' in page
    assert f'href="/campaigns/?label={label.pk}"' in page  # the list, with the same filter
    assert "matches these filters" in marketer.get("/campaigns/calendar?q=x").content.decode()
