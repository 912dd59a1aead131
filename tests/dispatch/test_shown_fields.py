"""Typed values in messages: preview, counts, quote, test and freeze show the same."""

from datetime import UTC, datetime

import pytest

from campaigns.compose.audience.merge_values import MARK, fill
from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.test_send import send_test
from campaigns.compose.message.measured_audience import measure
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.preview.message_preview import build_preview, find_recipient
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.freeze import shown_fields
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient
from tests.compose.factories import contact_list, draft, person

pytestmark = pytest.mark.django_db
TEXT = "{day}|{sum}|{vip|?}|{city|-}"
PEOPLE = [
    ("380971110001", "UA", {"day": "1990-12-31", "sum": "12500.5", "vip": "yes", "city": "2026"}),
    ("380971110002", "UA", {"day": "later", "sum": "7", "city": "1990-12-31"}),
    ("380971110003", "UA", {"day": "1990-12-31", "sum": "-1234567", "vip": "no", "x": "1"}),
]
SHOWN = {
    "380971110001": "31/12/1990|12,500.5|yes|2026",
    "380971110002": "later|7|?|1990-12-31",
    "380971110003": "31/12/1990|-1,234,567|no|-",
    "380971110004": "1990-12-31|12500.5|yes|-",
}
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def lists() -> list[ContactList]:
    """One with types, and one without where the same texts stay."""
    typed = contact_list("Typed", PEOPLE, ("day", "sum", "vip", "city"))
    typed.field_types = {"day": "date", "sum": "number", "vip": "yes_no", "x": "number"}
    typed.save()
    fields = {"day": "1990-12-31", "sum": "12500.5", "vip": "yes"}
    return [typed, contact_list("Texts", [("380971110004", "UA", fields)])]


def frozen(campaign: Campaign) -> dict[str, str]:
    """The text of each recipient after the freeze."""
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.PREPARING)
    assert freeze(campaign.pk, FAR)
    template = compile_message(campaign)
    recipients = Recipient.objects.filter(campaign=campaign)
    return {each.msisdn: template.render(each.fields).text for each in recipients}


def test_the_freeze_and_the_preview_show_the_same(lists: list[ContactList]) -> None:
    campaign = draft(*lists, text=TEXT)
    audience = Audience.of(campaign)
    for contact in fill(audience.recipients(), audience, compile_message(campaign).names):
        preview = build_preview(campaign, contact)
        assert preview.rendered.text == SHOWN[contact.msisdn]
    assert frozen(campaign) == SHOWN
    fields = Recipient.objects.get(msisdn="380971110002").fields
    assert fields == {"day": "later", "sum": "7", "city": "1990-12-31"}


def test_a_value_from_another_list_is_shown_by_the_type_that_it_has_there() -> None:
    """The first list has texts in the field, the others dates and numbers."""
    texts, dates, numbers = (contact_list(name, []) for name in ("Texts", "Dates", "Numbers"))
    for target, field_type in ((dates, "date"), (numbers, "number")):
        target.fields, target.field_types = ["day"], {"day": field_type}
        target.save()
    for target, phone, value in [
        (texts, "380971110001", ""), (dates, "380971110001", "1990-12-31"),
        (texts, "380971110002", "1990-12-31"), (dates, "380971110002", "1990-12-30"),
        (texts, "380971110003", ""), (dates, "380971110003", ""),
        (numbers, "380971110003", "12500.5"),
    ]:  # fmt: skip
        fields = {"day": value} if value else {}
        Contact.objects.create(list=target, msisdn=phone, country="UA", fields=fields)
    campaign = draft(texts, dates, numbers, text="{day|-}")
    audience, template = Audience.of(campaign), compile_message(campaign)
    expected = {
        "380971110001": "31/12/1990", "380971110002": "1990-12-31", "380971110003": "12,500.5"
    }  # fmt: skip
    filled = fill(audience.recipients(), audience, template.names)
    assert {each.msisdn: each.fields["day"] for each in filled} == expected
    before = measure(audience, template)
    assert before.text is not None
    assert (before.text.shortest, before.text.longest) == (8, 10)
    assert frozen(campaign) == expected
    dates.field_types = {"day": "text"}
    dates.save()
    assert measure(audience, template).fingerprint != before.fingerprint


def test_contact_that_changes_meanwhile_gets_no_marks(
    lists: list[ContactList], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL reads the values of a slice, and then inserts it: a value can change between."""
    monkeypatch.setattr(shown_fields, "_shown_texts", lambda *_values: {})
    frozen(draft(lists[0], text=TEXT))
    fields = dict(Recipient.objects.values_list("msisdn", "fields"))
    assert not any(MARK in value for each in fields.values() for value in each.values())
    assert fields["380971110001"]["city"] == "2026"
    assert fields["380971110001"]["day"] in ("1990-12-31", "31/12/1990")
    assert fields["380971110002"]["day"] == "later"


def test_the_counts_are_those_of_the_texts_that_are_sent(lists: list[ContactList]) -> None:
    campaign = draft(*lists, text=TEXT, sms_text=TEXT + "я" * 50)
    audience, template = Audience.of(campaign), compile_message(campaign)
    measured = measure(audience, template)
    lengths = sorted(map(len, frozen(campaign).values()))
    assert measured.text is not None
    assert (measured.text.shortest, measured.text.longest) == (lengths[0], lengths[-1])
    assert measured.sms.by_parts() == {
        1: sum(length + 50 <= 70 for length in lengths),
        2: sum(length + 50 > 70 for length in lengths),
    }
    assert measured.sms.largest.units == lengths[-1] + 50
    longest = find_recipient(audience, template, "longest", measured=measured)
    assert longest is not None
    assert len(SHOWN[longest.msisdn]) == lengths[-1]


def test_another_type_changes_the_fingerprint(lists: list[ContactList]) -> None:
    campaign = draft(*lists, text=TEXT)
    audience, template = Audience.of(campaign), compile_message(campaign)
    before = measure(audience, template).fingerprint
    assert measure(audience, template).fingerprint == before
    lists[0].field_types = {"day": "date", "vip": "yes_no"}
    lists[0].save()
    assert measure(audience, template).fingerprint != before


def test_fields_that_the_text_does_not_use_change_nothing(lists: list[ContactList]) -> None:
    campaign = draft(*lists, text="{city|-}")
    audience, template = Audience.of(campaign), compile_message(campaign)
    before = measure(audience, template).fingerprint
    lists[0].field_types = None
    lists[0].save()
    assert measure(audience, template).fingerprint == before


def test_links_have_the_value_that_is_shown(lists: list[ContactList]) -> None:
    campaign = draft(lists[0], text="x", button_url="https://example.com/?d={day}")
    measured = measure(Audience.of(campaign), compile_message(campaign))
    assert measured.link is not None
    assert measured.link.longest == len("https://example.com/?d=31%2F12%2F1990")


def test_a_test_is_sent_as_the_recipient_gets_it(
    lists: list[ContactList], settings: pytest.FixtureRequest
) -> None:
    campaign = draft(*lists, text=TEXT)
    sent = send_test(campaign, ["0971110009"], person())
    contact = Contact.objects.get(list__in=sent.lists.all())
    assert compile_message(sent).render(contact.fields).text == SHOWN["380971110001"]
    assert frozen(sent) == {"380971110009": SHOWN["380971110001"]}
