"""Where money is held against the gateway, and the forecast that comes after its page."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.ledger.models import BalanceReading
from campaigns.models import SampledStatus, User
from tests.reports.factories import make_campaign, send

Look = Callable[[Page, str], None]


def fill(person: User) -> None:
    cache.clear()
    now = timezone.now()
    send(
        make_campaign("Autumn", CampaignState.FINISHED, launched_by=person),
        {("UA", "read"): 9, ("PL", "unpriced"): 2},
    )
    for hour, amount, entered in (
        (4, 100, 0),
        (3, 90, 10),
        (2, 90, 15),
        (1, 190, 15),
        (0, 180, 15),
    ):
        at = now - timedelta(hours=hour)
        BalanceReading.objects.create(
            hour=at.replace(minute=0, second=0, microsecond=0),
            at=at,
            amount=amount,
            currency="EUR",
            entered=entered,
        )
    one = Recipient.objects.filter(status="read")[0]
    SampledStatus.objects.create(
        day=now.date(), recipient=one, campaign_id=one.campaign_id, currency="EUR",
        entered=Decimal("0.0234567"), reported_amount=Decimal("0.02"), status="read",
        reported_status="read", agrees=False,
    )  # fmt: skip


def test_reconciliation_and_forecast(signed_in: Page, person: User, look: Look) -> None:
    fill(person)
    signed_in.goto("/spend/")
    expect(signed_in.get_by_text("This is an estimate.")).to_be_visible()
    signed_in.get_by_role("link", name="Reconciliation").click()
    expect(signed_in.locator("td", has_text="Most likely a top-up")).to_have_count(2)
    look(signed_in, "reconciliation")
