"""The JSON of a send request."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from campaigns.gateway.bsg import payload
from campaigns.gateway.types import SendRequest
from tests.gateway.requests_made import TWO_MESSAGES, WHOLE, sample, text_request


@pytest.mark.parametrize(
    ("request_made", "name"),
    [
        (text_request(), "request_text.json"),
        (WHOLE, "request_whole.json"),
        (TWO_MESSAGES, "request_two_messages.json"),
    ],
)
def test_body_equals_the_sample(request_made: SendRequest, name: str) -> None:
    assert payload.body(request_made) == sample(name)


def test_body_refuses_a_sending_time_without_a_zone() -> None:
    message = replace(WHOLE.messages[0], scheduled_at=datetime(2026, 3, 1, 9, 30))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        payload.body(SendRequest((message,)))


def test_body_with_an_invalid_character_is_json() -> None:
    message = replace(text_request().messages[0], text="a\ud83db")
    assert json.loads(payload.body(SendRequest((message,))))["messages"][0]["text"] == "a?b"
