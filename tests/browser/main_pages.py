"""Rows for the main pages, so that each is as long as pages are."""

from datetime import datetime, timedelta

from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import Evidence
from campaigns.models import User
from campaigns.team import audit
from tests.compose.factories import contact_list, draft, stop, ukrainians
from tests.reports.factories import count_hours, make_campaign, send

FATES = {
    ("UA", "read"): 120, ("UA", "delivered"): 60, ("PL", "sms_delivered"): 20, ("UA", "sms"): 4,
    ("DE", "not_delivered"): 9, ("UA", "refused"): 3, ("UA", "unresolved"): 2, ("UA", "stopped"): 1,
    ("PL", "unpriced"): 5, ("UA", "sent"): 6,
}  # fmt: skip


def fill(person: User) -> dict[str, str]:
    """Rows for each of the main pages. Returns the addresses, by name as in page_budgets."""
    people = contact_list("Clients", ukrainians(60))
    stop(*(f"38067{number:07d}" for number in range(60)))
    written = draft(
        people, name="Spring sale", created_by=person, sends_from=None, sends_until=None
    )
    campaign = finished(person)
    make_campaign("Tomorrow", CampaignState.SCHEDULED, scheduled_at=in_hours(20))
    stuck = make_campaign("No money", CampaignState.PAUSED, reason="error_8")
    send(stuck, {("UA", "queued"): 40})
    for number in range(24):
        at = in_hours(-48 * number)
        newsletter = make_campaign(
            f"Newsletter {number}", CampaignState.FINISHED, launched_by=person, launched_at=at
        )
        send(newsletter, {("UA", "read"): 1 + number % 3, ("PL", "sms"): number % 2}, at=at)
        count_hours(newsletter)
    return {
        "dashboard": "/",
        "campaign list": "/campaigns/",
        "campaign": f"/campaigns/{campaign}/",
        "composer": f"/campaigns/{written.pk}/edit",
        "review": f"/campaigns/{written.pk}/review",
        "contact list": f"/contacts/{people.pk}/",
        "spend": "/spend/",
        "stop list": "/contacts/stop-list/",
        "settings": "/settings/",
    }


def finished(person: User) -> int:
    """A campaign with something to show in each card of its page."""
    campaign = make_campaign("Autumn sale", CampaignState.FINISHED, launched_by=person)
    send(campaign, FATES)
    audit.record(person, campaign, "launched", "230")
    Evidence.objects.create(
        campaign=campaign, batch_number=2, what="HTTP 502", http_status=502, body="Bad gateway"
    )
    return campaign.pk


def in_hours(hours: int) -> datetime:
    return timezone.now() + timedelta(hours=hours)
