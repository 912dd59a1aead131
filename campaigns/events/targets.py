"""Which addresses a webhook may have, and the request to one of them.

https to hosts of the Internet. Hosts and networks in WEBHOOK_INTERNAL_TARGETS are allowed too, and
they may be addressed by http. No redirect is followed: it could lead the events elsewhere.
"""

import ipaddress
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.exchange import Target, exchange, read_address
from campaigns.shared.web.hosts import Internal

logger = logging.getLogger(__name__)
SECONDS = 15.0  # of a request, from the look-up of the host to the answer
ANSWER_BYTES = 300  # that are kept
LONGEST_RETRY_AFTER = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request. `status`: None without an answer; then `text` says why."""

    status: int | None
    text: str
    milliseconds: int
    retry_after: int = 0  # seconds, if the target asked for them

    @property
    def is_success(self) -> bool:
        """Whether the target has the events."""
        return self.status is not None and 200 <= self.status < 300


def read(address: str) -> Target:
    """The parts of an address that a webhook may have. Raises FetchError with the reason.

    The IP addresses of its host are checked at each request.
    """
    target = read_address(address)
    if target.scheme == "http" and not settings.WEBHOOK_INTERNAL_TARGETS:
        raise FetchError(_("Enter an address that begins with https://."))
    return target


def post(address: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send `body` to `address`. Knows no database, and raises nothing."""
    start = time.monotonic()
    status, text, retry_after = None, "", 0
    try:
        target = read(address)
        allowed = internal_targets(only=target.scheme == "http")
        sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
        with exchange(
            target, SECONDS, method="POST", headers=sent, body=body, internal=allowed
        ) as answer:
            status = answer.status
            retry_after = _seconds(answer.headers.get("retry-after", ""))
            text = _first_text(next(answer.chunks(ANSWER_BYTES), b""))
    except FetchError as error:
        # an answer whose body does not end is an answer
        text = text if status is not None else str(error)
    except Exception:  # whatever it is, it must not stop the events of others
        logger.exception("A request to a webhook failed")
        text = _("The request failed. The error was logged.")
    return Reply(status, text, round((time.monotonic() - start) * 1000), retry_after)


def internal_targets(*, only: bool) -> Internal:
    """What WEBHOOK_INTERNAL_TARGETS allows. `only`: nothing else is allowed."""
    entries = settings.WEBHOOK_INTERNAL_TARGETS
    networks = [ipaddress.ip_network(entry) for entry in entries if "/" in entry]
    return Internal({entry for entry in entries if "/" not in entry}, networks, only)


def _seconds(text: str) -> int:
    """A Retry-After in seconds; 0 for a date or nonsense."""
    digits = text.strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 10
    return min(int(digits), LONGEST_RETRY_AFTER) if is_number else 0


def _first_text(content: bytes) -> str:
    """The first bytes of an answer as one line."""
    text = content[:ANSWER_BYTES].decode(errors="replace").replace("\0", "")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
