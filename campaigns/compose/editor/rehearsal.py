"""A rehearsal: a simulation of the draft with its whole audience; then the draft is sent.

A rehearsal is a campaign of its own, with references of its own, so it is never mistaken for the
real one. It starts at once and has no budget, sending hours or send rate: its cost is what the
campaign would cost.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.compose.editor.drafts import copy_audience, copy_campaign
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.models import Campaign, VariantSplit
from campaigns.compose.pricing import price_list
from campaigns.ledger.models import Purpose
from campaigns.team import audit
from campaigns.team.models import User


def rehearse(campaign: Campaign, actor: User | None) -> Campaign:
    """Launch a rehearsal of the draft `campaign` and return it. Raises Refused where the draft
    could not be launched.
    """
    if campaign.state not in CAN_EDIT or campaign.purpose != Purpose.CAMPAIGN:
        raise Refused(_("Only drafts can be rehearsed."))
    price_list.load_prices(
        price_list.VIBER, campaign.tariff
    )  # fresh: a rehearsal is billed by the stored list
    if campaign.sms_text:
        price_list.load_prices(price_list.SMS, campaign.tariff)
    with transaction.atomic():
        name = _("Rehearsal: %(name)s") % {"name": campaign.name[:85]}
        rehearsal = copy_campaign(campaign, actor, name, Purpose.REHEARSAL)
        # it waits for no decision, and costs the same whoever wins
        rehearsal.variants, rehearsal.variant_split = campaign.variants, VariantSplit.EVEN
        rehearsal.rehearsal_of, rehearsal.rehearsed_at = campaign, campaign.updated_at
        rehearsal.cap_messages, rehearsal.cap_days = campaign.cap_messages, campaign.cap_days
        rehearsal.save()
        copy_audience(campaign, rehearsal)
        lifecycle.launch(rehearsal.pk, actor)
        audit.record(actor, campaign, "rehearsed")
    return rehearsal


def can_go_live(rehearsal: Campaign) -> bool:
    """Whether the rehearsed draft is unchanged and still a draft."""
    draft = rehearsal.rehearsal_of
    return (
        draft is not None and draft.state in CAN_EDIT and draft.updated_at == rehearsal.rehearsed_at
    )


def go_live(rehearsal: Campaign, actor: User) -> Campaign:
    """Launch the rehearsed draft, to as many recipients, and return it.

    Raises Refused where the draft has changed or is none any more, and as `lifecycle.launch` does.
    """
    draft = rehearsal.rehearsal_of
    if draft is None or not can_go_live(rehearsal):
        raise Refused(
            _("The draft has changed since the rehearsal. Review it and send it from there.")
        )
    lifecycle.launch(draft.pk, actor, rehearsal.audience)
    return draft
