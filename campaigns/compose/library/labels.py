"""What a team puts on a campaign for its own order: labels, notes, the archive. Nothing of it
changes what is sent.
"""

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import FINAL, Refused
from campaigns.compose.models import Campaign, CampaignState, Colour, Label, Note
from campaigns.team import audit
from campaigns.team.access import has_role
from campaigns.team.models import Role, User

CAN_ARCHIVE = FINAL | {CampaignState.DRAFT}
LABEL_MAX = Label._meta.get_field("name").max_length or 0
NOTE_MAX = Note._meta.get_field("text").max_length or 0


def used_labels() -> QuerySet[Label]:
    """All labels by name, each with `number`: how many campaigns carry it."""
    return Label.objects.annotate(number=Count("campaigns")).order_by("name")


def label_named(name: str) -> Label:
    """The label of that name, in capitals or not; a new one in the next colour where there is none.
    Raises Refused.
    """
    name = " ".join(name.replace("\0", "").split())
    if not 0 < len(name) <= LABEL_MAX:
        raise Refused(_("A label has 1 to %(most)d characters.") % {"most": LABEL_MAX})
    colours = Colour.values
    known = Label.objects.filter(name__iexact=name)
    if label := known.first():
        return label
    try:
        with transaction.atomic():
            return Label.objects.create(
                name=name, colour=colours[Label.objects.count() % len(colours)]
            )
    except IntegrityError:  # somebody else made it just now
        return known.get()


@transaction.atomic
def put_label(campaign: Campaign, name: str, actor: User | None) -> Label:
    """Put the label called `name` on `campaign`; it is made where there is none. Raises Refused."""
    label = label_named(name)
    if not campaign.labels.filter(pk=label.pk).exists():
        campaign.labels.add(label)
        audit.record(actor, campaign, "labelled", label.name)
    return label


@transaction.atomic
def take_label(campaign: Campaign, label: Label, actor: User | None) -> None:
    campaign.labels.remove(label)
    audit.record(actor, campaign, "unlabelled", label.name)


def write_note(campaign: Campaign, text: str, actor: User | None) -> Note:
    """Write `text` down about `campaign`. Raises Refused where there is none, or too much."""
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not 0 < len(text) <= NOTE_MAX:
        raise Refused(_("A note has 1 to %(most)d characters.") % {"most": NOTE_MAX})
    with transaction.atomic():
        audit.record(actor, campaign, "noted")
        return Note.objects.create(campaign=campaign, author=actor, text=text)


def may_delete(note: Note, user: User) -> bool:
    """Whether `user` may delete `note`: whoever wrote it, and administrators."""
    return note.author_id == user.pk or has_role(user, Role.ADMINISTRATOR)


@transaction.atomic
def delete_note(note: Note, actor: User) -> None:
    """Delete `note` for good; the trail keeps that somebody did."""
    audit.record(actor, note.campaign, "unnoted", note.text)
    note.delete()


def archive(campaign: Campaign, actor: User | None) -> None:
    """Take `campaign` out of the list. Raises Refused while it is under way."""
    if campaign.state not in CAN_ARCHIVE:
        raise Refused(_("Only drafts and campaigns that are over can be archived."))
    _shelve(campaign, actor, archived=True)


def unarchive(campaign: Campaign, actor: User | None) -> None:
    """Put `campaign` into the list again."""
    _shelve(campaign, actor, archived=False)


@transaction.atomic
def _shelve(campaign: Campaign, actor: User | None, archived: bool) -> None:
    """An UPDATE of this column alone: `updated_at`, by which edits of a draft are told apart, does
    not move.
    """
    others = Campaign.objects.filter(pk=campaign.pk, archived_at__isnull=archived)
    if archived:
        others = others.filter(state__in=CAN_ARCHIVE)
    if others.update(archived_at=timezone.now() if archived else None):
        audit.record(actor, campaign, "archived" if archived else "unarchived")
