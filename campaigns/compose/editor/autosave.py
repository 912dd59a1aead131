"""Autosave, and who else has a draft open.

A draft that is saved automatically may be unfinished or wrong. What no column can hold keeps its
saved value, and the answer names it.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.draft_fields import FIELDS
from campaigns.compose.editor.drafts import (
    lock_draft,
    require_current,
    save_audience,
    set_token,
)
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.library import senders
from campaigns.compose.models import Campaign, Editing
from campaigns.team import audit
from campaigns.team.models import User

PRESENT = timedelta(seconds=90)  # an open page reports every 30 s


@dataclass(frozen=True, slots=True)
class Autosaved:
    """The saved draft, and the labels of the fields that could not be saved with it."""

    campaign: Campaign
    unsaved: list[str]


@transaction.atomic
def autosave(form: CampaignForm, actor: User, token: str = "") -> Autosaved:
    """Save what can be read of `form`. Raises Refused and DraftChanged as `drafts.save` does, and
    IntegrityError if the first save with `token` is still under way.
    """
    form.read_unfinished()
    campaign = lock_draft(form.campaign.pk) if form.campaign else Campaign(created_by=actor)
    if form.campaign:
        if not form.value("overwrite"):
            require_current(form, campaign, token)
        set_token(campaign, token)
    else:
        campaign.save_token = token or None
    form.fill(campaign)
    senders.keep_unknown(campaign)
    unsaved = _restore_unreadable(form, campaign)
    campaign.name = campaign.name or _("Untitled")
    campaign.edited_by = actor
    campaign.save()
    save_audience(campaign, form.cleaned_data)
    if form.campaign is None:
        audit.record(actor, campaign, "created", campaign.name)
    else:
        audit.record_rarely(actor, campaign, "edited", campaign.name)
    return Autosaved(campaign, unsaved)


def save_with_issues(form: CampaignForm, actor: User, token: str) -> Campaign | None:
    """Save a `form` that is not valid: a draft may have issues, which forbid its launch. Returns
    None, with nothing saved, if a value can't be read, so that it stays on the page as it was
    typed. Raises Refused and DraftChanged as `drafts.save` does.
    """
    with transaction.atomic():
        if form.campaign is None:
            set_token(Campaign(), token)  # an earlier draft of the same page keeps its own
        saved = autosave(form, actor, token)
        is_read = form.cleaned_data.keys() | {"version", "overwrite", "__all__"}
        unread = [name for name in form.errors if name not in is_read and form.has_value(name)]
        if not saved.unsaved and not unread:
            return saved.campaign
        transaction.set_rollback(True)
    return None


def _restore_unreadable(form: CampaignForm, campaign: Campaign) -> list[str]:
    """Put back what cannot be read or is too long for its column; the labels of those fields."""
    before = form.campaign or Campaign()
    names = [
        field.name
        for field in FIELDS
        if field.keeps_saved and field.name not in form.cleaned_data and form.data.get(field.name)
    ]
    for column in campaign._meta.concrete_fields:
        text = str(getattr(campaign, column.attname) or "")
        if isinstance(column, models.CharField) and len(text) > (column.max_length or 0):
            names.append(column.attname)
    if "new_sender" in names:
        campaign.sender = before.sender
    if bool(campaign.sends_from) != bool(campaign.sends_until):
        names += ["sends_from", "sends_until"]
    for name in names:
        setattr(campaign, name, getattr(before, name))
    return [str(form.fields[name.removeprefix("new_")].label) for name in names]


def report_present(campaign: Campaign, user: User) -> list[str]:
    """Record that `user` has the draft open; the names of the others who have."""
    now = timezone.now()
    Editing.objects.update_or_create(campaign=campaign, user=user, defaults={"at": now})
    others = (
        Editing.objects.filter(campaign=campaign, at__gt=now - PRESENT)
        .exclude(user=user)
        .select_related("user")
    )
    return [other.user.get_full_name() or other.user.get_username() for other in others]
