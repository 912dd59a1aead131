from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import DAYTIME
from campaigns.dispatch.models import Batch, BatchState
from campaigns.reports.statuses.waiting import WaitingRecipients, load_waiting
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _early_in_the_morning() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 1, 14, 6, 0, tzinfo=UTC), tick=False):
        yield


def batches(campaign: Campaign, *rows: tuple[str, str, int]) -> None:
    for number, (country, area, size) in enumerate(rows, 1):
        Batch.objects.create(
            campaign=campaign, number=number, country=country, area=area, size=size
        )


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign(
        "Morning",
        CampaignState.SENDING,
        audience=180,
        sends_from=DAYTIME.start,
        sends_until=DAYTIME.end,
    )
    batches(
        made,
        ("UA", "", 50),
        ("UA", "", 20),
        ("RO", "", 30),
        ("US", "America/New_York", 40),
        ("AE", "", 40),
    )
    return made


def test_waiting_counts_people_by_when_their_day_begins(campaign: Campaign) -> None:
    Batch.objects.filter(number=1).update(state=BatchState.DONE)
    assert load_waiting([campaign]).get(campaign.pk, []) == [
        WaitingRecipients(datetime(2026, 1, 14, 7, 0, tzinfo=UTC), 50, ["Romania", "Ukraine"]),
        WaitingRecipients(datetime(2026, 1, 14, 14, 0, tzinfo=UTC), 40, ["United States"]),
    ]  # it is ten in the morning in Dubai


@pytest.mark.parametrize(
    "changes",
    [
        {"state": CampaignState.PAUSED},
        {"sends_from": None, "sends_until": None},
        {"timing": Timing.GATEWAY},
    ],
)
def test_nobody_waits_where_nothing_is_sent_or_at_any_hour(
    campaign: Campaign, changes: dict[str, object]
) -> None:
    for name, value in changes.items():
        setattr(campaign, name, value)
    assert load_waiting([campaign]).get(campaign.pk, []) == []


def test_page_says_how_many_wait_and_until_when(campaign: Campaign, marketer: Client) -> None:
    page = " ".join(marketer.get(f"/campaigns/{campaign.pk}/progress").content.decode().split())
    assert "<strong>100 recipients</strong> wait until" in page
    assert "outside of 09:00-21:00 in Romania, Ukraine" in page
    assert "<strong>40 recipients</strong> wait until" in page
