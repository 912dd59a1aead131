"""The decision which variant the rest of the audience gets.

Until then the batches of the rest are WAITING, which no sender claims. The decision sets the winner
once, by a conditional UPDATE, and makes them READY in the same transaction: of two processes one
decides, and nobody's variant changes any more.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch import lifecycle, state_changes
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState
from campaigns.shared.queue import enqueue
from campaigns.team.models import User

_HAS_NO_WINNER = Q(winner="", state__in=[CampaignState.SENDING, CampaignState.PAUSED])


def letters_of_batches(places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """The variants of batches, by campaign and number: those that have one, "" until it is decided.
    Of all brands; one query if no campaign has variants.
    """
    numbers: defaultdict[int, set[int]] = defaultdict(set)
    for campaign_id, number in places:
        numbers[campaign_id].add(number)
    campaigns = Campaign._base_manager.filter(pk__in=numbers).exclude(variants=[])
    letters = {}
    for campaign_id, winner in campaigns.values_list("pk", "winner"):
        own = Batch._base_manager.filter(campaign=campaign_id, number__in=numbers[campaign_id])
        for number, letter in own.values_list("number", "variant"):
            letters[campaign_id, number] = letter or winner
    return letters


def undecided() -> QuerySet[Campaign]:
    """Campaigns whose test goes on, or whose decision is due: their rest waits for it."""
    waiting = Batch.objects.filter(state=BatchState.WAITING).order_by()
    return Campaign.objects.filter(
        _HAS_NO_WINNER,
        pk__in=waiting.values("campaign_id").distinct(),
        frozen_at__isnull=False,
    )


def decide(campaign_id: int, letter: str, actor: User | None, why: str) -> None:
    """Let the rest of the audience get the variant `letter`. `actor` is None for ViberDash itself;
    `why` goes into the trail. Raises Refused if there is nothing to decide any more.
    """
    with transaction.atomic():
        campaign = undecided().filter(pk=campaign_id).first()
        if campaign is None:
            raise _refusal(campaign_id)
        if letter not in tuple(letters_of(campaign)):
            raise Refused(_("Choose one of the variants."))
        # once: who comes second finds a winner
        same = Campaign.objects.filter(_HAS_NO_WINNER, pk=campaign_id)
        if not same.update(winner=letter, decided_at=timezone.now(), decided_by=actor):
            raise _refusal(campaign_id)
        failpoint("decided")
        Batch.objects.filter(campaign=campaign_id, state=BatchState.WAITING).update(
            state=BatchState.READY
        )
        state_changes.record(actor, campaign, "chose variant", f"{letter}: {why}")
        enqueue(lifecycle.WAKE)


def _refusal(campaign_id: int) -> Refused:
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.winner:
        text = _("Variant %(letter)s is chosen already. Nothing was changed.")
        return Refused(text % {"letter": campaign.winner})
    if campaign.is_tested and campaign.state == CampaignState.PREPARING:
        return Refused(_("The audience is still being prepared. Choose in a moment."))
    return Refused(_("Nobody waits for the choice of a variant in this campaign."))


def release_cancelled() -> None:
    """WAITING -> READY in cancelled campaigns, where nothing that is READY is sent."""
    waiting = Batch.objects.filter(state=BatchState.WAITING)
    waiting.filter(campaign__state=CampaignState.CANCELLED).update(state=BatchState.READY)
