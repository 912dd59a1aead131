import pytest

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.preview import (
    BY_PHONE,
    COUNTRY,
    FIRST,
    LONGEST,
    MISSING_DATA,
    build_preview,
    find_recipient,
    recipient_choices,
    split_links,
)
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
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


def whose(campaign: Campaign, word: str, phone: str = "") -> str | None:
    person = find_recipient(Audience.of(campaign), compile_message(campaign), word, phone)
    return person.msisdn if person else None


def test_somebody_is_whom_the_word_means(campaign: Campaign) -> None:
    assert whose(campaign, FIRST) == OLENA
    assert whose(campaign, LONGEST) == ANA
    assert whose(campaign, MISSING_DATA) == IVAN
    assert whose(campaign, f"{COUNTRY}RO") == ANA
    assert whose(campaign, BY_PHONE, "+380 97 000 00 02") == IVAN
    assert whose(campaign, BY_PHONE, "+380 97 999 99 99") is None


def test_choices_offer_what_makes_a_difference(campaign: Campaign) -> None:
    offered = [
        word for word, _label in recipient_choices({"UA": 2, "RO": 1}, compile_message(campaign))
    ]
    assert offered == [FIRST, LONGEST, MISSING_DATA, "country:UA", "country:RO", BY_PHONE]
    campaign.text = "Hi"
    assert [word for word, _label in recipient_choices({"UA": 2}, compile_message(campaign))] == [
        FIRST,
        BY_PHONE,
    ]


def test_preview_is_what_is_sent(campaign: Campaign) -> None:
    campaign.sms_text = "я" * 71
    for person in Audience.of(campaign).recipients():
        shown = build_preview(campaign, person)
        assert shown.rendered == compile_message(campaign).render(person.fields)
        assert [part.number for part in shown.sms_parts] == [1, 2]


def test_preview_names_the_value_that_a_person_lacks(campaign: Campaign) -> None:
    campaign.text = "Hi {first_name}"
    lacking = Audience.of(campaign).recipients().get(msisdn=IVAN)
    assert build_preview(campaign, lacking).missing == "{first_name}"
    assert build_preview(campaign, lacking).rendered.text == "Hi {first_name}"
    assert build_preview(campaign, None).missing == ""


def test_links_in_the_text_are_told_from_words() -> None:
    found = [
        (piece.text, piece.link)
        for piece in split_links("See https://a.example/x?y=1. Or (http://b.example)!")
    ]
    assert found == [
        ("See ", False),
        ("https://a.example/x?y=1", True),
        (". Or (", False),
        ("http://b.example", True),
        (")!", False),
    ]
