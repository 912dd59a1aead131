"""E-mail to users: written to the outbox, in the caller's transaction, and sent by the queue
(mail_delivery.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import make_msgid

from django.conf import settings

from campaigns.shared import database_clock
from campaigns.shared.queue import enqueue
from campaigns.team.models import OutgoingMail, User

DELIVER = "campaigns.team.tasks.deliver_mail"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an e-mail: its name, its MIME type and its bytes."""

    name: str
    type: str
    content: bytes


def mail(users: Iterable[User], subject: str, body: str) -> int:
    """Have `body` sent to each active user who has an address, one message each.

    Returns to how many.
    """
    addresses = sorted({user.email for user in users if user.is_active and user.email})
    for address in addresses:
        _write(address, subject, body)
    if addresses:
        enqueue(DELIVER)
    return len(addresses)


def mail_to(
    address: str, subject: str, body: str, attachment: Attachment | None = None
) -> OutgoingMail:
    """Have one message sent to `address`, and return it."""
    message = _write(address, subject, body, attachment)
    enqueue(DELIVER)
    return message


def _write(
    address: str, subject: str, body: str, attachment: Attachment | None = None
) -> OutgoingMail:
    subject_limit = OutgoingMail._meta.get_field("subject").max_length
    name_limit = OutgoingMail._meta.get_field("attachment_name").max_length
    return OutgoingMail.objects.create(
        address=address,
        subject=single_line(subject)[:subject_limit],
        body=body,
        attachment_name=single_line(attachment.name)[:name_limit] if attachment else "",
        attachment_type=attachment.type if attachment else "",
        attachment=attachment.content if attachment else None,
        message_id=make_msgid(domain=settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")),
        next_try_at=database_clock.now(),
    )


def single_line(text: str) -> str:
    """Remove line breaks, which would begin another header."""
    return " ".join(text.split())


def link(path: str) -> str:
    """The address of a page for an e-mail; only the path if PUBLIC_BASE_URL is not set."""
    return f"{settings.PUBLIC_BASE_URL}{path}"
