"""Drafts: saved, duplicated, deleted. Only a draft can be changed; where it stands is `lifecycle`'s
to say.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.compose.editor.form import SAVED_CHOICES, CampaignForm
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.models import Campaign, EarlierCampaign, Sender
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User

COPIED = (
    "sender", "text", "image", "image_url", "button_caption", "button_url", "sms_sender",
    "sms_text", "promotional", "validity", "tariff", "time_zone", "budget", "made_from",
)  # fmt: skip


class Changed(Exception):  # noqa: N818 - not a failure: two people at one draft
    """Somebody saved the draft since this person opened it; `version` is the one that stands."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(campaign.pk)
        self.campaign = campaign


@transaction.atomic
def save(form: CampaignForm, actor: User | None) -> Campaign:
    """Save a valid `form` as a new draft, or over the one it was made for.

    Raises Refused when that is no draft any more, and Changed when somebody else saved it
    meanwhile, unless the form says to overwrite.
    """
    campaign = locked(form.campaign.pk) if form.campaign else Campaign(created_by=actor)
    said = form.cleaned_data
    if (
        form.campaign
        and said["version"]
        and not said["overwrite"]
        and said["version"] != campaign.updated_at.isoformat()
    ):
        raise Changed(campaign)
    form.fill(campaign)
    if campaign.sender and campaign.sender._state.adding:
        campaign.sender, _new = Sender.objects.get_or_create(name=campaign.sender.name)
    campaign.save()
    choose(campaign, said)
    audit.record(actor, campaign, "edited" if form.campaign else "created", campaign.name)
    return campaign


def choose(campaign: Campaign, said: Mapping[str, Any]) -> None:
    """Save whom `said` chooses and leaves out, by the fields of the form; a field that is not in it
    stays.
    """
    for name in SAVED_CHOICES:
        if name in said:
            getattr(campaign, name).set(said[name])
    for name, left_out in (("campaigns", False), ("exclude_campaigns", True)):
        if name in said:
            campaign.earlier.filter(left_out=left_out).delete()
            EarlierCampaign.objects.bulk_create(
                EarlierCampaign(
                    campaign=campaign, source_id=source, outcome=outcome, left_out=left_out
                )
                for source, outcome in said[name]
            )


def locked(campaign_id: int) -> Campaign:
    """The draft, for this transaction alone. Raises Refused where it is no draft any more."""
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None or campaign.state not in CAN_EDIT:
        raise Refused(_("This is no draft any more. Duplicate it to change something."))
    return campaign


def copy_of(campaign: Campaign, actor: User | None, name: str, purpose: Purpose) -> Campaign:
    """A draft called `name` that says the same, at no time and to nobody yet; not saved."""
    return Campaign(
        name=name,
        purpose=purpose,
        created_by=actor,
        **{field: getattr(campaign, field) for field in COPIED},
    )


def copy_audience(campaign: Campaign, copy: Campaign) -> None:
    """Have `copy`, which is saved, go to whom `campaign` goes."""
    for name in SAVED_CHOICES:
        getattr(copy, name).set(getattr(campaign, name).all())
    EarlierCampaign.objects.bulk_create(
        EarlierCampaign(
            campaign=copy, source_id=row.source_id, outcome=row.outcome, left_out=row.left_out
        )
        for row in campaign.earlier.all()
    )


@transaction.atomic
def duplicate(campaign: Campaign, actor: User | None) -> Campaign:
    """A new draft that says the same to the same audience, under the same labels, at no time
    yet.
    """
    copy = copy_of(
        campaign, actor, _("%(name)s (copy)") % {"name": campaign.name[:90]}, Purpose.CAMPAIGN
    )
    copy.sending_hours, copy.rate = campaign.sending_hours, campaign.rate
    copy.save()
    copy_audience(campaign, copy)
    copy.labels.set(campaign.labels.all())
    audit.record(actor, copy, "created", _("as a copy of “%(name)s”") % {"name": campaign.name})
    return copy


@transaction.atomic
def delete(campaign_id: int, actor: User | None) -> str:
    """Delete a draft for good; its name. Raises Refused where it is no draft any more."""
    campaign = locked(campaign_id)
    audit.record(actor, campaign, "deleted", campaign.name)
    campaign.delete()
    return campaign.name
