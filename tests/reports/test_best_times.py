"""Best hours and days: from own campaigns, with how sure they are, and nothing where there is too
little.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.reports.campaigns.best_times import BestTimes, load_best_times
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.results.models import HourCount, Measure
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def sent(campaign: Campaign, at: datetime, messages: int, delivered: int, read: int) -> None:
    numbers = {
        Measure.SENT: messages,
        Measure.SENT_DELIVERED: delivered,
        Measure.SENT_READ: read,
        Measure.READ: read,
    }
    HourCount.objects.bulk_create(
        HourCount(campaign=campaign, measure=measure, hour=at, people=people)
        for measure, people in numbers.items()
    )


def best_times() -> BestTimes:
    return load_best_times(real_campaigns(), NOW)


def three_campaigns() -> None:
    for number in range(3):
        campaign = make_campaign(f"No. {number}", CampaignState.FINISHED)
        sent(campaign, MONDAY + timedelta(hours=9), 1000, 900, 450)
        sent(campaign, MONDAY + timedelta(days=1, hours=18), 1000, 900, 630)


def test_best_hour_and_day_are_by_the_readers_clock() -> None:
    three_campaigns()
    with timezone.override("Europe/Kyiv"):
        times = best_times()
    assert times.campaigns == 3
    assert times.best_hour
    assert times.best_hour.label == "20:00"
    assert (times.best_hour.sent, times.best_hour.delivered, times.best_hour.read) == (
        3000,
        2700,
        1890,
    )
    assert times.best_hour.read_rate == pytest.approx(70)
    assert times.best_hour.margin == pytest.approx(1.7285, abs=0.001)
    assert times.best_day
    assert times.best_day.label == "Tuesday"
    assert times.overall.read_rate == pytest.approx(60)
    assert [value for value in times.chart["drawings"][0]["series"][0]["values"] if value] == [
        50.0,
        70.0,
    ]


def test_little_data_gives_no_advice() -> None:
    campaign = make_campaign("One", CampaignState.FINISHED)
    sent(campaign, MONDAY, 1000, 900, 450)
    sent(campaign, MONDAY + timedelta(hours=5), 1000, 900, 630)
    sent(campaign, MONDAY + timedelta(hours=6), 100, 90, 90)  # the best rate, of too few
    assert not best_times().enough
    assert best_times().best_hour is None
    for number in range(2):
        sent(make_campaign(f"No. {number}", CampaignState.FINISHED), MONDAY, 10, 9, 1)
    best = best_times().best_hour
    assert best
    assert best.label == "05:00"


def test_a_difference_that_may_be_chance_is_none() -> None:
    for number in range(3):
        campaign = make_campaign(f"No. {number}", CampaignState.FINISHED)
        sent(campaign, MONDAY, 200, 150, 75)
        sent(campaign, MONDAY + timedelta(hours=5), 200, 150, 78)
    assert best_times().enough
    assert best_times().best_hour is None


def test_tests_rehearsals_and_recent_campaigns_do_not_count() -> None:
    for purpose in (Purpose.TEST, Purpose.REHEARSAL):
        sent(
            make_campaign(purpose, CampaignState.FINISHED, purpose=purpose), MONDAY, 1000, 900, 450
        )
    fresh = make_campaign("Fresh", CampaignState.FINISHED)
    sent(fresh, NOW - timedelta(hours=47), 1000, 900, 450)
    sent(fresh, NOW - timedelta(days=181), 1000, 900, 450)
    assert (best_times().campaigns, best_times().overall.sent) == (0, 0)


def test_page_names_the_best_times_and_missing_data(marketer: Client) -> None:
    assert (
        "Two days after your first campaigns"
        in marketer.get("/campaigns/best-times").content.decode()
    )
    sent(
        make_campaign("One", CampaignState.FINISHED), timezone.now() - timedelta(days=7), 40, 30, 20
    )
    page = marketer.get("/campaigns/best-times").content.decode()
    assert "none stands out" in page
    assert "too little data yet" in page
    assert "too little data<" in page
