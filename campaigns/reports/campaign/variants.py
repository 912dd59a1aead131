"""The variants of a campaign: their results side by side, and who gets which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, DecisionMeasure
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.variants import letters_of_batches
from campaigns.reports.statuses.variant_phase import Phase, load_phase
from campaigns.results.variants.figures import REST, VariantFigures, load_figures
from campaigns.results.variants.sentences import sentence
from campaigns.results.variants.significance import Rate
from campaigns.shared.figures.percentages import percent_text


@dataclass(frozen=True, slots=True)
class RateCell:
    """A rate with its interval, as texts; "" of nobody."""

    number: int
    rate: str
    interval: str

    @classmethod
    def of(cls, rate: Rate) -> "RateCell":
        limits = rate.interval()
        if limits is None:
            return cls(rate.hits, "", "")
        low, high = (percent_text(limit) for limit in limits)
        interval = _("%(low)s to %(high)s") % {"low": low, "high": high}
        return cls(rate.hits, percent_text(rate.value), interval)


@dataclass(frozen=True, slots=True)
class VariantRow:
    """The results of one variant in the test, or of those who got the winner (`letter` "")."""

    letter: str
    label: str
    figures: VariantFigures
    delivered: RateCell
    read: RateCell
    clicked: RateCell
    converted: RateCell
    is_winner: bool


@dataclass(frozen=True, slots=True)
class VariantResults:
    """All variants side by side; `sentence` says whether a difference was shown, by `measure`."""

    rows: list[VariantRow]
    sentence: str
    measure: str
    phase: Phase
    can_click: bool
    can_convert: bool


def load_results(campaign: Campaign) -> VariantResults:
    """The results of `campaign`. Reads all of its recipients."""
    figures = load_figures(campaign)
    measure = campaign.decision_measure
    rates = {
        letter: of_variant.rate(measure) for letter, of_variant in figures.items() if letter != REST
    }
    return VariantResults(
        [_row(campaign, letter, of_variant) for letter, of_variant in figures.items()],
        sentence(measure, rates),
        str(DecisionMeasure(measure).label),
        load_phase(campaign),
        campaign.is_tracked,
        campaign.tracks_conversions,
    )


def _row(campaign: Campaign, letter: str, figures: VariantFigures) -> VariantRow:
    label = _("Variant %(letter)s") % {"letter": letter}
    if letter == REST:
        rest = _("The others, variant %(letter)s") % {"letter": campaign.winner}
        label = rest if campaign.winner else _("The others")
    return VariantRow(
        letter,
        label,
        figures,
        RateCell.of(Rate(figures.delivered, figures.accepted)),
        RateCell.of(figures.rate(DecisionMeasure.READ)),
        RateCell.of(figures.rate(DecisionMeasure.CLICK)),
        RateCell.of(figures.rate(DecisionMeasure.CONVERSION)),
        is_winner=bool(letter) and letter == campaign.winner,
    )


def batches_of(campaign: Campaign, letter: str) -> QuerySet[Batch]:
    """The batches whose recipients get this variant, in the test or after it."""
    own = Q(variant=letter)
    if letter == campaign.winner:
        own |= Q(variant=REST)
    return Batch.objects.filter(own, campaign=campaign).order_by()


def filter_variant(
    recipients: QuerySet[Recipient], campaign: Campaign, letter: str
) -> QuerySet[Recipient]:
    """Those of `recipients`, of this campaign, who get this variant."""
    return recipients.filter(batch_number__in=batches_of(campaign, letter).values("number"))


def load_letters(campaign: Campaign, first: int, end: int) -> Mapping[int, str]:
    """The variant of each batch from number `first` to before `end`, "" until it is decided; empty
    without variants.
    """
    if not letters_of(campaign):
        return {}
    batches = Batch.objects.filter(campaign=campaign, number__gte=first, number__lt=end)
    rows = batches.values_list("number", "variant")
    return {number: letter or campaign.winner for number, letter in rows}


def letters_by_recipient(recipients: Sequence[Recipient]) -> dict[int, str]:
    """The variant of each of `recipients` who has one, by id; by one query if none has."""
    letters = letters_of_batches((one.campaign_id, one.batch_number) for one in recipients)
    places = {one.pk: (one.campaign_id, one.batch_number) for one in recipients}
    return {pk: letters[place] for pk, place in places.items() if place in letters}
