"""The preview of a message: for which recipient, and what it shows."""

import pytest

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.preview.message_preview import (
    BY_PHONE,
    COUNTRY,
    FIRST,
    LONGEST,
    MISSING_DATA,
    build_preview,
    find_recipient,
    recipient_choices,
)
from tests.compose.factories import contact_list, draft

pytestmark = pytest.mark.django_db
OLENA, IVAN, ANA = "380970000001", "380970000002", "40712345678"


@pytest.fixture
def campaign() -> Campaign:
    chosen = contact_list(
        "A",
        [
            (OLENA, "UA", {"first_name": "Olena"}),
            (IVAN, "UA", {}),
            (ANA, "RO", {"first_name": "Ana-Maria-Luiza"}),
        ],
    )
    return draft(chosen, text="Hi {first_name|you}")


def find_phone(campaign: Campaign, choice: str, phone: str = "") -> str | None:
    person = find_recipient(Audience.of(campaign), compile_message(campaign), choice, phone)
    return person.msisdn if person else None


def test_first_recipient_is_of_the_list_that_was_made_first() -> None:
    first = contact_list("Z", [(IVAN, "UA", {}), (ANA, "RO", {})])
    campaign = draft(first, contact_list("A", [(OLENA, "UA", {})]), text="Hi {first_name|you}")
    assert find_phone(campaign, FIRST) == IVAN
    assert find_phone(campaign, f"{COUNTRY}UA") == IVAN
    assert find_phone(campaign, MISSING_DATA) == IVAN


def test_each_choice_finds_its_recipient(campaign: Campaign) -> None:
    assert find_phone(campaign, FIRST) == OLENA
    assert find_phone(campaign, LONGEST) == ANA
    assert find_phone(campaign, MISSING_DATA) == IVAN
    assert find_phone(campaign, f"{COUNTRY}RO") == ANA
    assert find_phone(campaign, BY_PHONE, "+380 97 000 00 02") == IVAN
    assert find_phone(campaign, BY_PHONE, "+380 97 999 99 99") is None


def test_only_choices_that_make_a_difference_are_offered(campaign: Campaign) -> None:
    offered = [
        choice
        for choice, _label in recipient_choices({"UA": 2, "RO": 1}, compile_message(campaign))
    ]
    assert offered == [FIRST, LONGEST, MISSING_DATA, "country:UA", "country:RO", BY_PHONE]
    campaign.text = "Hi"
    assert [
        choice for choice, _label in recipient_choices({"UA": 2}, compile_message(campaign))
    ] == [
        FIRST,
        BY_PHONE,
    ]


def test_preview_equals_the_sent_message(campaign: Campaign) -> None:
    campaign.sms_text = "я" * 71
    for person in Audience.of(campaign).recipients():
        preview = build_preview(campaign, person)
        assert preview.rendered == compile_message(campaign).render(person.fields)
        assert [part.number for part in preview.sms_parts] == [1, 2]


def test_preview_names_a_missing_value(campaign: Campaign) -> None:
    campaign.text = "Hi {first_name}"
    without_name = Audience.of(campaign).recipients().get(msisdn=IVAN)
    assert build_preview(campaign, without_name).missing == "{first_name}"
    assert build_preview(campaign, without_name).rendered.text == "Hi {first_name}"
    assert build_preview(campaign, None).missing == ""
