"""E-mail to users. Call it from a task: mail servers are slow."""

import logging
from collections.abc import Iterable
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from campaigns.team.models import User

logger = logging.getLogger(__name__)


def mail(users: Iterable[User], subject: str, body: str) -> int:
    """Send `body` to each active user who has an address, one message each.

    Returns how many were sent. A failure is logged, not raised.
    """
    addresses = sorted({user.email for user in users if user.is_active and user.email})
    if not addresses:
        return 0
    subject = " ".join(subject.split())  # a line break in a name must not start a header
    messages = [EmailMessage(subject, body, to=[address]) for address in addresses]
    try:
        return get_connection().send_messages(messages) or 0
    except (SMTPException, OSError):
        logger.exception("E-mail could not be sent")
        return 0


def link(path: str) -> str:
    """The address of a page for an e-mail; only the path if PUBLIC_BASE_URL is not set."""
    return f"{settings.PUBLIC_BASE_URL}{path}"
