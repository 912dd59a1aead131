"""Pages of what steers campaigns under way: budgets, sending again, those who wait, the gateway's
answers.
"""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import DAYTIME, Place, SendingHours
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.dispatch.models import Batch, Evidence
from tests.browser.conftest import Look
from tests.reports.factories import make_campaign, send

BODY = (
    '{"result": [{"reference": "a1b2", "msisdn": "380671234567", "error": {"code": 5,'
    ' "description": "Server error"}}]}'
)


@pytest.fixture
def finished(person: object) -> Campaign:
    made = make_campaign("Autumn sale", CampaignState.FINISHED)
    send(
        made,
        {
            ("UA", "read"): 40,
            ("PL", "refused"): 8,
            ("UA", "not_delivered"): 5,
            ("UA", "unresolved"): 2,
        },
    )
    return made


def test_send_again(signed_in: Page, look: Look, finished: Campaign) -> None:
    signed_in.goto(f"/campaigns/{finished.pk}/")
    signed_in.get_by_role("link", name="Resend to failed recipients").click()
    expect(signed_in.get_by_text("would get it a second time")).to_be_visible()
    look(signed_in, "again")
    signed_in.get_by_role("button", name="Create draft").click()
    expect(signed_in.get_by_text("Draft created for the failed recipients.")).to_be_visible()
    draft = Campaign.objects.latest("pk")
    assert draft.lists.get().contact_count == 13


def test_budgets(signed_in: Page, look: Look) -> None:
    MonthlyBudget.objects.create(currency="EUR", amount=Decimal(250))
    paused = make_campaign(
        "Winter sale",
        CampaignState.PAUSED,
        reason="budget",
        budget=Decimal("1.5"),
        frozen_at=timezone.now(),
    )
    send(paused, {("UA", "read"): 40, ("UA", "queued"): 60})
    signed_in.goto(f"/campaigns/{paused.pk}/")
    look(signed_in, "campaign-over-budget")
    signed_in.locator("#progress").get_by_role("link", name="Change the budget").first.click()
    look(signed_in, "campaign-budget")
    signed_in.get_by_label("Budget").fill("20")
    signed_in.get_by_role("button", name="Change budget").click()
    expect(signed_in.get_by_text("Budget changed. Sending continues.")).to_be_visible()
    signed_in.goto("/settings/")
    signed_in.get_by_role("link", name="Monthly budget").click()
    expect(signed_in.get_by_role("row", name="EUR")).to_contain_text("250.00")
    look(signed_in, "month-budgets")


def test_recipients_waiting_for_their_hours(signed_in: Page, look: Look) -> None:
    hours = next(
        one
        for one in (DAYTIME, SendingHours.parse("00:00-01:00"))
        if not one.is_open(Place("JP"), timezone.now())
    )
    made = make_campaign(
        "World", CampaignState.SENDING, audience=120, sends_from=hours.start, sends_until=hours.end
    )
    for number, size in enumerate((50, 50, 20), 1):
        Batch.objects.create(campaign=made, number=number, country="JP", size=size)
    signed_in.goto(f"/campaigns/{made.pk}/")
    expect(signed_in.get_by_role("list", name="Waiting for the sending hours")).to_contain_text(
        "120 recipients wait until"
    )
    look(signed_in, "campaign-waiting")
    signed_in.goto(f"/campaigns/{made.pk}/hours")
    look(signed_in, "sending-hours")


def test_answers_of_the_gateway(signed_in: Page, look: Look, finished: Campaign) -> None:
    for number in range(52):
        Evidence.objects.create(
            campaign=finished, batch_number=number, what="HTTP 502", http_status=502, body=BODY
        )
    signed_in.goto(f"/campaigns/{finished.pk}/?tab=activity")
    signed_in.locator("#answers summary").first.click()
    expect(signed_in.locator("pre.evidence").first).to_contain_text('"msisdn": "380671234567"')
    look(signed_in, "campaign-answers")
    signed_in.locator("#answers").get_by_role("link", name="Next").click()
    expect(signed_in.get_by_text("51–52 of 52")).to_be_visible()


def test_hours_follow_the_kind_of_message(signed_in: Page, look: Look) -> None:
    signed_in.goto("/campaigns/new")
    signed_in.locator("#card-when > summary").click()
    start, end = signed_in.locator("#id_sends_from"), signed_in.locator("#id_sends_until")
    expect(start).to_have_value("09:00")
    expect(end).to_have_value("21:00")
    look(signed_in, "composer-when")
    signed_in.get_by_label("Transactional").check()
    expect(start).to_have_value("")
    expect(end).to_have_value("")
    signed_in.get_by_label("Promotional").check()
    start.fill("10:00")
    signed_in.get_by_label("Transactional").check()
    expect(start).to_have_value("10:00")  # a person has said so
