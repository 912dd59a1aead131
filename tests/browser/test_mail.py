"""E-mails that were not delivered, from the dashboard to their end."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import MailState, OutgoingMail

Look = Callable[[Page, str], None]


def fill() -> None:
    for number, (state, error) in enumerate(
        [
            (
                MailState.FAILED,
                "550 5.1.1 <anna.a.rather.long.name@example.com>: Recipient unknown",
            ),
            (MailState.WAITING, "[Errno 111] Connection refused"),
        ]
    ):
        OutgoingMail.objects.create(
            address="anna.a.rather.long.name@mail.example.com",
            subject="ViberDash: Spend by campaign in Ukraine, 1 Nov 2026 – 30 Nov 2026",
            body="",
            message_id=f"<{number}@example.com>",
            state=state,
            tries=number + 1,
            next_try_at=timezone.now() + timedelta(hours=2),
            last_error=error,
        )


def test_undelivered_mail(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/mail/")
    look(signed_in, "mail-empty")
    fill()
    signed_in.goto("/")
    signed_in.get_by_role("link", name="Undelivered e-mails").click()
    look(signed_in, "mail")
    signed_in.get_by_role("button", name="Discard").first.click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(signed_in.get_by_text("The e-mail was discarded.")).to_be_visible()
    signed_in.get_by_role("button", name="Resend").click()
    expect(signed_in.get_by_text("1 e-mail is being resent.")).to_be_visible()
    assert OutgoingMail.objects.get().tries == 0
