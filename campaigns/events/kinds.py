"""The kinds of events. A new one is a row here, once a stage records its changes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

LazyText = Any  # a text, translated when it is shown


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind: its name is that of the recorded changes. What comes before the point decides what
    its events say: see payloads.
    """

    name: str
    label: LazyText


@dataclass(frozen=True, slots=True)
class KindGroup:
    """Kinds that a form shows together."""

    label: LazyText
    kinds: tuple[EventKind, ...]


GROUPS = (
    KindGroup(
        _("Messages"),
        (
            EventKind("message.accepted", _("Accepted by the gateway")),
            EventKind("message.refused", _("Refused")),
            EventKind("message.unresolved", _("Unresolved: not known whether it was sent")),
            EventKind("message.cancelled", _("Cancelled before it was sent")),
            EventKind("message.waiting", _("Waiting at the gateway")),
            EventKind("message.sent", _("Sent to the phone")),
            EventKind("message.delivered", _("Delivered")),
            EventKind("message.read", _("Read")),
            EventKind("message.not_delivered", _("Not delivered")),
            EventKind("message.fallback", _("Sent by SMS")),
            EventKind("message.sms_delivered", _("Delivered by SMS")),
            EventKind("message.clicked", _("A link was opened")),
            EventKind("message.converted", _("A conversion was reported")),
            EventKind("message.opted_out", _("Unsubscribed by the link")),
        ),
    ),
    KindGroup(
        _("Campaigns"),
        (
            EventKind("campaign.awaiting_approval", _("Waiting for approval")),
            EventKind("campaign.draft", _("Draft again")),
            EventKind("campaign.scheduled", _("Scheduled")),
            EventKind("campaign.preparing", _("Preparing")),
            EventKind("campaign.sending", _("Sending")),
            EventKind("campaign.paused", _("Paused")),
            EventKind("campaign.finished", _("Finished")),
            EventKind("campaign.cancelled", _("Cancelled")),
        ),
    ),
    KindGroup(
        _("Imports"),
        (
            EventKind("import.running", _("Started")),
            EventKind("import.finished", _("Finished")),
            EventKind("import.failed", _("Failed")),
            EventKind("import.cancelled", _("Cancelled")),
            EventKind("import.undone", _("Undone")),
        ),
    ),
    KindGroup(_("Budgets"), (EventKind("budget.warning", _("50, 80 or 100 % used")),)),
)
NAMES = tuple(kind.name for group in GROUPS for kind in group.kinds)
TEST = "webhook.test"  # always sent, when an administrator asks for it


def known(names: Collection[str]) -> list[str]:
    """Those of `names` that are kinds, in the order of the table."""
    return [name for name in NAMES if name in names]
