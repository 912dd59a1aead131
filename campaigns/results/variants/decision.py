"""When the decision between variants is due, and which one wins then."""

from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Batch, BatchState
from campaigns.dispatch.variants import decide, undecided
from campaigns.results.variants.figures import REST, load_figures
from campaigns.results.variants.sentences import reason, sentence
from campaigns.results.variants.significance import Rate, compare


def due_at(campaign: Campaign) -> datetime | None:
    """When the test of `campaign` is to be decided: its hours after the last message of the test
    was accepted. None while the test is still being sent.
    """
    test = Batch.objects.filter(campaign=campaign).exclude(variant=REST)
    sent = test.aggregate(last=Max("done_at"), open=Count("pk", filter=~Q(state=BatchState.DONE)))
    if sent["open"] or campaign.frozen_at is None:
        return None
    # of a small audience chance may put nobody into the test
    ended = sent["last"] or campaign.frozen_at
    return ended + timedelta(hours=campaign.decision_hours)


def waiting_for_a_choice(campaigns: QuerySet[Campaign], now: datetime) -> list[Campaign]:
    """Those of `campaigns` whose test is over and whose rest waits for the choice of a user."""
    waiting = campaigns.filter(pk__in=undecided().filter(decides_itself=False).values("pk"))
    return [
        campaign
        for campaign in waiting.order_by("pk")
        if (due := due_at(campaign)) is not None and due <= now
    ]


def measured_rates(campaign: Campaign) -> dict[str, Rate]:
    """The rate of each variant in the test, by what decides."""
    figures = load_figures(campaign)
    return {
        letter: of_variant.rate(campaign.decision_measure)
        for letter, of_variant in figures.items()
        if letter != REST
    }


def figures_text(campaign: Campaign) -> str:
    """What the test of `campaign` says at this moment, for the trail of a user's choice."""
    if not campaign.is_tested:
        return ""
    return sentence(campaign.decision_measure, measured_rates(campaign))


def decide_due(now: datetime) -> None:
    """Decide what ViberDash decides itself and is due. A paused campaign waits until it goes on."""
    campaigns = undecided().filter(decides_itself=True, state=CampaignState.SENDING)
    for campaign in campaigns.order_by("pk"):
        due = due_at(campaign)
        if due is None or due > now:
            continue
        rates = measured_rates(campaign)
        result = compare(rates)
        try:
            decide(campaign.pk, result.best, None, reason(campaign.decision_measure, rates))
        except Refused:  # a user, or another process, was faster
            continue
