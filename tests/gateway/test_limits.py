"""The limits of the contract, each just within and just beyond."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.gateway.limits import is_image_address, is_sms_sender, is_web_address, violations
from campaigns.gateway.types import Address, SendRequest, SmsFallback
from tests.gateway.requests_made import TWO_MESSAGES, WHOLE, text_request

URL = "https://example.com/"
MESSAGE = WHOLE.messages[0]


def broken_limits(request: SendRequest) -> list[tuple[str, int]]:
    return [(violation.field, violation.code) for violation in violations(request)]


@pytest.mark.parametrize("request_made", [text_request(), WHOLE, TWO_MESSAGES])
def test_a_valid_request_has_no_violations(request_made: SendRequest) -> None:
    assert violations(request_made) == []


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"text": ""}, [("text", 46)]),
        ({"text": "x" * 1001}, [("text", 46)]),
        ({"text": "\udcff"}, [("text", 44)]),
        ({"text": "x" * 1000}, []),
        ({"sender": " "}, [("sender", 45)]),
        ({"sender": "x" * 14}, []),
        ({"sender": "x" * 15}, [("sender", 45)]),
        ({"button_url": ""}, [("image_url", 49), ("button_url", 49)]),
        ({"button_caption": ""}, [("image_url", 49), ("button_caption", 49)]),
        ({"button_caption": "x" * 20}, []),
        ({"button_caption": "x" * 21}, [("button_caption", 49)]),
        ({"button_url": URL + "x" * 235}, []),
        ({"button_url": URL + "x" * 236}, [("button_url", 49)]),
        ({"button_url": "ftp://example.com"}, [("button_url", 49)]),
        ({"image_url": "https://example.com/logo.svg"}, [("image_url", 49)]),
        ({"image_url": "https://example.com/logo.PNG"}, [("image_url", 49)]),
        ({"image_url": ""}, []),
        ({"sms": SmsFallback("ab", "text")}, [("sms_sender", 49)]),
        ({"sms": SmsFallback("abc", "")}, [("sms_text", 49)]),
        ({"sms": SmsFallback("abc", "x" * 765)}, []),
        ({"sms": SmsFallback("abc", "x" * 766)}, [("sms_text", 49)]),
        ({"callback_url": "example.com"}, [("callback_url", 44)]),
        ({"scheduled_at": datetime(2026, 3, 1, 9, 30)}, [("scheduled_at", 10)]),  # noqa: DTZ001
        ({"scheduled_at": datetime(2026, 3, 1, 9, 30, tzinfo=UTC)}, []),
        ({"to": ()}, [("to", 3)]),
    ],
)
def test_violations_name_the_field_of_a_message(
    change: dict[str, Any], breach: list[tuple[str, int]]
) -> None:
    assert broken_limits(replace(WHOLE, messages=(replace(MESSAGE, **change),))) == breach


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"messages": ()}, [("messages", 3)]),
        ({"tariff": 9}, []),
        ({"tariff": 10}, [("tariff", 6)]),
        ({"tariff": -1}, [("tariff", 6)]),
        ({"validity": 15}, []),
        ({"validity": 14}, [("validity", 48)]),
        ({"validity": 86_401}, [("validity", 48)]),
    ],
)
def test_violations_name_the_field_of_a_request(
    change: dict[str, Any], breach: list[tuple[str, int]]
) -> None:
    assert broken_limits(replace(WHOLE, **change)) == breach


def test_recipients_are_counted_over_all_messages() -> None:
    def request(second: int) -> SendRequest:
        to = [
            tuple(Address(f"4072{part}{k:06d}", f"r{part}{k}") for k in range(n))
            for part, n in ((1, 26), (2, second))
        ]
        return SendRequest(tuple(replace(MESSAGE, to=addresses) for addresses in to))

    assert broken_limits(request(24)) == []
    assert broken_limits(request(25)) == [("messages", 12)]


def test_violations_name_the_position_of_the_recipient() -> None:
    request = text_request(
        ("380972920283", "a"),
        ("0972920283", "b"),
        ("380972920284", "no-dash"),
        ("380972920283", "d"),
    )
    assert [(v.field, v.code, v.message, v.recipient) for v in violations(request)] == [
        ("msisdn", 41, 0, 1),
        ("reference", 47, 0, 2),
        ("msisdn", 51, 0, 3),
    ]


@pytest.mark.parametrize(
    "msisdn", ["1234567", "1" * 16, "+380972920283", "38097292028x", "", "٣٨٠٩٧٢٩٢٠٢٨"]
)
def test_invalid_phones_are_violations(msisdn: str) -> None:
    assert broken_limits(text_request((msisdn, "a"))) == [("msisdn", 41)]


def test_an_sms_sender_may_have_more_digits_than_letters() -> None:
    assert [
        is_sms_sender(s) for s in ("ab", "abc", "x" * 11, "x" * 12, "12", "1" * 15, "1" * 16)
    ] == [
        False,
        True,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_web_address_needs_scheme_and_host() -> None:
    good = ["http://a", "https://a.b/c?d#e", "HTTPS://A.B"]
    bad = [
        "a.b",
        "https://",
        "https:///x",
        "javascript:alert(1)",
        "https://a b",
        "https://a\n",
        "//a.b",
    ]
    assert all(is_web_address(url) for url in good)
    assert not any(is_web_address(url) for url in bad)


def test_an_image_address_has_a_documented_ending() -> None:
    assert all(
        is_image_address(f"{URL}x{end}")
        for end in (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff")
    )
    assert not is_image_address(f"{URL}x.png?size=2")
