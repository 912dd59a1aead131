"""A message whose end is not known says when the gateway was last asked about it."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.dispatch.models import Batch, Recipient, SendState
from campaigns.reports.campaign.message_rows import SILENCE, load_rows
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
ASKED = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
NEVER = "Unknown whether the gateway accepted the message."


@pytest.mark.parametrize(
    ("recipient", "batch", "reason"),
    [
        ({"send_state": SendState.UNRESOLVED}, {}, f"{NEVER} · Last asked 24 Nov 2026, 10:00."),
        ({"send_state": SendState.UNRESOLVED}, {"asked_at": None}, NEVER),
        (
            {"status": "sent"},
            {},
            "Sent, not delivered yet · The end is unknown. Last asked 24 Nov 2026, 10:00.",
        ),
        ({"status": "expired", "final": True}, {}, "Not reached within the validity period"),
        ({"send_state": SendState.QUEUED}, {}, ""),
        ({}, {"checks": 0, "answered_at": None}, "Not yet known"),  # accepted by a question
        (
            {},
            {"check_at": ASKED, "answered_at": None},
            "Not yet known · Asked 24 Nov 2026, 10:00, without an answer.",
        ),
        (
            {},
            {"check_at": ASKED, "answered_at": ASKED - SILENCE - timedelta(seconds=1)},
            "Not yet known · Asked 24 Nov 2026, 10:00, without an answer.",
        ),
        ({}, {"check_at": ASKED, "answered_at": ASKED - SILENCE}, "Not yet known"),
    ],
)
def test_row_says_when_the_gateway_was_last_asked(
    recipient: dict[str, object], batch: dict[str, object], reason: str
) -> None:
    campaign = factory.launched(1)
    Recipient.objects.update(**{"send_state": SendState.ACCEPTED, **recipient})
    Batch.objects.update(**{"asked_at": ASKED, "answered_at": ASKED, "checks": 1, **batch})
    [row] = load_rows(list(Recipient.objects.all()), [campaign])
    assert row.reason == reason
