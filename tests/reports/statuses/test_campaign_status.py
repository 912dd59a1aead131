"""What pages say of a campaign: every state under every condition, each made in the database."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone
from django.utils.html import strip_tags

from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import DAYTIME
from campaigns.dispatch.models import AccountRate, Batch, BatchState, Heartbeat
from campaigns.dispatch.workers.health import QUEUE
from campaigns.gateway import balance
from campaigns.ledger.models import Purpose
from campaigns.reports.campaigns.overview import load_live_rows
from campaigns.reports.statuses.campaign_status import CampaignStatus
from campaigns.team import accounts, safe_mode
from campaigns.team.holds import switch
from campaigns.team.models import Installation
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
S = CampaignState
NOW = datetime(2026, 1, 14, 6, 0, tzinfo=UTC)  # eight in the morning in Kyiv


@pytest.fixture(autouse=True)
def _all_is_well() -> Iterator[None]:
    """A queue that works, and a gateway that has just accepted messages."""
    with time_machine.travel(NOW, tick=False):
        accounts.load()
        Heartbeat.objects.create(name=f"{QUEUE}one", at=NOW)
        AccountRate.objects.create(pk=account(), at=NOW, success_at=NOW)
        yield
    safe_mode.cache_state(safe=False)
    cache.clear()


def account() -> int:
    current = accounts.load().current
    assert current
    return current.pk


def answering(_campaign: Campaign) -> None:
    pass


def silent(_campaign: Campaign) -> None:
    AccountRate.objects.update(
        failures=3,
        failed_at=NOW,
        until=NOW + timedelta(seconds=4),
        success_at=NOW - timedelta(minutes=3),
    )


def unanswered(campaign: Campaign) -> None:
    batch = Batch.objects.filter(campaign=campaign)
    batch.update(state=BatchState.SENDING, intended_at=NOW - timedelta(minutes=1))


def key_refused(_campaign: Campaign) -> None:
    AccountRate.objects.update(success_at=NOW - timedelta(hours=1))
    balance._keep(balance.CachedBalance(None, NOW.timestamp(), "error 1: Invalid key", 1))


def in_safe_mode(_campaign: Campaign) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"at": NOW, "safe_since": NOW})
    safe_mode.cache_state(safe=True)


def held(_campaign: Campaign) -> None:
    switch.hold(None, None, "")


def no_worker(_campaign: Campaign) -> None:
    Heartbeat.objects.update(at=NOW - timedelta(minutes=5))


def outside_hours(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(
        sends_from=DAYTIME.start, sends_until=DAYTIME.end
    )
    Batch.objects.filter(campaign=campaign).update(state=BatchState.READY, country="UA", size=9)


def over_budget(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk, state=S.PAUSED).update(reason="budget")


CONDITIONS: dict[str, Callable[[Campaign], None]] = {
    "answering": answering,
    "silent": silent,
    "unanswered": unanswered,
    "key_refused": key_refused,
    "safe_mode": in_safe_mode,
    "held": held,
    "no_worker": no_worker,
    "outside_hours": outside_hours,
    "over_budget": over_budget,
}
# by state: what is said whatever else is known, and what is said under a condition instead
EVERYWHERE = {
    S.DRAFT: "Nothing is sent until you launch it.",
    S.AWAITING_APPROVAL: "Waiting for approval by a second person.",
    S.SCHEDULED: "Starts 14 Jan 2026, 07:00 UTC. The audience is fixed then.",
    S.PREPARING: "Preparing the audience, without duplicates and the stop list.",
    S.SENDING: "Messages are being sent. The time left is not yet known.",
    S.PAUSED: "Paused by a user. 9 recipients are still waiting."
    " / Press Resume to send to the remaining recipients.",
    S.FINISHED: "Sending has ended. 3 messages are awaiting their status.",
    S.CANCELLED: "Nothing more is sent. Before the cancellation 3 recipients of 12 were sent to;"
    " these messages stay sent.",
}
GOES_ON = "Sending continues by itself when it answers. No message is lost."
KEY = "BSG does not accept the API key."
KEY_STEP = "Ask an administrator to check the key in Settings, then press Resume."
RESTORED = "The database was restored: nothing is sent."
BUTTON = "Sending is resumed with the button on top of the page."
RELEASED = "It continues when sending is released."
WORKER = "No worker runs, so nothing is sent."
WORKER_STEP = "Ask an administrator to check that the worker runs."
STARTS, PAUSED = EVERYWHERE[S.SCHEDULED], EVERYWHERE[S.PAUSED]
INSTEAD: dict[tuple[CampaignState, str], str] = {
    (S.SENDING, "silent"): "The gateway does not answer. It last answered 3 minutes ago."
    f" Next try in 4 seconds. / {GOES_ON}",
    (S.SENDING, "unanswered"): "The gateway has not answered a request that left 1 minute ago."
    f" / {GOES_ON}",
    (S.SENDING, "outside_hours"): "Waiting for the sending hours, until 14 Jan 2026, 07:00 UTC.",
    (S.PAUSED, "held"): "Paused by a user. 9 recipients are still waiting."
    " / Sending is held. It can be resumed after that.",
    (S.PAUSED, "safe_mode"): f"{PAUSED} {RESTORED}",
    (S.PAUSED, "no_worker"): f"{PAUSED} {WORKER}",
    (S.PAUSED, "over_budget"): "The next messages could exceed the budget. 9 recipients are still"
    " waiting. / It continues by itself when enough of the budget is released, or when you raise"
    " it.",
}
for name, sentence, step in (
    ("key_refused", KEY, KEY_STEP),
    ("safe_mode", RESTORED, BUTTON),
    ("held", "Sending is held.", RELEASED),
    ("no_worker", WORKER, WORKER_STEP),
):
    INSTEAD[S.SCHEDULED, name] = f"{STARTS} {sentence} / {step}"
    INSTEAD[S.PREPARING, name] = INSTEAD[S.SENDING, name] = f"{sentence} / {step}"


def status_of(campaign: Campaign) -> CampaignStatus:
    [row] = load_live_rows(Campaign.objects.filter(pk=campaign.pk))
    assert row.status
    return row.status


def said(status: CampaignStatus) -> str:
    parts = [str(status.sentence), str(status.next_step)]
    return " / ".join(re.sub(r"\s+", " ", strip_tags(part)) for part in parts if part)


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Campaign:
    state: CampaignState = request.param
    made = make_campaign(
        "Autumn",
        state,
        timing=Timing.AT if state == S.SCHEDULED else Timing.NOW,
        scheduled_at=NOW + timedelta(hours=1) if state == S.SCHEDULED else None,
        reason="by_person" if state == S.PAUSED else "",
    )
    if state in (S.SENDING, S.PAUSED):
        send(made, {("UA", "accepted"): 3, ("UA", "queued"): 9})
    elif state == S.CANCELLED:
        send(made, {("UA", "accepted"): 3, ("UA", "cancelled"): 9})
    elif state == S.FINISHED:
        send(made, {("UA", "accepted"): 3, ("UA", "read"): 9})
    return made


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("campaign", list(S), indirect=True, ids=str)
def test_state_under_condition(campaign: Campaign, condition: str) -> None:
    CONDITIONS[condition](campaign)
    state = S(campaign.state)
    assert said(status_of(campaign)) == INSTEAD.get((state, condition), EVERYWHERE[state])


@pytest.mark.parametrize(
    ("condition", "colour"),
    [
        ("answering", ""),
        ("silent", "yellow"),
        ("held", "yellow"),
        ("key_refused", "red"),
        ("no_worker", "red"),
    ],
)
@pytest.mark.parametrize("campaign", [S.SENDING], indirect=True, ids=str)
def test_colour(campaign: Campaign, condition: str, colour: str) -> None:
    CONDITIONS[condition](campaign)
    assert status_of(campaign).colour == colour


@pytest.mark.parametrize("campaign", [S.SENDING], indirect=True, ids=str)
def test_rehearsal_needs_neither_key_nor_gateway(campaign: Campaign) -> None:
    Campaign.objects.update(purpose=Purpose.REHEARSAL)
    for condition in (silent, key_refused, held):
        condition(campaign)
    assert status_of(campaign).key == "sending"


@pytest.mark.parametrize("campaign", [S.SENDING], indirect=True, ids=str)
def test_pace_and_time_left_are_what_pages_saw(campaign: Campaign) -> None:
    assert "not yet known" in said(status_of(campaign))
    with time_machine.travel(NOW + timedelta(seconds=30), tick=False):
        send(campaign, {("UA", "accepted"): 60, ("UA", "queued"): 231})
        text = "About 2 recipients per second, about 2 minutes left."
        assert said(status_of(campaign)) == f"Messages are being sent. {text}"


@pytest.mark.parametrize("campaign", [S.SCHEDULED], indirect=True, ids=str)
def test_a_start_that_is_over_is_not_announced(campaign: Campaign) -> None:
    Campaign.objects.update(scheduled_at=timezone.now() - timedelta(minutes=2))
    assert said(status_of(campaign)) == "It was to start 14 Jan 2026, 05:58 UTC."
