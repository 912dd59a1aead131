"""Requests that several tests send."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from campaigns.gateway.types import Address, Message, SendRequest, SmsFallback

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def text_request(*recipients: tuple[str, str]) -> SendRequest:
    """One plain message to recipients as (msisdn, reference)."""
    to = tuple(
        Address(*recipient) for recipient in recipients or (("380972920283", "c1a0000000000001"),)
    )
    return SendRequest((Message(to, "Hello", "My Company", promotional=False),))


def to_references(*references: str) -> SendRequest:
    """One plain message to as many phones as there are references."""
    return text_request(
        *((f"38097292{position:04d}", reference) for position, reference in enumerate(references))
    )


WHOLE = SendRequest(
    (
        Message(
            to=(
                Address("380972920283", "c1a0000000000001"),
                Address("380972920282", "c1a0000000000002"),
            ),
            text='Знижка 20 %\nfor "you" 🎉',
            sender="My Company",
            promotional=True,
            image_url="https://example.com/logo.png",
            button_caption="Join us!",
            button_url="https://example.com/?a=1&b=2",
            sms=SmsFallback("testsms", "Sale: 20 % <today>"),
            scheduled_at=datetime(2026, 3, 1, 9, 30, tzinfo=ZoneInfo("Europe/Kyiv")),
            callback_url="https://example.com/reports/x",
        ),
    ),
    validity=3600,
    tariff=1,
)
TWO_MESSAGES = SendRequest(
    (
        Message(
            (Address("380972920283", "a1"),),
            "One",
            "My Company",
            promotional=True,
            button_caption="Go",
            button_url="https://example.com/",
        ),
        Message(
            (Address("40721000000", "a2"),),
            "Two",
            "My Company",
            promotional=True,
            sms=SmsFallback("12345", "Two"),
        ),
    ),
    validity=15,
)
