"""The variants of a campaign: what phase their test is in, and their results side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from campaigns.compose.message.variants import letters_of
from campaigns.compose.models import Campaign, DecisionMeasure
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.variants import letters_of_batches, undecided
from campaigns.results.variants.decision import due_at
from campaigns.results.variants.figures import REST, VariantFigures, load_figures
from campaigns.results.variants.sentences import percent, sentence
from campaigns.results.variants.significance import Rate
from campaigns.templatetags.viberdash import exact_time, who


@dataclass(frozen=True, slots=True)
class Phase:
    """Where the test of a campaign is. `is_open`: its rest waits for the decision, and `is_late`:
    for that of a user, whose time has come. `text` says it in words; "" where there is no test.
    """

    text: str = ""
    is_open: bool = False
    is_late: bool = False


def load_phase(campaign: Campaign) -> Phase:
    """The phase of `campaign`. Without a test it asks nothing."""
    if not campaign.is_tested or campaign.frozen_at is None:
        return Phase()
    if campaign.winner:
        return Phase(_decided_text(campaign))
    if not undecided().filter(pk=campaign.pk).exists():
        return Phase()
    return _open_phase(campaign, due_at(campaign), timezone.now())


def _open_phase(campaign: Campaign, due: datetime | None, now: datetime) -> Phase:
    itself, is_due = campaign.decides_itself, due is not None and due <= now
    if due is None:
        text = _("The variants are being tested. The other recipients wait for the result.")
    elif itself and is_due:
        text = _("The test is over. The better variant is about to be sent to the others.")
    elif itself:
        pattern = _("Testing until {when}. Then the better variant is sent to the others.")
        text = format_html(pattern, when=exact_time(due))
    elif is_due:
        text = _("Waiting for your choice: which variant do the other recipients get?")
    else:
        pattern = _("Testing until {when}. Then choose which variant the others get.")
        text = format_html(pattern, when=exact_time(due))
    return Phase(text, is_open=True, is_late=is_due and not itself)


def _decided_text(campaign: Campaign) -> str:
    when = exact_time(campaign.decided_at)
    if campaign.decided_by is None:
        pattern = _("Variant {letter} was chosen {when} by ViberDash.")
        return format_html(pattern, letter=campaign.winner, when=when)
    pattern = _("Variant {letter} was chosen {when} by {name}.")
    name = who(campaign.decided_by)
    return format_html(pattern, letter=campaign.winner, when=when, name=name)


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
        low, high = (percent(limit) for limit in limits)
        interval = _("%(low)s to %(high)s") % {"low": low, "high": high}
        return cls(rate.hits, percent(rate.value), interval)


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
