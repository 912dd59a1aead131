"""The audit trail of a campaign as sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.team.models import AuditEntry

ACTION_LABELS: dict[str, str | Promise] = {
    "created": _("created the campaign"),
    "duplicated": _("created it as a copy of another campaign"),
    "edited": _("edited the draft"),
    "launched": _("launched it"),
    "started": _("started it at its time"),
    "sending": _("finished preparing it and started sending"),
    "asked for approval": _("requested approval"),
    "approved": _("approved it"),
    "returned": _("turned it back into a draft"),
    "approval void": _("cancelled the approval because the campaign had changed"),
    "rehearsed": _("started a rehearsal"),
    "paused": _("paused it"),
    "resumed": _("resumed it"),
    "resumed by itself": _("resumed it, as there is room in the budget again"),
    "cancelled": _("cancelled it"),
    "finished": _("finished sending"),
    "chose variant": _("chose the variant for the other recipients"),
    "budget": _("changed the budget"),
    "hours": _("changed the sending hours"),
    "rescheduled": _("changed its time"),
    "labelled": _("added a label"),
    "unlabelled": _("removed a label"),
    "noted": _("added a note"),
    "unnoted": _("deleted a note"),
    "archived": _("archived it"),
    "unarchived": _("unarchived it"),
    "correction": _("entered a correction of the cost"),
    "again": _("created a draft to resend to failed recipients"),
}


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    at: datetime
    actor: str  # "" for ViberDash itself
    action: str | Promise
    detail: str


def describe_entries(entries: Iterable[AuditEntry]) -> list[ActivityEntry]:
    """Return the audit entries as sentences; an action without a label keeps its own name."""
    return [_describe(entry) for entry in entries]


def _describe(entry: AuditEntry) -> ActivityEntry:
    action, detail = ACTION_LABELS.get(entry.action, entry.action), entry.detail
    if entry.action == "launched" and detail.isdecimal():  # the number of recipients
        recipients = int(detail)
        text = ngettext(
            "launched it to %(number)s recipient",
            "launched it to %(number)s recipients",
            recipients,
        )
        action, detail = text % {"number": number_format(recipients, force_grouping=True)}, ""
    return ActivityEntry(entry.at, _actor_name(entry), action, detail)


def _actor_name(entry: AuditEntry) -> str:
    """A user's full name; of a removed user and of a command, what was recorded."""
    user = entry.actor
    return user.get_full_name() or user.get_username() if user else entry.actor_name
