"""A person in a real Chromium: consent and preferences, all lists of a phone, and segments."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from campaigns.contacts.models import Contact, ContactList, Person, StopListEntry

Look = Callable[[Page, str], None]
MSISDN = "380972920283"


@pytest.fixture
def lists(transactional_db: None) -> list[ContactList]:
    made = []
    for name, city in (("Clients of spring", "Kyiv"), ("Shop", "Lviv"), ("Club", "Kyiv")):
        made.append(ContactList.objects.create(name=name, fields=["city"], contact_count=1))
        Contact.objects.create(list=made[-1], msisdn=MSISDN, country="UA", fields={"city": city})
    return made


@pytest.mark.usefixtures("lists")
def test_consent_from_given_to_withdrawn_and_back(signed_in: Page, look: Look) -> None:
    signed_in.goto(reverse("person", args=[MSISDN]))
    expect(signed_in.get_by_text("Nothing entered yet")).to_be_visible()
    look(signed_in, "person-empty")
    signed_in.get_by_role("link", name="Edit").click()
    signed_in.get_by_label("Consent", exact=True).select_option("Given")
    signed_in.get_by_label("Language").select_option("uk")
    signed_in.get_by_label("Wants messages about").first.fill("New arrivals, sales")
    signed_in.get_by_label("Does not want messages about").fill("Cars")
    signed_in.get_by_label("Notes").fill("Calls at noon.\nSpeaks Polish too.")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("Enter how consent was given.")).to_be_visible()
    look(signed_in, "person-form")
    signed_in.get_by_label("How it was given or withdrawn").fill("form on the website")
    wording = "I want to get offers by Viber and SMS."
    signed_in.get_by_label("What the contact agreed to").fill(wording)
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("new arrivals, sales")).to_be_visible()
    look(signed_in, "person-given")

    signed_in.get_by_role("link", name="Edit").click()
    signed_in.get_by_label("Consent", exact=True).select_option("Withdrawn")
    Person.objects.update(language="pl", notes="Changed")
    signed_in.get_by_label("Language").select_option("ro")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("This was changed meanwhile to “Polish”")).to_be_visible()
    look(signed_in, "person-conflict")
    assert not StopListEntry.objects.exists()
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("Reason: Consent withdrawn.")).to_be_visible()
    expect(signed_in.get_by_role("button", name="Remove from stop list")).to_have_count(0)
    look(signed_in, "person-withdrawn")
    stored = Person.objects.get()
    assert (stored.language, stored.notes) == ("ro", "Changed")

    signed_in.get_by_role("link", name="Edit").click()
    signed_in.get_by_label("Consent", exact=True).select_option("Given")
    signed_in.get_by_label("How it was given or withdrawn").fill("by phone")
    signed_in.get_by_label("Wording that was used before").select_option(label=wording)
    look(signed_in, "person-known-wording")
    signed_in.get_by_role("button", name="Save").click()
    history = signed_in.get_by_role("region", name="History of consent")
    expect(history.get_by_text(wording)).to_have_count(2)
    expect(history.get_by_role("row")).to_have_count(4)
    expect(signed_in.get_by_text("The phone is still on the stop list.")).to_be_visible()
    look(signed_in, "person-still-stopped")
    signed_in.get_by_role("button", name="Remove from stop list").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(signed_in.get_by_text("was removed from the stop list.")).to_be_visible()
    assert not StopListEntry.objects.exists()


def test_contact_is_edited_on_all_lists(
    signed_in: Page, look: Look, lists: list[ContactList]
) -> None:
    contact = Contact.objects.get(list=lists[0])
    signed_in.goto(f"/contacts/person/{contact.pk}/edit")
    expect(signed_in.get_by_text("On “Shop”: Lviv.")).to_be_visible()
    signed_in.get_by_label("city").fill("Odesa")
    signed_in.get_by_label("Change these values on all 3 lists with this phone").check()
    Contact.objects.filter(list=lists[1]).update(fields={"city": "Dnipro"})
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("This contact was changed on another list")).to_be_visible()
    look(signed_in, "contact-all-lists")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("Saved on 3 lists.")).to_be_visible()
    assert {contact.fields["city"] for contact in Contact.objects.all()} == {"Odesa"}


@pytest.mark.usefixtures("lists")
def test_segment_asks_for_consent_and_language(signed_in: Page, look: Look) -> None:
    Person.objects.create(msisdn=MSISDN, consent="given", language="uk", version=1)
    signed_in.goto("/contacts/segments/new")
    signed_in.get_by_role("button", name="Remove condition 1").click()
    signed_in.get_by_role("button", name="Consent").click()
    signed_in.get_by_label("Consent").last.select_option("given")
    signed_in.get_by_role("button", name="Language").click()
    signed_in.get_by_label("Language").last.select_option("uk")
    expect(signed_in.locator("#segment-count")).to_contain_text("1 contact meets")
    look(signed_in, "segment-person")
