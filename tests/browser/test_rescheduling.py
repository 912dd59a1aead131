"""What a launched campaign can still do, and what leads on from a page, in a real Chromium."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people.resend import create_resend_draft
from campaigns.ledger.models import Purpose
from tests.compose.factories import contact_list, draft, ukrainians
from tests.reports.factories import make_campaign, send
from tests.sandbox_fixture import RunningSandbox

Look = Callable[[Page, str], None]


def test_a_scheduled_campaign_gets_another_time_and_is_edited(signed_in: Page, look: Look) -> None:
    campaign = draft(contact_list("Clients", ukrainians(3)))
    at = timezone.now() + timedelta(days=2)
    Campaign.objects.update(timing=Timing.AT, scheduled_at=at)
    lifecycle.launch(campaign.pk, None)
    signed_in.goto(f"/campaigns/{campaign.pk}/")
    look(signed_in, "scheduled")
    signed_in.get_by_role("link", name="Reschedule").click()
    expect(signed_in.get_by_role("heading", name="Reschedule “Spring”")).to_be_visible()
    look(signed_in, "reschedule")
    later = f"{timezone.now() + timedelta(days=3):%Y-%m-%d}T10:30"
    signed_in.get_by_label("Date and time").fill(later)
    signed_in.get_by_role("button", name="Reschedule").click()
    expect(signed_in.get_by_text("Rescheduled.")).to_be_visible()
    signed_in.get_by_role("button", name="Return to draft").click()
    look(signed_in, "return-to-draft")
    signed_in.get_by_role("dialog").get_by_role("button", name="Return to draft").click()
    expect(signed_in.get_by_text("“Spring” is a draft again.")).to_be_visible()
    expect(signed_in.locator("#id_text")).to_have_value("Hello")
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_a_test_is_followed_on_the_review(
    signed_in: Page, look: Look, sandbox: RunningSandbox
) -> None:
    campaign = draft(contact_list("Clients", ukrainians(3)))
    signed_in.goto(f"/campaigns/{campaign.pk}/review")
    signed_in.get_by_label("Phone numbers").fill("+380 67 123 45 67")
    signed_in.get_by_role("button", name="Send test").click()
    expect(signed_in.get_by_text("Test sent to 1 phone.")).to_be_visible()
    expect(signed_in.locator("#tests")).to_contain_text("Preparing")
    test = Campaign.objects.get(purpose=Purpose.TEST)
    freeze(test.pk, timezone.now() + timedelta(minutes=1))
    expect(signed_in.locator("#tests")).to_contain_text("Queued")
    recipients = Recipient.objects.filter(campaign=test)
    recipients.update(send_state="accepted", delivery_state="read", final=True)
    expect(signed_in.locator("#tests")).to_contain_text("Read")
    look(signed_in, "review-tested")
    signed_in.goto("/contacts/")
    expect(signed_in.get_by_text("Test numbers")).to_have_count(0)
    signed_in.goto(f"/campaigns/{test.pk}/")
    signed_in.get_by_role("link", name="Spring", exact=True).click()
    expect(signed_in.get_by_role("heading", name="Review “Spring”")).to_be_visible()


def test_pages_say_what_exists_already(signed_in: Page, look: Look) -> None:
    clients = contact_list("Clients", ukrainians(3))
    made = make_campaign("Autumn sale", CampaignState.FINISHED)
    send(made, {("UA", "read"): 30, ("UA", "refused"): 4})
    Campaign.objects.filter(pk=made.pk).update(finished_at=timezone.now())
    create_resend_draft(Campaign.objects.get(pk=made.pk), None)
    signed_in.goto(f"/campaigns/{made.pk}/again")
    expect(signed_in.get_by_role("button", name="Create another draft")).to_be_visible()
    look(signed_in, "resent-before")
    signed_in.goto(f"/campaigns/{made.pk}/")
    signed_in.locator("ul.funnel a").last.click()
    expect(signed_in.locator("#recipients")).to_be_in_viewport()
    draft(exclude=[clients])
    signed_in.goto(f"/contacts/{clients.pk}/menu")
    expect(
        signed_in.get_by_text("It can't be deleted while it is used by: Spring.")
    ).to_be_visible()
    look(signed_in, "menu-of-a-list-in-use")
    for number in range(3):
        make_campaign(f"Sale {number}", CampaignState.FINISHED)
    signed_in.goto("/campaigns/")
    bar = signed_in.locator("#compare")
    expect(bar).to_be_hidden()
    signed_in.get_by_role("checkbox", name="Compare Sale 0").check()
    expect(bar.get_by_role("button")).to_be_disabled()
    signed_in.get_by_role("checkbox", name="Compare Sale 2").check()
    expect(bar.get_by_role("button", name="Compare")).to_be_in_viewport()
    look(signed_in, "ticked-to-compare")
    signed_in.get_by_role("link", name="Templates").click()
    look(signed_in, "tabs-of-templates")


def test_a_taken_name_is_refused_before_the_upload(signed_in: Page) -> None:
    contact_list("clients", ukrainians(1))
    signed_in.goto("/contacts/import")
    file = {"name": "clients.csv", "mimeType": "text/csv", "buffer": b"phone\n0971234567"}
    signed_in.locator("#id_file").set_input_files(file)  # type: ignore[arg-type]
    sent: list[str] = []
    signed_in.on("request", lambda request: sent.append(request.method))
    signed_in.get_by_role("button", name="Upload").click()
    name = signed_in.locator("#id_name")
    expect(name).to_be_focused()
    assert "already exists" in name.evaluate("field => field.validationMessage")
    assert "POST" not in sent
    name.fill("others")
    signed_in.get_by_role("button", name="Upload").click()
    signed_in.wait_for_url("**/contacts/imports/*/")
