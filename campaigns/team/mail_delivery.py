"""Delivery of the outbox: message by message, repeated for a day, and what could not be delivered.

The time of the next try is committed before each try, so a crash during it leads to another try. A
crash between the mail server's acceptance and our commit therefore sends a message twice, with the
same Message-ID: that is better than never.

A refusal of the recipient, the sender or the content with 5xx is final. Anything else may pass, so
it is tried again: an unreachable server, 4xx, and also a wrong password, which concerns every
message and not this one.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from time import monotonic
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F, Q, QuerySet

from campaigns.shared import database_clock
from campaigns.shared.queue import enqueue
from campaigns.team import audit
from campaigns.team.mail import DELIVER, Attachment, single_line
from campaigns.team.models import MailState, OutgoingMail, User

logger = logging.getLogger(__name__)
TIME_LIMIT = 60.0  # seconds of one task; each wait for the mail server is limited by EMAIL_TIMEOUT
FIRST_WAIT = timedelta(minutes=5)  # longer than a task can take; each further wait is doubled
MAX_TRIES = 9  # the last one after 21 hours
REMOVED_AT_ONCE = 500


def deliver_due(time_limit: float = TIME_LIMIT) -> int:
    """Send the messages that are due, for at most about `time_limit` seconds; return how many."""
    sent, until = 0, monotonic() + time_limit
    connection = get_connection()
    try:
        while monotonic() < until and (message := _claim()):
            sent += _deliver(connection, message)
    finally:
        _close(connection)
    return sent


def _claim() -> OutgoingMail | None:
    """Return a message that is due and belongs to this worker until its next try."""
    while True:
        now = database_clock.now()
        due = OutgoingMail.objects.filter(state=MailState.WAITING, next_try_at__lte=now)
        message = due.order_by("next_try_at", "pk").first()
        if message is None:
            return None
        next_try_at = now + FIRST_WAIT * 2**message.tries
        if _update(message, tries=F("tries") + 1, next_try_at=next_try_at):
            message.tries += 1
            return message


def _update(message: OutgoingMail, **columns: Any) -> bool:
    """Change `message` if it is still at this try."""
    same_try = OutgoingMail.objects.filter(
        pk=message.pk, state=MailState.WAITING, tries=message.tries
    )
    return bool(same_try.update(**columns))


def _deliver(connection: Any, message: OutgoingMail) -> bool:
    try:
        connection.open()
        email_of(connection, message).send()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the other messages
        logger.warning("E-mail %s: try %s failed: %s", message.pk, message.tries, describe(error))
        _close(connection)
        is_final = _is_final(error) or message.tries >= MAX_TRIES
        state = MailState.FAILED if is_final else MailState.WAITING
        _update(message, state=state, last_error=describe(error))
        return False
    OutgoingMail.objects.filter(pk=message.pk).update(
        state=MailState.SENT, sent_at=database_clock.now(), last_error="", attachment=None
    )
    return True


def _close(connection: Any) -> None:
    with suppress(Exception):  # it may be broken already
        connection.close()


def email_of(connection: Any, message: OutgoingMail) -> EmailMessage:
    """The e-mail that is sent for `message`."""
    email = EmailMessage(
        message.subject,
        message.body,
        to=[message.address],
        headers={"Message-ID": message.message_id},
        connection=connection,
    )
    if message.attachment is not None:
        content = bytes(message.attachment)  # PostgreSQL gives a memoryview
        file = Attachment(message.attachment_name, message.attachment_type, content)
        email.attach(file.name, file.content, file.type)
    return email


def _is_final(error: Exception) -> bool:
    """Whether the same message would fail again, whenever it is sent."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(_is_permanent(code) for code, _text in error.recipients.values())
    if isinstance(error, SMTPSenderRefused | SMTPDataError):
        return _is_permanent(error.smtp_code)
    return isinstance(error, ValueError)  # an address or a header that no e-mail can have


def _is_permanent(code: int) -> bool:
    return 500 <= code <= 599


def describe(error: Exception) -> str:
    """Return what the mail server or this machine said, in a line: "550 no such user"."""
    code: int
    reply: bytes | str
    if isinstance(error, SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
    elif isinstance(error, SMTPResponseException):
        code, reply = error.smtp_code, error.smtp_error
    else:
        return (single_line(str(error)) or type(error).__name__)[:300]
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return single_line(f"{code} {text}".replace("\0", ""))[:300]


def undelivered() -> QuerySet[OutgoingMail]:
    """The messages that failed or wait for another try, newest first, without their content."""
    retrying = Q(state=MailState.WAITING) & ~Q(last_error="")
    messages = OutgoingMail.objects.filter(Q(state=MailState.FAILED) | retrying)
    return messages.defer("body", "attachment").order_by("-pk")


def count_failed() -> int:
    """How many messages will not be tried again by themselves."""
    return OutgoingMail.objects.filter(state=MailState.FAILED).count()


@transaction.atomic
def resend(messages: QuerySet[OutgoingMail], actor: User) -> int:
    """Try undelivered `messages` again now, as often as new ones; return how many."""
    chosen = list(messages.filter(state__in=(MailState.WAITING, MailState.FAILED)))
    for message in chosen:
        audit.record(actor, message, "resent", message.address)
    changed = OutgoingMail.objects.filter(
        pk__in=[message.pk for message in chosen], state__in=(MailState.WAITING, MailState.FAILED)
    ).update(state=MailState.WAITING, tries=0, next_try_at=database_clock.now())
    enqueue(DELIVER)
    return changed


@transaction.atomic
def discard(message: OutgoingMail, actor: User) -> bool:
    """Delete an undelivered message; False if it was delivered meanwhile."""
    unsent = OutgoingMail.objects.filter(pk=message.pk).exclude(state=MailState.SENT)
    if not unsent.delete()[0]:
        return False
    audit.record(actor, message, "discarded", str(message))
    return True


def remove_old(state: MailState, before: datetime) -> int | None:
    """Delete some of the messages that came into `state` `before`. Returns how many; None: nothing
    is left.
    """
    settled = OutgoingMail.objects.filter(state=state, next_try_at__lt=before).order_by("pk")
    ids = list(settled.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    return OutgoingMail.objects.filter(pk__in=ids).delete()[0] if ids else None
