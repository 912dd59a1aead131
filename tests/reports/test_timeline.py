"""One campaign over time: its hours without a gap, or its days."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.reports.campaign.timeline import load_timeline
from campaigns.results.models import HourCount, Measure
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
NINE = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign(state=CampaignState.FINISHED)


def count(campaign: Campaign, measure: Measure, after: timedelta, people: int) -> None:
    HourCount.objects.create(campaign=campaign, measure=measure, hour=NINE + after, people=people)


def test_hours_stand_without_a_gap_by_the_readers_clock(
    campaign: Campaign, marketer: Client
) -> None:
    count(campaign, Measure.SENT, timedelta(), 10)
    count(campaign, Measure.DELIVERED, timedelta(), 7)
    count(campaign, Measure.READ, timedelta(hours=2), 4)
    count(campaign, Measure.SENT_READ, timedelta(hours=9), 4)  # another count
    count(campaign, Measure.READ, timedelta(hours=9), 0)  # somebody who moved on
    with timezone.override("Europe/Kyiv"):
        result = load_timeline(campaign)
    assert [(one.label, one.sent, one.delivered, one.read) for one in result.buckets] == [
        ("11:00", 10, 7, 0), ("12:00", 0, 0, 0), ("13:00", 0, 0, 4),
    ]  # fmt: skip
    assert [one["values"] for one in result.chart["drawings"][0]["series"]] == [
        [10, 0, 0],
        [7, 0, 0],
        [0, 0, 4],
    ]
    page = marketer.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "By hour" in page


def test_long_campaigns_are_shown_by_day(campaign: Campaign) -> None:
    count(campaign, Measure.SENT, timedelta(), 10)
    count(campaign, Measure.SENT, timedelta(hours=15), 5)
    count(campaign, Measure.READ, timedelta(hours=80), 3)
    result = load_timeline(campaign)
    assert result.by_day
    assert [(bucket.label, bucket.sent, bucket.read) for bucket in result.buckets] == [
        ("16 Nov", 10, 0), ("17 Nov", 5, 0), ("18 Nov", 0, 0), ("19 Nov", 0, 3),
    ]  # fmt: skip


def test_nothing_is_drawn_before_anything_was_told(campaign: Campaign, marketer: Client) -> None:
    assert not load_timeline(campaign)
    assert "By hour" not in marketer.get(f"/campaigns/{campaign.pk}/").content.decode()
