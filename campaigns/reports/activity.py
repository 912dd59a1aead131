"""The trail of a campaign, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.team.models import AuditEntry

ACTIONS: dict[str, str | Promise] = {
    "created": _("created the campaign"),
    "duplicated": _("made it from another campaign"),
    "edited": _("edited the draft"),
    "launched": _("launched it"),
    "paused": _("paused it"),
    "resumed": _("resumed it"),
    "cancelled": _("cancelled it"),
    "finished": _("finished sending"),
}


@dataclass(frozen=True, slots=True)
class Deed:
    at: datetime
    who: str  # "" for the system itself
    what: str | Promise
    detail: str


def deeds(entries: Iterable[AuditEntry]) -> list[Deed]:
    """`entries` of the trail as sentences; an action that has no words yet shows its own name."""
    return [Deed(entry.at, _name(entry), ACTIONS.get(entry.action, entry.action), entry.detail) for entry in entries]


def _name(entry: AuditEntry) -> str:
    return (entry.actor.get_full_name() or entry.actor.get_username()) if entry.actor else ""
