"""What roles see of senders, phones and approval in a real Chromium."""

from collections.abc import Callable
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.compose.editor.test_send import send_test
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import ApprovalLimit, Campaign, PriceList
from campaigns.contacts.models import Person, StopListEntry
from campaigns.team.models import Role, User
from tests.compose.factories import contact_list, draft, senders, ukrainians
from tests.compose.factories import person as somebody

Look = Callable[[Page, str], None]


def become(person: User, role: Role) -> None:
    User.objects.filter(pk=person.pk).update(role=role, is_staff=role == Role.ADMINISTRATOR)


def test_composer_leads_to_senders(signed_in: Page, person: User, look: Look) -> None:
    signed_in.goto("/campaigns/new")
    look(signed_in, "composer-no-sender-administrator")
    signed_in.get_by_role("link", name="Add a sender in Settings").click()
    expect(signed_in.get_by_role("heading", name="Senders").first).to_be_visible()

    somebody(Role.ADMINISTRATOR, "maria")
    become(person, Role.MARKETER)
    signed_in.goto("/campaigns/new")
    expect(signed_in.get_by_text("Administrators add senders. Ask: maria")).to_be_visible()
    look(signed_in, "composer-no-sender-marketer")
    senders("Shop")
    campaign = Campaign.objects.create(name="Spring", text="Hello", new_sender="Bank")
    signed_in.goto(f"/campaigns/{campaign.pk}/edit")
    expect(signed_in.locator("#id_sender")).to_have_value("Bank")
    expect(signed_in.get_by_text("“Bank” is not a sender in ViberDash.")).to_be_visible()
    look(signed_in, "composer-unknown-sender")
    with signed_in.expect_response("**/autosave"):
        signed_in.locator("#id_sender").select_option("Shop")
    campaign.refresh_from_db()
    assert (str(campaign.sender), campaign.new_sender) == ("Shop", "")


def test_viewer_searches_by_a_whole_phone(signed_in: Page, person: User, look: Look) -> None:
    clients = contact_list("Clients", ukrainians(3))
    StopListEntry.objects.create(msisdn="380971234567", reason="asked +380971234567")
    become(person, Role.VIEWER)
    for name, address in (
        ("list", reverse("list-detail", args=[clients.pk])),
        ("stop-list", reverse("stop-list")),
        ("search", reverse("person-search")),
    ):
        signed_in.goto(f"{address}?q=38097")
        expect(signed_in.get_by_text("Enter the complete phone.")).to_be_visible()
        expect(signed_in.get_by_placeholder("Complete phone")).to_be_visible()
        look(signed_in, f"viewer-{name}-part")
    signed_in.goto(f"{reverse('list-detail', args=[clients.pk])}?q=0970000001")
    expect(signed_in.get_by_text("+3809•••01")).to_be_visible()
    look(signed_in, "viewer-list-found")


def test_a_test_send_above_the_limit_is_approved(signed_in: Page, person: User, look: Look) -> None:
    row = {"country": "UA", "country_name": "Ukraine", "mcc": "", "mnc": "0"}
    rows = [row | {"price": "0.01", "currency": "EUR"}]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal("0.02"))
    ivan = somebody(Role.MARKETER, "ivan")
    campaign = draft(contact_list("Clients", ukrainians(2)))
    lifecycle.launch(campaign.pk, ivan)
    test = send_test(draft(contact_list("Others", ukrainians(2))), ["+380671234567"], ivan)
    signed_in.goto(f"/campaigns/{test.pk}/review")
    look(signed_in, "test-to-approve")
    signed_in.get_by_label("Number of recipients").fill("1")
    signed_in.get_by_label("Maximum cost, EUR").fill("0.01")
    signed_in.get_by_role("button", name="Approve").click()
    expect(signed_in.get_by_text("“Test: Spring” approved and launched.")).to_be_visible()

    lifecycle.launch(draft(contact_list("A", ukrainians(2)), name="Second").pk, person)
    third = draft(contact_list("B", ukrainians(1)), name="Third")
    signed_in.goto(f"/campaigns/{third.pk}/review")
    expect(signed_in.get_by_text("With what you launched today without approval")).to_be_visible()
    look(signed_in, "review-adds-up")
    signed_in.goto("/settings/approval/")
    look(signed_in, "approval-limits")


def test_an_administrator_asks_for_consent(signed_in: Page, look: Look) -> None:
    row = {"country": "UA", "country_name": "Ukraine", "mcc": "", "mnc": "0"}
    rows = [row | {"price": "0.01", "currency": "EUR"}]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    campaign = draft(contact_list("Clients", ukrainians(3)))
    Person.objects.create(msisdn=ukrainians(1)[0][0], consent="given")
    signed_in.goto("/settings/consent/")
    expect(signed_in.get_by_text("Everybody in the audience who did not withdraw")).to_be_visible()
    signed_in.get_by_label("Promotional messages only with consent").check()
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("Contacts whose consent is given")).to_be_visible()
    look(signed_in, "consent-setting")
    signed_in.goto(f"/campaigns/{campaign.pk}/review")
    expect(signed_in.get_by_role("row", name="No consent −2")).to_be_visible()
    look(signed_in, "review-no-consent")
