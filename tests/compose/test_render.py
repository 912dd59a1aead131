"""The message of one recipient, as it goes to the gateway."""

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import (
    CompiledMessage,
    RenderedMessage,
    compile_message,
    message_for,
)
from campaigns.compose.models import Campaign, Sender, Timing
from campaigns.gateway.types import Address, Message, SmsFallback

TO = (Address("380972920283", "c1"),)
WHEN = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_values_are_url_encoded_in_the_link_and_plain_elsewhere() -> None:
    message = CompiledMessage("{city}", "https://shop.test/?c={city|a b}", "SMS {city}")
    assert message.render({"city": "Біла & Co/"}) == RenderedMessage(
        "Біла & Co/",
        "https://shop.test/?c=%D0%91%D1%96%D0%BB%D0%B0%20%26%20Co%2F",
        "SMS Біла & Co/",
    )


def test_a_fallback_value_is_url_encoded_too() -> None:
    assert (
        CompiledMessage("t", "https://shop.test/{city|a b}").render({}).button_url
        == "https://shop.test/a%20b"
    )


def test_without_tags_all_recipients_share_one_object() -> None:
    message = CompiledMessage("Hello", "https://shop.test/", "Hello")
    assert message.names == frozenset()
    assert message.render({"a": "1"}) is message.render({})


def test_names_are_those_of_all_three_texts() -> None:
    assert CompiledMessage("{a}", "https://x.test/{b}", "{c|d}").names == {"a", "b", "c"}


def test_a_missing_value_raises_or_keeps_its_tag() -> None:
    message = CompiledMessage("Hi {a}", "", "{a}")
    with pytest.raises(MissingValue):
        message.render({})
    assert message.render_partially({}) == RenderedMessage("Hi {a}", "", "{a}")


def campaign(**changes: object) -> Campaign:
    return Campaign(**{"sender": Sender(name="Shop"), "text": "Hi {a|you}", **changes})


def test_message_has_every_field() -> None:
    draft = campaign(
        image_url="https://cdn.test/a.png",
        button_caption="Buy",
        button_url="https://shop.test/{a|x}",
        sms_sender="Shop",
        sms_text="SMS {a|you}",
        promotional=False,
        timing=Timing.GATEWAY,
        scheduled_at=WHEN,
    )
    assert message_for(draft, compile_message(draft).render({}), TO) == Message(
        to=TO,
        text="Hi you",
        sender="Shop",
        promotional=False,
        image_url="https://cdn.test/a.png",
        button_caption="Buy",
        button_url="https://shop.test/x",
        sms=SmsFallback("Shop", "SMS you"),
        scheduled_at=WHEN,
    )


def test_a_time_that_viberdash_waits_for_is_not_sent_to_the_gateway() -> None:
    draft = campaign(timing=Timing.AT, scheduled_at=WHEN)
    message = message_for(draft, compile_message(draft).render({}), TO)
    assert message.scheduled_at is None
    assert message.sms is None


def test_url_of_an_uploaded_image_follows_the_public_address(settings: Settings) -> None:
    draft = campaign(image="pictures/a.png", image_url="http://localhost/media/pictures/a.png")
    settings.PUBLIC_BASE_URL = "https://dash.test"
    assert (
        message_for(draft, compile_message(draft).render({}), TO).image_url
        == "https://dash.test/media/pictures/a.png"
    )
    settings.PUBLIC_BASE_URL = ""
    assert (
        message_for(draft, compile_message(draft).render({}), TO).image_url
        == "http://localhost/media/pictures/a.png"
    )
