"""Which campaigns may be sent, asked about and finished: those of the account in use.

The messages of another account are not known to this one. Rehearsals never leave the process, so
they have no account.
"""

from django.db.models import Q
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign, CampaignState
from campaigns.gateway.environment import Environment
from campaigns.ledger.models import Purpose
from campaigns.team import accounts
from campaigns.team.accounts import Accounts
from campaigns.team.models import GatewayAccount


def reachable() -> Q:
    """The condition on campaigns: of the current account, or a rehearsal. One query.

    While an administrator has to say whose key it is, only rehearsals.
    """
    known = accounts.load()
    if known.is_only_one:
        return Q()
    condition = Q(purpose=Purpose.REHEARSAL)
    if known.current:
        condition |= Q(account=known.current)
    if known.is_first:
        condition |= Q(account=None)
    return condition


def of_reachable(field: str = "campaign") -> Q:
    """The same condition on rows that name their campaign in `field`.

    As a subquery: a join would weaken an UPDATE whose condition decides between two workers.
    """
    condition = reachable()
    return Q(**{f"{field}__in": Campaign.objects.filter(condition)}) if condition else Q()


def is_reachable(campaign: Campaign) -> bool:
    """Whether a launched campaign may be continued now."""
    return Campaign.objects.filter(reachable(), pk=campaign.pk).exists()


def key_refusal(purpose: str, known: Accounts) -> str:
    """Why nothing with this `purpose` can be launched with the key in use; "" if it can."""
    if purpose == Purpose.REHEARSAL:
        return ""
    if known.is_new_key:
        return _(
            "The gateway's address or key is new. An administrator first has to say which account"
            " it belongs to."
        )
    if purpose != Purpose.TEST and known.current and known.current.environment == Environment.TEST:
        return _(
            "A test key sends nothing: the gateway answers with random data. Send a test or"
            " rehearse, or set BSG_API_KEY to a live key."
        )
    return ""


def account_to_send_with(campaign: Campaign) -> GatewayAccount | None:
    """The account that a campaign belongs to from its launch on; None for a rehearsal."""
    return None if campaign.is_rehearsal else accounts.load().current


def waiting_text(campaign: Campaign, known: Accounts) -> str:
    """Why a launched campaign is neither sent nor asked about, and what to do; "" if it is."""
    owner = known.owner(campaign.account_id)
    current = known.current
    if owner is None or current is None or owner == current:
        return ""
    if campaign.is_rehearsal or campaign.launched_at is None:
        return ""
    names = {"own": owner.name, "current": current.name}
    belongs = _("It belongs to the account “%(own)s”, but “%(current)s” is in use.") % names
    if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
        waits = _(
            "Statuses are asked again when BSG_API_URL and BSG_API_KEY are those of “%(own)s”."
        )
    else:
        waits = _(
            "It waits: nothing is sent or asked until BSG_API_URL and BSG_API_KEY are those of"
            " “%(own)s” again. To send it with “%(current)s”, cancel it and duplicate it."
        )
    return f"{belongs} {waits % names}"
