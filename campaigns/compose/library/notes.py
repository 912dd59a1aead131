"""Notes: what users write about a campaign for their colleagues."""

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, Note
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

NOTE_MAX = Note._meta.get_field("text").max_length or 0


def add_note(campaign: Campaign, text: str, actor: User | None) -> Note:
    """Add a note to `campaign`. Raises Refused for a text that is empty or too long."""
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not 0 < len(text) <= NOTE_MAX:
        raise Refused(_("Enter a note of 1 to %(most)d characters.") % {"most": NOTE_MAX})
    with transaction.atomic():
        audit.record(actor, campaign, "noted")
        return Note.objects.create(campaign=campaign, author=actor, text=text)


def may_delete(note: Note, user: User) -> bool:
    """Whether `user` may delete `note`: its author and administrators may."""
    return note.author_id == user.pk or has_permission(user, Permission.MODERATE)


@transaction.atomic
def delete_note(note: Note, actor: User) -> None:
    """Delete `note`. The audit trail, which nothing can be erased from, does not keep its text."""
    audit.record(actor, note.campaign, "unnoted", f"note:{note.pk}")
    note.delete()
