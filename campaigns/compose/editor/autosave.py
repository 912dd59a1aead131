"""Drafts that save themselves while somebody writes, and who else has them open.

What is saved by itself may be unfinished, and wrong: a draft is a draft. What no column takes stays
as it was, named.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.editor.drafts import Changed, choose, locked
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.models import Campaign, Editing
from campaigns.team import audit
from campaigns.team.models import User

KEPT = (  # fields whose words are not text: what can't be read of them is not there
    "promotional", "validity", "tariff", "timing", "scheduled_at", "time_zone", "budget",
    "sends_from", "sends_until", "rate",
)  # fmt: skip
PRESENT = timedelta(seconds=90)  # a page says every half minute that it is still there


@dataclass(frozen=True, slots=True)
class Saved:
    """The draft as it is now, and the labels of what could not be saved with it."""

    campaign: Campaign
    left_out: list[str]


@transaction.atomic
def autosave(form: CampaignForm, actor: User) -> Saved:
    """Save `form` as far as it can be read. Raises Refused and Changed as `drafts.save` does."""
    form.sketch()
    campaign = locked(form.campaign.pk) if form.campaign else Campaign(created_by=actor)
    if form.campaign and form.said("version") != campaign.updated_at.isoformat():
        raise Changed(campaign)
    sender = campaign.sender
    form.fill(campaign)
    left_out = _unfit(form, campaign)
    if campaign.sender is not None and campaign.sender._state.adding:
        campaign.sender = sender  # half a name is not a sender yet; saving the form makes it one
    campaign.name = campaign.name or _("Untitled")
    campaign.save()
    choose(campaign, form.cleaned_data)
    if form.campaign is None:
        audit.record(actor, campaign, "created", campaign.name)
    return Saved(campaign, left_out)


def _unfit(form: CampaignForm, campaign: Campaign) -> list[str]:
    """Put back what can't be read and what no column takes; the labels of those fields."""
    before = form.campaign or Campaign()
    left_out = [name for name in KEPT if name not in form.cleaned_data and form.data.get(name)]
    for column in campaign._meta.concrete_fields:
        text = str(getattr(campaign, column.attname) or "")
        if isinstance(column, models.CharField) and len(text) > (column.max_length or 0):
            left_out.append(column.attname)
    if bool(campaign.sends_from) != bool(campaign.sends_until):
        left_out += ["sends_from", "sends_until"]
    for name in left_out:
        setattr(campaign, name, getattr(before, name))
    return [str(form.fields[name].label) for name in left_out]


def present(campaign: Campaign, user: User) -> list[str]:
    """Say that `user` has the draft open; the names of the others who have."""
    now = timezone.now()
    Editing.objects.update_or_create(campaign=campaign, user=user, defaults={"at": now})
    others = (
        Editing.objects.filter(campaign=campaign, at__gt=now - PRESENT)
        .exclude(user=user)
        .select_related("user")
    )
    return [other.user.get_full_name() or other.user.get_username() for other in others]
