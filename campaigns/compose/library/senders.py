"""Senders: the names that messages come from, as registered with BSG."""

from django.db.models import Count, Max, ProtectedError, QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Sender
from campaigns.team import audit
from campaigns.team.models import User


def senders_with_use() -> QuerySet[Sender]:
    """All senders by name, each with `campaigns` (how many use it) and `last_used` (the latest
    launch of one of them).
    """
    return Sender.objects.annotate(
        campaigns=Count("campaign"), last_used=Max("campaign__launched_at")
    ).order_by("name")


def remove_sender(sender: Sender, actor: User) -> None:
    """Remove `sender`. Raises Refused if a campaign uses it."""
    try:
        audit.delete(actor, sender, "removed", sender.name)
    except ProtectedError as used:
        message = _("“%(name)s” can't be removed: campaigns use it.") % {"name": sender.name}
        raise Refused(message) from used
