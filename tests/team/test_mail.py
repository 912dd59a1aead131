"""E-mails: each on its own, repeated after temporary errors, never lost, shown if they fail."""

from datetime import UTC, datetime, timedelta
from smtplib import SMTP
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from campaigns.models import AuditEntry, MailState, OutgoingMail, Role, User
from campaigns.team import mail_delivery
from campaigns.team.mail import Attachment, mail, mail_to
from tests.mail_server import FAIL_AFTER_DATA, MailServer
from tests.markup import squeezed
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
NO_SUCH_USER, BUSY = "550 5.1.1 no such user", "451 4.3.0 try later"


def team(*names: str) -> list[User]:
    return [make_user(name, email=f"{name}@example.com") for name in names]


def states() -> dict[str, str]:
    rows = OutgoingMail.objects.values_list("address", "state")
    return {address.partition("@")[0]: state for address, state in rows}


def tries_until_given_up(clock: Any) -> list[timedelta]:
    """How long after the first try each further one is made, until there are none."""
    tries, message = [], OutgoingMail.objects.get()
    while message.state == MailState.WAITING:
        clock.move_to(message.next_try_at)
        mail_delivery.deliver_due()
        tries.append(message.next_try_at - NOW)
        message.refresh_from_db()
    return tries


def test_a_refused_recipient_does_not_stop_the_others(mail_server: MailServer) -> None:
    mail_server.replies = {"anna@example.com": [NO_SUCH_USER], "ivan@example.com": [BUSY]}
    assert mail(team("anna", "ivan", "olena", "taras"), "Budget", "80 %") == 4
    assert mail_delivery.deliver_due() == 2
    assert mail_server.recipients == ["olena@example.com", "taras@example.com"]
    assert states() == {"anna": "failed", "ivan": "waiting", "olena": "sent", "taras": "sent"}
    errors = OutgoingMail.objects.exclude(last_error="").values_list("last_error", flat=True)
    assert sorted(errors) == [BUSY, NO_SUCH_USER]


def test_what_could_not_be_an_e_mail_does_not_stop_the_others(mail_server: MailServer) -> None:
    mail_to("nobody at example", "First", "")
    mail_to("olena@example.com", "Second", "")
    OutgoingMail.objects.filter(subject="First").update(subject="two\nlines")
    assert mail_delivery.deliver_due() == 1
    assert mail_server.recipients == ["olena@example.com"]
    assert OutgoingMail.objects.get(state="failed").last_error.startswith("Header values can't")


def test_temporary_errors_are_repeated_for_a_day(mail_server: MailServer) -> None:
    mail_server.replies["olena@example.com"] = [BUSY] * 20
    with time_machine.travel(NOW, tick=False) as clock:
        mail(team("olena"), "Report", "")
        assert mail_delivery.deliver_due() == mail_delivery.deliver_due() == 0
        minutes = [wait / timedelta(minutes=1) for wait in tries_until_given_up(clock)]
    assert minutes == [5, 15, 35, 75, 155, 315, 635, 1275]
    assert len(mail_server.asked) == mail_delivery.MAX_TRIES
    assert states() == {"olena": "failed"}


@pytest.mark.parametrize("trouble", ["closed", "password"])
def test_a_server_that_takes_nothing_loses_nothing(
    mail_server: MailServer, settings: Settings, trouble: str
) -> None:
    settings.EMAIL_PORT = 9 if trouble == "closed" else mail_server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = "" if trouble == "closed" else "wrong"
    with time_machine.travel(NOW, tick=False) as clock:
        mail(team("olena", "taras"), "Report", "")
        assert mail_delivery.deliver_due() == 0
        assert states() == {"olena": "waiting", "taras": "waiting"}
        settings.EMAIL_PORT, settings.EMAIL_HOST_USER = mail_server.port, ""
        clock.shift(timedelta(minutes=5))
        assert mail_delivery.deliver_due() == 2
    assert OutgoingMail.objects.filter(last_error="").count() == 2


