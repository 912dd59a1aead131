"""The rules of a campaign's variants together: different, divisible, and comparable."""

from collections.abc import Callable, Iterable, Iterator

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from campaigns.compose.launch.problem import Problem
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.tracking.short_links import link_base
from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.message.variants import (
    DIFFERING,
    LIBRARY_IMAGE,
    as_variant,
    expected_recipients,
    letters_of,
    others,
)
from campaigns.compose.models import Campaign, DecisionMeasure, Timing

FIELD = "variants"  # the form's
FEW = 200  # recipients of each variant: with fewer hardly any difference can be shown


def of_others(
    campaign: Campaign, find: Callable[[Campaign], Iterable[Problem]]
) -> Iterator[Problem]:
    """What `find` finds in the variants beside A."""
    for letter, variant in others(campaign).items():
        yield from in_variant(letter, find(variant))


def in_variant(letter: str, problem_list: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of a variant, at the field of all variants; without those of what it shares with
    A, which are said there.
    """
    text = _("Variant %(letter)s: %(message)s")
    for problem in problem_list:
        if problem.field in DIFFERING:
            yield Problem(FIELD, text % {"letter": letter, "message": problem.message})


def variant_problems(campaign: Campaign) -> Iterator[Problem]:
    """What forbids a launch with these variants, whatever the audience."""
    if not campaign.variants:
        return
    for letter, variant in zip(letters_of(campaign)[1:], campaign.variants, strict=True):
        if variant.get("image") == LIBRARY_IMAGE and not variant.get("image_file"):
            text = _("Variant %(letter)s: Choose an image of the library.")
            yield Problem(FIELD, text % {"letter": letter})
    for one, other in _twins(campaign):
        yield Problem(
            FIELD,
            _("Variants %(one)s and %(other)s are the same. Change one of them, or remove it.")
            % {"one": one, "other": other},
        )
    if not campaign.is_tested:
        return
    if campaign.timing == Timing.GATEWAY:
        text = _("A campaign scheduled at the gateway can't test variants. Divide it evenly.")
        yield Problem("variant_split", text)
    if campaign.decision_measure != DecisionMeasure.READ:
        yield from _without_clicks(campaign)


def _twins(campaign: Campaign) -> Iterator[tuple[str, str]]:
    """The variants that are the same as an earlier one, each with that."""
    seen: dict[tuple[str, ...], str] = {}
    for letter in letters_of(campaign):
        message = as_variant(campaign, letter)
        content = tuple(str(getattr(message, name) or "") for name in DIFFERING)
        if (earlier := seen.setdefault(content, letter)) != letter:
            yield earlier, letter


def _without_clicks(campaign: Campaign) -> Iterator[Problem]:
    """Variants whose clicks nobody can count, although these, or what followed them, decide."""
    if not link_base():
        text = _("Clicks can't be counted on this site. Let reads decide.")
        yield Problem("decision_measure", text)
        return
    if campaign.decision_measure == DecisionMeasure.CONVERSION and not campaign.track_conversions:
        text = _("Conversions decide, but are not tracked. Turn them on in “Click tracking”.")
        yield Problem("decision_measure", text)
        return
    messages = {letter: as_variant(campaign, letter) for letter in letters_of(campaign)}
    without = [letter for letter, message in messages.items() if not tracking_of(message).links]
    if without:
        text = _("%(measure)s decide, but these variants have no tracked link: %(letters)s.")
        values = {"measure": campaign.get_decision_measure_display(), "letters": ", ".join(without)}
        yield Problem("decision_measure", text % values)


def division_problems(campaign: Campaign, measured: MeasuredAudience) -> Iterator[Problem]:
    """A share, or an audience, that gives a variant nobody."""
    if not campaign.variants or not measured.recipients:
        return
    if not expected_recipients(campaign, measured.recipients):
        text = _("%(recipients)s recipients are too few: some variants would go to nobody.")
        field = "test_share" if campaign.is_tested else FIELD
        number = expected_recipients_of_all(campaign, measured.recipients)
        yield Problem(field, text % {"recipients": number_format(number, force_grouping=True)})


def expected_recipients_of_all(campaign: Campaign, recipients: int) -> int:
    """How many of `recipients` get their variant at once, on average."""
    return recipients * (campaign.test_share if campaign.is_tested else 100) // 100


def division_warnings(campaign: Campaign, measured: MeasuredAudience) -> Iterator[Problem]:
    """An audience too small for its result to say anything."""
    if not campaign.variants or not measured.recipients:
        return
    expected = expected_recipients(campaign, measured.recipients)
    if expected < FEW:
        text = _(
            "Each variant goes to about %(recipients)s recipients at first. With so few, only very"
            " large differences can be shown."
        )
        field = "test_share" if campaign.is_tested else FIELD
        yield Problem(field, text % {"recipients": number_format(expected, force_grouping=True)})
