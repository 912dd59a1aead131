"""Long choices in a real Chromium: searched, chosen by keyboard, removed, and saved."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from campaigns.compose.models import Campaign, CampaignState, Condition, Sender
from campaigns.contacts.models import ContactList
from tests.browser.conftest import Console
from tests.browser.test_unsaved import AUTOSAVE, Look
from tests.compose.factories import draft

LISTS = 207


@pytest.fixture(autouse=True)
def many_lists(nowhere: str) -> None:
    ContactList.objects.bulk_create(
        ContactList(name=f"Shop {number:03}", contact_count=number)
        for number in range(1, LISTS - 1)
    )
    ContactList.objects.create(name="Café ΌΣΟΣ", contact_count=1)
    ContactList.objects.create(name="Клієнти Львова", contact_count=2_000)
    Sender.objects.create(name="Shop")


def picker(page: Page, field: str) -> Locator:
    return page.locator(f"#{field} .picker")


def search(page: Page, field: str) -> Locator:
    return picker(page, field).get_by_role("combobox")


def chips(page: Page, field: str) -> Locator:
    return picker(page, field).locator(".picker-chip")


def hits(page: Page, field: str) -> Locator:
    return picker(page, field).get_by_role("option")


def test_lists_are_searched_chosen_and_removed_by_keyboard(signed_in: Page, look: Look) -> None:
    page = signed_in
    page.goto("/campaigns/new")
    summary = picker(page, "id_lists").locator(".picker-summary")
    status = picker(page, "id_lists").get_by_role("status")
    expect(summary).to_have_text("None of 207 chosen")
    field = search(page, "id_lists")
    field.focus()
    expect(hits(page, "id_lists")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(hits(page, "id_lists")).to_have_count(40)
    expect(status).to_have_text("207 found")

    page.keyboard.type("CAFE όσος")
    expect(hits(page, "id_lists")).to_have_text(["Café ΌΣΟΣ1"])
    page.keyboard.press("Enter")
    expect(status).to_have_text("Café ΌΣΟΣ chosen")
    expect(summary).to_have_text("1 list, 1 contact")
    page.keyboard.type("львов")
    page.keyboard.press("Enter")
    page.keyboard.type("shop 20")
    expect(status).to_have_text("8 found")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(chips(page, "id_lists")).to_have_text(
        [re.compile("Café"), re.compile("Shop 120"), re.compile("Клієнти Львова")],
    )
    expect(summary).to_have_text("3 lists, 2,121 contacts")
    look(page, "picker-open")

    page.keyboard.press("Escape")
    expect(hits(page, "id_lists")).to_have_count(0)
    page.keyboard.press("Backspace")
    expect(status).to_have_text("Клієнти Львова removed")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Remove Café ΌΣΟΣ")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Remove Shop 120")).to_be_focused()
    page.keyboard.press("Delete")
    expect(field).to_be_focused()
    expect(summary).to_have_text("1 list, 1 contact")


def test_a_picker_is_one_tab_stop(signed_in: Page) -> None:
    campaign = draft(*ContactList.objects.all()[:5])
    signed_in.goto(f"/campaigns/{campaign.pk}/edit")
    signed_in.locator("#card-audience").evaluate("card => card.open = true")
    expect(chips(signed_in, "id_lists")).to_have_count(5)
    search(signed_in, "id_lists").focus()
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate("document.querySelector('#id_lists :focus') === null")
    signed_in.keyboard.press("Shift+Tab")
    expect(search(signed_in, "id_lists")).to_be_focused()
    signed_in.keyboard.press("Shift+Tab")
    assert signed_in.evaluate("document.querySelector('#id_lists :focus') === null")


def test_what_is_chosen_saves_itself(signed_in: Page) -> None:
    page = signed_in
    page.goto("/campaigns/new")
    search(page, "id_lists").fill("shop 17")
    hits(page, "id_lists").filter(has_text="Shop 173").click()
    expect(page.locator("#saved")).to_have_text("Saved just now")
    campaign = Campaign.objects.get()
    assert [each.name for each in campaign.lists.all()] == ["Shop 173"]
    page.keyboard.press("Escape")
    page.get_by_text("Exclude", exact=True).click()
    search(page, "id_exclude_lists").fill("009")
    page.keyboard.press("Enter")
    chips(page, "id_lists").get_by_role("button").click()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert not campaign.lists.exists()
    assert [each.name for each in campaign.exclude_lists.all()] == ["Shop 009"]


def test_restored_changes_are_seen_in_the_picker(signed_in: Page, console: Console) -> None:
    console.allow("ERR_FAILED")
    page = signed_in
    page.route(AUTOSAVE, lambda route: route.abort())
    page.goto("/campaigns/new")
    search(page, "id_lists").fill("094")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("the server does not answer")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/campaigns/new")
    expect(chips(page, "id_lists")).to_have_count(0)
    page.get_by_role("button", name="Restore changes").click()
    expect(chips(page, "id_lists")).to_have_text([re.compile("Shop 094")])
    expect(picker(page, "id_lists").locator(".picker-summary")).to_have_text("1 list, 94 contacts")


def test_chosen_campaigns_keep_the_choice_of_their_outcome(signed_in: Page, look: Look) -> None:
    page = signed_in
    for number in range(12):
        draft(
            name=f"Sale {number}",
            state=CampaignState.FINISHED,
            frozen_at=timezone.now(),
            audience=100 + number,
        )
    page.goto("/campaigns/new")
    page.get_by_text("Recipients of earlier campaigns").click()
    search(page, "id_campaigns").fill("sale 7")
    page.keyboard.press("Enter")
    outcome = page.locator("#id_campaigns").get_by_role("combobox", name="Sale 7")
    expect(outcome.locator(":checked")).to_have_text("All recipients")
    outcome.select_option("Read")
    expect(picker(page, "id_campaigns").locator(".picker-summary")).to_have_text("1 campaign")
    look(page, "picker-campaigns")
    expect(page.locator("#saved")).to_have_text("Saved just now")
    campaign = Campaign.objects.get(state=CampaignState.DRAFT)
    assert [(row.source.name, row.outcome) for row in campaign.earlier.all()] == [
        ("Sale 7", "read")
    ]
    page.locator("#id_campaigns").get_by_role("button", name="Remove Sale 7").click()
    expect(outcome).to_be_hidden()


def test_an_import_chooses_its_list(signed_in: Page, look: Look) -> None:
    page = signed_in
    page.goto("/contacts/import/paste")
    name = page.get_by_label("Name of the new list")
    field = page.get_by_label("List", exact=True)
    expect(field).to_have_attribute("placeholder", "New list")
    field.fill("cafe")
    page.keyboard.press("Enter")
    expect(page.locator(".picker-chip")).to_have_text(re.compile("Café ΌΣΟΣ"))
    expect(name).to_be_hidden()
    page.keyboard.press("Backspace")
    expect(name).to_be_visible()
    field.fill("shop 09")
    expect(page.locator(".picker-hit")).to_have_count(12)  # 9, 90 to 99, 109
    look(page, "picker-import")
    page.locator(".picker-hit", has_text="Shop 094").click()
    assert page.locator("[name=into]").input_value() == str(
        ContactList.objects.get(name="Shop 094").pk
    )


def test_a_condition_chooses_its_list(signed_in: Page) -> None:
    page = signed_in
    page.goto("/contacts/segments/new")
    page.get_by_label("Name").fill("In one shop")
    page.get_by_role("button", name="Remove condition 1").click()
    page.get_by_role("button", name="List", exact=True).click()
    field = page.get_by_label("List", exact=False).and_(page.get_by_role("combobox"))
    field.last.fill("094")
    page.keyboard.press("Enter")
    expect(page.locator(".picker-chip")).to_have_text(re.compile("Shop 094"))
    expect(page.locator(".picker-chip button")).to_have_count(0)  # a condition needs a list
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="In one shop")).to_be_visible()
    assert str(Condition.objects.get().list) == "Shop 094"
