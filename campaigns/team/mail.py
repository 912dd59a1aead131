"""E-mail to the people who work here. Call it from a task: mail servers are slow."""

import logging
from collections.abc import Iterable
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from campaigns.team.models import User

logger = logging.getLogger(__name__)


def mail(people: Iterable[User], subject: str, body: str) -> int:
    """Send `body` to each of `people` who has an address, one letter each. How many left; a failure
    is logged.
    """
    addresses = sorted({person.email for person in people if person.is_active and person.email})
    if not addresses:
        return 0
    subject = " ".join(subject.split())  # a name with a line break in it must not become a header
    letters = [EmailMessage(subject, body, to=[address]) for address in addresses]
    try:
        return get_connection().send_messages(letters) or 0
    except (SMTPException, OSError):
        logger.exception("E-mail could not be sent")
        return 0


def link(path: str) -> str:
    """The address of a page in a letter; the path alone where nobody said how this site is
    reached.
    """
    return f"{settings.PUBLIC_BASE_URL}{path}"
