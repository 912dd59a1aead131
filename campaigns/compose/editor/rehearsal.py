"""A rehearsal: the draft to its real audience, whole, answered inside the house; then the draft
itself for real.

It is a campaign of its own with references of its own, so nothing of it is ever taken for the real
one. It goes at once and without budgets, sending hours and rates: its bill says what the campaign
would come to.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.compose.editor.drafts import copy_audience, copy_of
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.models import Campaign
from campaigns.compose.pricing import price_list
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User


def rehearse(campaign: Campaign, actor: User | None) -> Campaign:
    """Rehearse the draft `campaign`. Gives the rehearsal, launched; raises Refused where it could
    not be launched.
    """
    if campaign.state not in CAN_EDIT or campaign.purpose != Purpose.CAMPAIGN:
        raise Refused(_("Only a draft is rehearsed."))
    price_list.load_prices(
        price_list.VIBER, campaign.tariff
    )  # fresh ones: it is billed by what is kept
    if campaign.sms_text:
        price_list.load_prices(price_list.SMS, campaign.tariff)
    with transaction.atomic():
        name = _("Rehearsal: %(name)s") % {"name": campaign.name[:85]}
        rehearsal = copy_of(campaign, actor, name, Purpose.REHEARSAL)
        rehearsal.budget = None
        rehearsal.rehearsal_of, rehearsal.rehearsed_at = campaign, campaign.updated_at
        rehearsal.save()
        copy_audience(campaign, rehearsal)
        lifecycle.launch(rehearsal.pk, actor)
        audit.record(actor, campaign, "rehearsed")
    return rehearsal


def can_go_live(rehearsal: Campaign) -> bool:
    """Whether the draft that was rehearsed is still the same, and a draft."""
    draft = rehearsal.rehearsal_of
    return (
        draft is not None and draft.state in CAN_EDIT and draft.updated_at == rehearsal.rehearsed_at
    )


def go_live(rehearsal: Campaign, actor: User) -> Campaign:
    """Launch the draft that was rehearsed, to as many people. Gives the draft.

    Raises Refused where it is another one by now, or no draft, or as `lifecycle.launch` does.
    """
    draft = rehearsal.rehearsal_of
    if draft is None or not can_go_live(rehearsal):
        raise Refused(_("It is not what was rehearsed any more. Review it, and launch it there."))
    lifecycle.launch(draft.pk, actor, rehearsal.audience)
    return draft
