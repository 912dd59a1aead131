"""Labels: the team's own keywords, by which campaigns are found and spend is grouped."""

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, Colour, Label
from campaigns.team import audit
from campaigns.team.models import User

LABEL_MAX = Label._meta.get_field("name").max_length or 0


def labels_with_counts() -> QuerySet[Label]:
    """All labels by name, each with its `campaign_count`."""
    return Label.objects.annotate(campaign_count=Count("campaigns")).order_by("name")


@transaction.atomic  # on SQLite nobody else can then create it between look-up and creation
def get_or_create_label(name: str) -> Label:
    """The label called `name`, whatever its capitals; a new one gets the next colour.

    Raises Refused for a name that is empty or too long.
    """
    name = " ".join(name.replace("\0", "").split())
    if not 0 < len(name) <= LABEL_MAX:
        raise Refused(_("Enter a label of 1 to %(most)d characters.") % {"most": LABEL_MAX})
    colours = Colour.values
    matching = Label.objects.filter(name__folded_exact=name)
    if label := matching.first():
        return label
    try:
        with transaction.atomic():
            return Label.objects.create(
                name=name, colour=colours[Label.objects.count() % len(colours)]
            )
    except IntegrityError:  # another user created it at the same moment
        return matching.get()


@transaction.atomic
def save(label: Label, actor: User) -> None:
    """Save `label`, new or not; it shows on every campaign that has it."""
    action = "edited" if label.pk else "added"
    label.save()
    audit.record(actor, label, action, label.name)


def delete(label: Label, actor: User) -> None:
    """Delete `label`; the campaigns that had it stay."""
    audit.delete(actor, label, "deleted", label.name)


@transaction.atomic
def add_label(campaign: Campaign, name: str, actor: User | None) -> Label:
    """Add the label called `name` to `campaign`, creating it if needed. Raises Refused."""
    label = get_or_create_label(name)
    if not campaign.labels.filter(pk=label.pk).exists():
        campaign.labels.add(label)
        audit.record(actor, campaign, "labelled", label.name)
    return label


@transaction.atomic
def remove_label(campaign: Campaign, label: Label, actor: User | None) -> None:
    """Remove `label` from `campaign`; the label itself stays."""
    campaign.labels.remove(label)
    audit.record(actor, campaign, "unlabelled", label.name)
