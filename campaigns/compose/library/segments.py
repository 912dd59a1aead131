"""Deleting a segment that nothing needs."""

from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Segment
from campaigns.team.models import User
from campaigns.team.removal import InUse, remove_if_unneeded


def delete_segment(segment: Segment, actor: User | None) -> None:
    """Delete `segment`. Raises Refused while a campaign needs it, or a draft excludes it."""
    try:
        remove_if_unneeded(segment, actor, "deleted", segment.name)
    except InUse as used:
        message = _("This segment is used by %(names)s. Remove it there first.")
        raise Refused(message % {"names": used}) from used
