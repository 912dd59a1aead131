"""What the log of a worker says of a campaign: ids and numbers, neither names nor phones."""

from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import CampaignState
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.models import Tally
from campaigns.dispatch.sweep import finish_if_done
from campaigns.ledger.models import Channel, Kind, LedgerTotal
from campaigns.team.models import Role
from tests.reports.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db


def test_log_says_what_happens_to_a_campaign_and_what_it_came_to(
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    caplog.set_level("INFO", "campaigns")
    user = make_user("380972920283", Role.MARKETER)
    campaign = make_campaign(
        "To 380972920283", CampaignState.SENDING, audience=50, frozen_at=timezone.now()
    )
    for state, recipients in (("accepted", 49), ("refused", 1)):
        Tally.objects.create(campaign=campaign, send_state=state, recipients=recipients)
    LedgerTotal.objects.create(
        day="2026-01-14", campaign=campaign, channel=Channel.VIBER, kind=Kind.CHARGE,
        currency="EUR", amount=Decimal("1.225"), entries=49,
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.pause(campaign.pk, user, detail="for 380972920283")
        lifecycle.resume(campaign.pk, user)
        lifecycle.pause_if_running(campaign.pk, "error_8")
        lifecycle.resume_by_itself(campaign.pk, ["error_8"])
        assert finish_if_done(campaign.pk)
    pk, by_user = campaign.pk, f"user {user.pk}"
    assert sorted(caplog.messages) == sorted(
        [
            f"Campaign {pk}: paused ({by_user})",
            f"Campaign {pk}: resumed ({by_user})",
            f"Campaign {pk}: paused (ViberDash)",
            f"Campaign {pk}: resumed by itself (ViberDash)",
            f"Campaign {pk}: finished (ViberDash)",
            f"Campaign {pk} ended with 49 accepted, 1 refused; charged so far: 1.225 EUR",
        ]
    )
    assert {vars(record)["campaign_id"] for record in caplog.records} == {pk}


def test_log_says_each_minute_how_far_a_campaign_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schedule of the queue calls it once a minute."""
    caplog.set_level("INFO", "campaigns")
    monkeypatch.setattr(sweep, "_logged", {})
    campaign = make_campaign("Spring", CampaignState.SENDING, audience=50, frozen_at=timezone.now())
    finished = make_campaign("Winter", CampaignState.FINISHED, audience=7)
    tally = Tally.objects.create(campaign=campaign, send_state="accepted", recipients=20)
    Tally.objects.create(campaign=finished, send_state="accepted", recipients=7)
    for people in (20, 20, 30):  # in the second minute nothing happened
        tally.recipients = people
        tally.save()
        tasks.sweep()
    lines = [line for line in caplog.messages if "recipients done" in line]
    assert lines == [
        f"Campaign {campaign.pk}: 20 of 50 recipients done",
        f"Campaign {campaign.pk}: 30 of 50 recipients done",
    ]
