"""The trail of a campaign, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.team.models import AuditEntry

ACTIONS: dict[str, str | Promise] = {
    "created": _("created the campaign"),
    "duplicated": _("made it from another campaign"),
    "edited": _("edited the draft"),
    "launched": _("launched it"),
    "asked for approval": _("asked for approval"),
    "approved": _("approved it"),
    "returned": _("returned it to its draft"),
    "approval void": _("found that it had changed: it is a draft again"),
    "rehearsed": _("rehearsed it"),
    "paused": _("paused it"),
    "resumed": _("resumed it"),
    "cancelled": _("cancelled it"),
    "finished": _("finished sending"),
    "budget": _("changed the budget"),
    "hours": _("changed the sending hours"),
    "labelled": _("put a label on it"),
    "unlabelled": _("took a label off"),
    "noted": _("wrote a note"),
    "unnoted": _("deleted a note"),
    "archived": _("archived it"),
    "unarchived": _("took it out of the archive"),
    "correction": _("entered a correction of what it cost"),
    "again": _("made a draft to those it did not reach"),
}


@dataclass(frozen=True, slots=True)
class Deed:
    at: datetime
    who: str  # "" for the system itself
    what: str | Promise
    detail: str


def deeds(entries: Iterable[AuditEntry]) -> list[Deed]:
    """`entries` of the trail as sentences; an action that has no words yet shows its own name."""
    return [_deed(entry) for entry in entries]


def _deed(entry: AuditEntry) -> Deed:
    what, detail = ACTIONS.get(entry.action, entry.action), entry.detail
    if entry.action == "launched" and detail.isdecimal():  # how many people it was launched to
        people = int(detail)
        words = ngettext(
            "launched it to %(people)s person", "launched it to %(people)s people", people
        )
        what, detail = words % {"people": number_format(people, force_grouping=True)}, ""
    return Deed(entry.at, _name(entry), what, detail)


def _name(entry: AuditEntry) -> str:
    return (entry.actor.get_full_name() or entry.actor.get_username()) if entry.actor else ""
