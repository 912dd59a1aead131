"""The gateway's statuses: what each means here, and how to explain it to a user.

From docs/gateway-contract.md, "Statuses". Results, reports and the sandbox read this table and keep
no list of their own: to handle another status, add its row.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from campaigns.gateway.types import LazyText

NEW, WAITING, SCHEDULED, MODERATION = "new", "waiting", "scheduled", "moderation"
ACCEPTED, SENDING, SENT = "accepted", "sending", "sent"
DELIVERED, READ = "delivered", "read"
EXPIRED, UNDELIVERABLE, UNDELIVERED = "expired", "undeliverable", "undelivered"
NOT_VIBER_USER, NOT_SERVICE_USER = "not_viber_user", "not_service_user"
REJECTED, FAILED, DELETED, UNKNOWN = "rejected", "failed", "deleted", "unknown"


class Progress(StrEnum):
    """How far a Viber message has come; the values are those of dispatch's `DeliveryState`."""

    NOT_KNOWN = ""
    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """What a status means. `next_step` is "" where a user can do nothing about it."""

    status: str  # in lower case, with underscores
    progress: Progress
    is_final: bool  # no other status follows
    label: LazyText | str
    next_step: LazyText | str = ""


_ROWS = (
    StatusMeaning("", Progress.NOT_KNOWN, False, _("Not yet known")),  # no status came yet
    StatusMeaning(NEW, Progress.WAITING, False, _("New at the gateway")),
    StatusMeaning(WAITING, Progress.WAITING, False, _("Waiting at the gateway")),
    StatusMeaning(SCHEDULED, Progress.WAITING, False, _("Scheduled at the gateway")),
    StatusMeaning(
        MODERATION,
        Progress.WAITING,
        False,
        _("In moderation at the gateway"),
        _("Wait. If it takes more than a day, ask BSG."),
    ),
    StatusMeaning(ACCEPTED, Progress.WAITING, False, _("Accepted by the gateway")),
    StatusMeaning(SENDING, Progress.SENT, False, _("Being sent to Viber")),
    StatusMeaning(SENT, Progress.SENT, False, _("Sent, not delivered yet")),
    StatusMeaning(DELIVERED, Progress.DELIVERED, False, _("Delivered")),
    StatusMeaning(READ, Progress.READ, True, _("Read")),
    StatusMeaning(
        EXPIRED,
        Progress.NOT_DELIVERED,
        True,
        _("Not reached within the validity period"),
        _("Try another time of day, a longer validity period or an SMS fallback."),
    ),
    StatusMeaning(
        UNDELIVERABLE,
        Progress.NOT_DELIVERED,
        True,
        _("Could not be delivered"),
        _("The phone may no longer be in use. Check where the list came from."),
    ),
    StatusMeaning(
        UNDELIVERED,
        Progress.NOT_DELIVERED,
        True,
        _("Was not delivered"),
        _("Resend to failed recipients, or add an SMS fallback."),
    ),
    StatusMeaning(
        NOT_VIBER_USER,
        Progress.NOT_DELIVERED,
        True,
        _("Does not use Viber"),
        _("Add an SMS fallback to reach these recipients."),
    ),
    StatusMeaning(
        NOT_SERVICE_USER,
        Progress.NOT_DELIVERED,
        True,
        _("Does not use the service"),
        _("Add an SMS fallback to reach these recipients."),
    ),
    StatusMeaning(
        REJECTED,
        Progress.NOT_DELIVERED,
        True,
        _("Rejected by the operator or by Viber"),
        _("Check the message against Viber's content rules, then ask BSG."),
    ),
    StatusMeaning(
        FAILED,
        Progress.NOT_DELIVERED,
        True,
        _("Delivery failed"),
        _("Resend to failed recipients."),
    ),
    StatusMeaning(DELETED, Progress.NOT_DELIVERED, True, _("Deleted at the gateway")),
    StatusMeaning(
        UNKNOWN,
        Progress.NOT_KNOWN,
        False,
        _("Unknown to the gateway"),
        _("Export the recipients and send the reference of this one to BSG."),
    ),
)
STATUSES: dict[str, StatusMeaning] = {row.status: row for row in _ROWS}


def known_spelling(status: str) -> str:
    """`status` as the table spells it, which may come in any case and with `-` for `_`.

    One that is not in the table is returned as it is.
    """
    spelling = status.lower().replace("-", "_")
    return spelling if spelling in STATUSES else status


def status_meaning(status: str) -> StatusMeaning:
    """What `status` means; one that is not in the table says nothing and is shown as it came."""
    return STATUSES.get(status) or StatusMeaning(status, Progress.NOT_KNOWN, False, status)
