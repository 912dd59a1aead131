"""Drafts: saved, duplicated, deleted. Only a draft can be changed; `launch.lifecycle` says when a
campaign is one.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.compose.draft_fields import FIELDS, SAVED_CHOICES, Copied
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.launch.checks import other_use
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.library import senders
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    EarlierCampaign,
    Series,
    SeriesState,
    Trigger,
    TriggerState,
)
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User

NAME_MAX = 100


class DraftChanged(Exception):  # noqa: N818 - not a failure: two people edit one draft
    """Somebody else saved the draft since the form was opened. `campaign` is what they saved."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(campaign.pk)
        self.campaign = campaign


@transaction.atomic
def save(form: CampaignForm, actor: User | None, token: str = "") -> Campaign:
    """Save a valid `form` as a new draft, or over the draft it was opened for. `token` is the
    one-time token of the request, if it has one.

    Raises Refused when that is no longer a draft, and DraftChanged when somebody else saved it
    meanwhile, unless the form says to overwrite.
    """
    campaign = lock_draft(form.campaign.pk) if form.campaign else Campaign(created_by=actor)
    values = form.cleaned_data
    if form.campaign and values["version"] and not values["overwrite"]:
        require_current(form, campaign, token)
    form.fill(campaign)
    senders.keep_unknown(campaign)  # removed since the form was checked
    set_token(campaign, token)
    campaign.edited_by = actor
    campaign.save()
    save_audience(campaign, values)
    audit.record(actor, campaign, "edited" if form.campaign else "created", campaign.name)
    return campaign


def require_current(form: CampaignForm, campaign: Campaign, token: str) -> None:
    """Raise DraftChanged if somebody else saved `campaign` since the form was opened. A save with
    the same `token` was the form's own, whose answer was lost on its way.
    """
    is_own = token and campaign.save_token == token
    if not is_own and form.value("version") != campaign.updated_at.isoformat():
        raise DraftChanged(campaign)


def set_token(campaign: Campaign, token: str) -> None:
    """Note on `campaign`, which is not saved here, that it is saved with `token`."""
    if token:
        Campaign.objects.filter(save_token=token).exclude(pk=campaign.pk).update(save_token=None)
    campaign.save_token = token or None


def saved_with(token: str, actor: User) -> Campaign | None:
    """The campaign that `actor` made or saved with `token`; the answer may have been lost."""
    campaigns = Campaign.objects.select_related("sender", "made_from")
    return campaigns.filter(save_token=token, created_by=actor).first() if token else None


def save_audience(campaign: Campaign, values: Mapping[str, Any]) -> None:
    """Save the choices and exclusions in `values`, by field. A field that is missing is kept."""
    for name in SAVED_CHOICES:
        if name in values:
            getattr(campaign, name).set(values[name])
    for name, excluded in (("campaigns", False), ("exclude_campaigns", True)):
        if name in values:
            campaign.earlier.filter(left_out=excluded).delete()
            EarlierCampaign.objects.bulk_create(
                EarlierCampaign(
                    campaign=campaign, source_id=source, outcome=outcome, left_out=excluded
                )
                for source, outcome in values[name]
            )


def lock_draft(campaign_id: int) -> Campaign:
    """The draft, locked for this transaction. Raises Refused when it is no longer a draft."""
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None or campaign.state not in CAN_EDIT:
        raise Refused(_("This is no longer a draft. Duplicate it to make changes."))
    if Trigger.objects.filter(draft=campaign, state=TriggerState.ON).exists():
        raise Refused(_("A trigger sends this message. Switch it off before you change it."))
    if Series.objects.filter(draft=campaign, state=SeriesState.ON).exists():
        raise Refused(_("A series repeats this draft. Switch it off before you change it."))
    return campaign


def lock_free_draft(campaign_id: int) -> Campaign:
    """The draft, locked for this transaction, that nothing sends yet. Raises Refused when it is no
    longer a draft, or that of a trigger or a series.
    """
    draft = lock_draft(campaign_id)
    if other_use(draft):
        raise Refused(_("Another series or a trigger sends this draft already."))
    return draft


def lock_version(draft: Campaign, version: str) -> None:
    """Lock `draft` for this transaction. Raises Refused if it was changed since it was read, or is
    not the `version` that the user saw ("" for none).
    """
    checked = Campaign.objects.filter(pk=draft.pk, updated_at=draft.updated_at)
    is_same = checked.select_for_update().exists()
    if not is_same or version not in ("", draft.updated_at.isoformat()):
        raise Refused(_("The draft was changed a moment ago. Look at it again."))


def copy_campaign(campaign: Campaign, actor: User | None, name: str, purpose: Purpose) -> Campaign:
    """A draft with the same content under `name`, without schedule and audience; not saved."""
    copied = {Copied.ALWAYS}
    if purpose == Purpose.CAMPAIGN:
        copied.add(Copied.TO_CAMPAIGNS)
    values = {
        field.name: getattr(campaign, field.name) for field in FIELDS if field.copied in copied
    }
    return Campaign(name=name, purpose=purpose, created_by=actor, **values)


def name_of_run(draft: Campaign, day: date, number: int = 1) -> str:
    """The name of the campaign that sends the message of `draft` on `day`, the `number`th then."""
    count = f" ({number})" if number > 1 else ""
    ending = f", {date_format(day, 'j M Y')}{count}"
    return f"{draft.name[: NAME_MAX - len(ending)]}{ending}"


def copy_audience(campaign: Campaign, copy: Campaign) -> None:
    """Give `copy`, which is saved, the audience of `campaign`."""
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
    """A new draft with the same content, audience and labels, and no schedule."""
    name = _("%(name)s (copy)") % {"name": campaign.name[:90]}
    copy = copy_campaign(campaign, actor, name, Purpose.CAMPAIGN)
    copy.save()
    copy_audience(campaign, copy)
    copy.labels.set(campaign.labels.all())
    audit.record(actor, copy, "created", _("copied from “%(name)s”") % {"name": campaign.name})
    return copy


@transaction.atomic
def delete(campaign_id: int, actor: User | None) -> str:
    """Delete a draft for good; its name. Raises Refused when it is no longer a draft."""
    campaign = lock_draft(campaign_id)
    if Trigger.objects.filter(draft=campaign).exists():
        raise Refused(_("This is the message of a trigger. End the trigger first."))
    if Series.objects.filter(draft=campaign).exists():
        raise Refused(_("A series repeats this draft. End the series first."))
    _leave_follow_ups(campaign)
    audit.record(actor, campaign, "deleted", campaign.name)
    campaign.delete()
    return campaign.name


def _leave_follow_ups(draft: Campaign) -> None:
    """Let no campaign follow `draft`, which was launched before: those that were cancelled never
    will. Raises Refused if others do.
    """
    if follow_up := draft.follow_ups.exclude(state=CampaignState.CANCELLED).first():
        text = _("“%(name)s” follows this campaign. Delete or cancel it first.")
        raise Refused(text % {"name": follow_up.name})
    EarlierCampaign.objects.filter(campaign__follows=draft, source=draft).delete()
    draft.follow_ups.update(follows=None)
