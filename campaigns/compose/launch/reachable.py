"""Which campaigns may be sent, asked about and finished: those of the account in use.

The messages of another account are not known to this one. Rehearsals never leave the process, so
they have no account.

What was sent is asked about with any key of its account. It is sent with the key of its brand alone
(`sendable`): a brand whose key became that of another account sends no more with the one before,
even if other brands still use it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, TypeVar, cast

from django.db.models import Q
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign, CampaignState
from campaigns.gateway.environment import Environment
from campaigns.gateway.key_in_use import GatewayKey, chosen_key, key_in_use
from campaigns.ledger.models import Purpose
from campaigns.team import accounts
from campaigns.team.accounts import Accounts
from campaigns.team.brand_keys.in_use import keys_in_use, using_key_of
from campaigns.team.holds import switch
from campaigns.team.models import GatewayAccount

Move = TypeVar("Move", bound=Callable[..., Any])


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


def sendable() -> Q:
    """The condition on campaigns that may be started, prepared and sent: reachable, and of a brand
    whose key is in use and whose sending is not held, or a rehearsal. One query.
    """
    of_brands = key_in_use().of_its_brands() & ~Q(switch.is_held())
    return reachable() & (of_brands | Q(purpose=Purpose.REHEARSAL))


def is_sendable(campaign: Campaign) -> bool:
    """Whether a launched campaign may be continued now, with the key of its brand."""
    with using_key_of(campaign.brand_id):
        return Campaign.objects.filter(sendable(), pk=campaign.pk).exists()


def with_key_of_brand(move: Move) -> Move:
    """Decorator of a function of the life cycle: where no key was chosen, as in a command, it runs
    with the key of the campaign's brand.
    """

    @wraps(move)
    def wrapped(campaign_id: int, *args: Any, **options: Any) -> Any:
        with using_key_of_campaign(campaign_id):
            return move(campaign_id, *args, **options)

    return cast(Move, wrapped)


def using_key_of_campaign(campaign_id: int) -> AbstractContextManager[GatewayKey]:
    """Within it, the key of the campaign's brand is in use, unless one was chosen already."""
    if chosen := chosen_key():
        return nullcontext(chosen)
    return using_key_of(Campaign.objects.values_list("brand", flat=True).get(pk=campaign_id))


def start_refusal(campaign: Campaign, known: Accounts) -> str:
    """Why `campaign` can't be launched or resumed now, as its sending is held or by the key in use;
    "" if it can.
    """
    is_held = "" if campaign.is_rehearsal else switch.refusal(campaign.brand_id)
    return is_held or key_refusal(campaign.purpose, known)


def key_refusal(purpose: str, known: Accounts) -> str:
    """Why nothing with this `purpose` can be launched with the key in use; "" if it can."""
    if purpose == Purpose.REHEARSAL:
        return ""
    if known.problem:
        return known.problem
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
    """The account that a campaign belongs to from its launch on: that of its brand's key; None for
    a rehearsal. Raises ValueError while it is not known whose that key is: nothing is launched
    then.
    """
    if campaign.is_rehearsal:
        return None
    with using_key_of(campaign.brand_id):
        if account := accounts.load().current:
            return account
    raise ValueError("a campaign is not launched with a key of which the account is not known")


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
    is_over = campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED)
    if key_in_use().is_only_one:
        waits = _waits_for_environment(is_over)
    else:
        is_asked = owner.pk in accounts.accounts_of(keys_in_use())
        waits = _waits_for_key_of_brand(is_over, is_asked)
    return f"{belongs} {waits % names}"


def _waits_for_environment(is_over: bool) -> str:
    if is_over:
        return _(
            "Statuses are asked again when BSG_API_URL and BSG_API_KEY are those of “%(own)s”."
        )
    return _(
        "It waits: nothing is sent or asked until BSG_API_URL and BSG_API_KEY are those of"
        " “%(own)s” again. To send it with “%(current)s”, cancel it and duplicate it."
    )


def _waits_for_key_of_brand(is_over: bool, is_asked: bool) -> str:
    """`is_asked`: another brand uses a key of its account, which statuses are asked with."""
    if is_over and is_asked:
        return _("Statuses are still asked, as another brand uses a key of “%(own)s”.")
    if is_over:
        return _("Statuses are asked again when the brand has a key of “%(own)s”.")
    waits = _(
        "It waits: nothing is sent until the brand has a key of “%(own)s” again. To send it with"
        " “%(current)s”, cancel it and duplicate it."
    )
    if is_asked:
        return f"{waits} {_('Statuses are still asked, as another brand uses a key of “%(own)s”.')}"
    return waits
