"""Pause, resume and cancel while requests are under way; missed schedules."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.dispatch import evidence, sweep
from campaigns.dispatch.models import Batch, Evidence
from campaigns.dispatch.send.sender import BatchSender
from campaigns.results import campaign_status
from campaigns.team.models import Role
from tests.dispatch import factory
from tests.reports.factories import make_user
from tests.sandbox_fixture import RunningSandbox

PEOPLE, CONNECTIONS = 900, 2
SLOW = {"slow": 100, "slow_ms": 600}  # every call; all together they take about three seconds
Act = Callable[[Campaign, str], object]


@pytest.fixture
def page(client: Client) -> Act:
    client.force_login(make_user())

    def press(campaign: Campaign, verb: str) -> None:
        assert client.post(f"/campaigns/{campaign.pk}/{verb}").status_code == 302

    return press


@pytest.fixture
def command() -> Act:
    return lambda campaign, verb: call_command(
        "campaign", verb, str(campaign.pk), stdout=StringIO()
    )


@pytest.fixture
def admin(client: Client) -> Act:
    client.force_login(make_user("anna", Role.ADMINISTRATOR, is_staff=True, is_superuser=True))

    def choose_action(campaign: Campaign, verb: str) -> None:
        data = {"action": verb, "_selected_action": [campaign.pk]}
        assert client.post("/admin/campaigns/campaign/", data).status_code == 302

    return choose_action


@pytest.fixture
def act(request: pytest.FixtureRequest) -> Act:
    """The way of acting that is the parameter of the test."""
    way: Act = request.getfixturevalue(request.param)
    return way


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def sending(sandbox: RunningSandbox, pool: ThreadPoolExecutor) -> "Future[None]":
    """A sender running in a thread, with some of its requests answered already."""

    def run() -> None:
        try:
            BatchSender(sandbox.client(), CONNECTIONS, timezone.now() + timedelta(seconds=60)).run()
        finally:
            connection.close()

    before = sandbox.bill()["messages"]
    running = pool.submit(run)
    while sandbox.bill()["messages"] < before + 100:
        assert not running.done()
    return running


def count_requests_after(sandbox: RunningSandbox, moment: datetime) -> int:
    requests = sandbox.requests(path="/viber/create")
    return sum(request["at"] > moment.timestamp() for request in requests)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["page", "command", "admin"], indirect=True)
def test_pause_stops_what_is_under_way_and_resume_sends_the_rest(
    act: Act, sandbox: RunningSandbox, pool: ThreadPoolExecutor
) -> None:
    campaign = factory.launched(PEOPLE)
    sandbox.faults(**SLOW)
    running = sending(sandbox, pool)
    act(campaign, "pause")
    paused_at = timezone.now()
    running.result()
    accepted = sandbox.bill()["messages"]
    assert 0 < accepted < PEOPLE
    assert count_requests_after(sandbox, paused_at + timedelta(seconds=5)) == 0
    assert not Batch.objects.filter(intended_at__gt=paused_at).exists()
    assert set(Batch.objects.values_list("state", flat=True)) == {"ready", "done"}
    assert campaign_status.counts(campaign).accepted == accepted
    act(campaign, "resume")
    sandbox.faults()
    sending(sandbox, pool).result()
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["page", "command", "admin"], indirect=True)
def test_cancel_stops_what_is_under_way_and_nobody_stays_queued(
    act: Act, sandbox: RunningSandbox, pool: ThreadPoolExecutor
) -> None:
    campaign = factory.launched(PEOPLE)
    sandbox.faults(**SLOW)
    running = sending(sandbox, pool)
    act(campaign, "cancel")
    cancelled_at = timezone.now()
    running.result()
    sweep.sweep()
    assert count_requests_after(sandbox, cancelled_at + timedelta(seconds=5)) == 0
    counts = campaign_status.counts(campaign)
    assert (counts.queued, counts.accepted + counts.cancelled) == (0, PEOPLE)
    assert counts.accepted == sandbox.bill()["messages"] < PEOPLE


# missed schedules

EVENING = datetime(2026, 1, 14, 18, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVENING - timedelta(hours=3), tick=False) as traveller:
        yield traveller


def scheduled() -> Campaign:
    campaign = factory.draft(
        factory.contact_list("Some", 3), timing=Timing.AT, scheduled_at=EVENING
    )
    lifecycle.launch(campaign.pk, None)
    return campaign


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("late", "state"),
    [(-1, "scheduled"), (0, "preparing"), (60, "preparing"), (61, "paused"), (600, "paused")],
)
def test_schedule_missed_by_an_hour_pauses(
    clock: time_machine.Traveller, late: int, state: str
) -> None:
    campaign = scheduled()
    clock.move_to(EVENING + timedelta(minutes=late))
    sweep.sweep()
    campaign.refresh_from_db()
    assert campaign.state == state
    assert campaign.reason == ("missed" if state == "paused" else "")


@pytest.mark.django_db
def test_missed_schedule_limit_is_a_setting(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.MISSED_SCHEDULE_MINUTES = 5
    campaign = scheduled()
    clock.move_to(EVENING + timedelta(minutes=6))
    sweep.sweep()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.PAUSED


@pytest.mark.django_db
def test_page_says_why_a_campaign_is_paused_and_offers_resume(
    clock: time_machine.Traveller, client: Client
) -> None:
    campaign = scheduled()
    clock.move_to(EVENING + timedelta(hours=9))
    sweep.sweep()
    client.force_login(make_user())
    page = client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "The server was down at the scheduled time." in page
    assert f'action="/campaigns/{campaign.pk}/resume"' in page
    client.post(f"/campaigns/{campaign.pk}/resume")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PREPARING, "")
    sweep.sweep()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.PREPARING  # not paused again for the same reason


@pytest.mark.django_db
def test_resume_before_its_time_restores_the_schedule(
    clock: time_machine.Traveller,
) -> None:
    campaign = scheduled()
    lifecycle.pause(campaign.pk, None)
    lifecycle.resume(campaign.pk, None)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SCHEDULED


@pytest.mark.django_db
def test_evidence_never_contains_the_api_key(settings: Settings) -> None:
    settings.BSG_API_KEY = "live_abcdef"
    evidence.save(
        [Evidence(campaign_id=1, batch_number=1, body='{"key": "live_abcdef", "odd": "\x00"}')]
    )
    assert Evidence.objects.get().body == '{"key": "•••", "odd": ""}'