def test_a_crash_after_the_server_took_it_sends_it_twice_with_one_id(
    mail_server: MailServer,
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        mail_to("olena@example.com", "Report", "Text", Attachment("a.csv", "text/csv", b"1,2\n"))
        really = SMTP.sendmail

        def crash(*arguments: object, **options: object) -> None:
            really(*arguments, **options)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        with patch.object(SMTP, "sendmail", crash), pytest.raises(KeyboardInterrupt):
            mail_delivery.deliver_due()
        assert mail_delivery.deliver_due() == 0  # not while the crashed one might still be at it
        clock.shift(timedelta(minutes=5))
        assert mail_delivery.deliver_due() == 1
        clock.shift(timedelta(days=2))
        assert mail_delivery.deliver_due() == 0
    first, second = mail_server.received
    assert first["Message-ID"] == second["Message-ID"]
    assert [part.get_content() for part in second.iter_attachments()] == ["1,2\r\n"]
    assert OutgoingMail.objects.get().attachment is None  # not kept once sent


def test_a_lost_answer_is_followed_by_another_try(mail_server: MailServer) -> None:
    mail_server.replies["olena@example.com"] = [FAIL_AFTER_DATA]
    mail(team("olena", "taras"), "Report", "")
    assert mail_delivery.deliver_due() == 1
    assert states() == {"olena": "waiting", "taras": "sent"}


def test_administrators_resend_and_discard(
    client: Client, mail_server: MailServer, settings: Settings
) -> None:
    boss = make_user("boss", Role.ADMINISTRATOR)
    client.force_login(boss)
    assert "All e-mails were delivered." in client.get("/settings/mail/").content.decode()
    mail_server.replies = {"anna@example.com": [NO_SUCH_USER], "ivan@example.com": [BUSY]}
    mail(team("anna", "ivan", "olena"), "Budget", "80 %")
    mail_delivery.deliver_due()
    page = squeezed(client.get("/settings/mail/").content.decode())
    assert "olena@" not in page
    for text in (NO_SUCH_USER, BUSY, "Resend all", "Discard the e-mail to anna@example.com?"):
        assert text in page
    assert "1 e-mail could not be delivered." in client.get("/settings/").content.decode()
    assert "1 e-mail could not be delivered." in squeezed(client.get("/").content.decode())
    anna, ivan = (
        OutgoingMail.objects.get(address=f"{name}@example.com").pk for name in ("anna", "ivan")
    )
    assert client.post(f"/settings/mail/{anna}/resend").status_code == 302
    assert client.post(f"/settings/mail/{ivan}/discard").status_code == 302
    assert mail_delivery.deliver_due() == 1
    assert states() == {"anna": "sent", "olena": "sent"}
    assert AuditEntry.objects.filter(actor=boss).values_list("action", flat=True).count() == 2
    cache.clear()
    assert "could not be delivered" not in client.get("/settings/").content.decode()


def test_all_are_resent_at_once_after_the_server_was_repaired(
    client: Client, mail_server: MailServer
) -> None:
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    mail_server.replies = {f"{name}@example.com": [BUSY] for name in ("anna", "ivan")}
    mail(team("anna", "ivan"), "Budget", "80 %")
    assert mail_delivery.deliver_due() == 0
    client.post("/settings/mail/resend")
    assert mail_delivery.deliver_due() == 2


def test_others_see_nothing_of_it(client: Client) -> None:
    message = mail_to("olena@example.com", "Report", "")
    OutgoingMail.objects.update(state=MailState.FAILED)
    client.force_login(make_user("maria", Role.APPROVER))
    assert client.get("/settings/mail/").status_code == 403
    for address in ("resend", f"{message.pk}/resend", f"{message.pk}/discard"):
        assert client.post(f"/settings/mail/{address}").status_code == 403
    assert "/settings/mail/" not in client.get("/settings/").content.decode()
    assert "could not be delivered" not in client.get("/").content.decode()
    assert OutgoingMail.objects.get().state == MailState.FAILED


def test_old_ones_are_deleted(mail_server: MailServer) -> None:
    mail_server.replies["anna@example.com"] = [NO_SUCH_USER]
    with time_machine.travel(NOW, tick=False):
        mail(team("anna", "olena", "taras"), "Report", "")
        OutgoingMail.objects.filter(address__startswith="taras").delete()
        mail_delivery.deliver_due()
    assert mail_delivery.remove_old(MailState.SENT, NOW) is None
    assert mail_delivery.remove_old(MailState.SENT, NOW + timedelta(days=1)) == 1
    assert states() == {"anna": "failed"}
    assert mail_delivery.remove_old(MailState.FAILED, NOW + timedelta(days=1)) == 1
