"""Senders: the names that messages come from, as registered with BSG. Administrators add them in
Settings; nothing else makes one.
"""

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, Condition, Sender
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.removal import InUse, remove_if_unneeded


def senders_with_use() -> QuerySet[Sender]:
    """All senders by name, each with `campaigns` (how many use it), `last_used` (the latest launch
    of one of them) and `in_segment`: whether a segment asks for it.
    """
    return Sender.objects.annotate(
        campaigns=Count("campaign"),
        last_used=Max("campaign__launched_at"),
        in_segment=Exists(Condition.objects.filter(sender=OuterRef("pk"))),
    ).order_by("name")


def unknown_text(name: str) -> str:
    """That `name` is no sender, and who can make it one."""
    return _(
        "“%(name)s” is not a sender in ViberDash. Choose another one, or ask an administrator to"
        " add it in Settings > Senders."
    ) % {"name": name}


def keep_unknown(campaign: Campaign) -> None:
    """Keep the name of a sender that does not exist as a text of `campaign`, which is not saved
    here: nothing typed is lost, and an administrator may add it.
    """
    campaign.new_sender = ""
    if campaign.sender is not None and campaign.sender._state.adding:
        campaign.new_sender = campaign.sender.name
        campaign.sender = None


@transaction.atomic
def add_sender(sender: Sender, actor: User) -> None:
    """Save a new sender."""
    sender.save()
    audit.record(actor, sender, "added", sender.name)


def remove_sender(sender: Sender, actor: User) -> None:
    """Remove `sender`. Raises Refused if a campaign or a segment uses it."""
    try:
        remove_if_unneeded(sender, actor, "removed", sender.name)
    except InUse as used:
        message = _("“%(name)s” can't be removed. It is used by: %(names)s.")
        raise Refused(message % {"name": sender.name, "names": used}) from used
