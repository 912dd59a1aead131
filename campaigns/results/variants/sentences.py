"""What the figures of variants say, and what they don't, in a sentence."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.models import DecisionMeasure
from campaigns.results.variants.significance import Comparison, Rate, compare
from campaigns.shared.figures.percentages import percent_text

NOBODY = {
    DecisionMeasure.READ: gettext_lazy("Nobody has read a message: no difference was shown."),
    DecisionMeasure.CLICK: gettext_lazy("Nobody has clicked: no difference was shown."),
    DecisionMeasure.CONVERSION: gettext_lazy("Nobody has converted: no difference was shown."),
}


def sentence(measure: str, rates: Mapping[str, Rate]) -> str:
    """Whether a difference between the variants' `rates` is shown, and how sure that is."""
    if not any(rate.hits for rate in rates.values()):
        return str(NOBODY[DecisionMeasure(measure)])
    result = compare(rates)
    best, following = rates[result.best], rates[result.next]
    values = {
        "best": result.best,
        "next": result.next,
        "higher": percent_text(best.value),
        "lower": percent_text(following.value),
        "chance": _chance(result),
    }
    if result.is_tie:
        text = _("%(best)s and %(next)s have the same rate, %(higher)s: no difference was shown.")
    elif result.is_shown:
        text = _(
            "%(best)s is better than %(next)s: %(higher)s against %(lower)s. Chance alone gives"
            " such a lead in %(chance)s of 100 tests."
        )
    else:
        text = _(
            "No difference was shown. %(best)s leads %(next)s, %(higher)s against %(lower)s, but"
            " chance alone gives such a lead in %(chance)s of 100 tests."
        )
    return text % values


def _chance(result: Comparison) -> str:
    hundredths = round(result.probability * 100)
    return str(hundredths) if hundredths else _("fewer than 1")


def reason(measure: str, rates: Mapping[str, Rate]) -> str:
    """Why ViberDash chose the best of `rates`, for the trail."""
    said = sentence(measure, rates)
    result = compare(rates)
    if not result.is_tie:
        return said
    text = _("%(said)s Of equal ones ViberDash takes the first, %(letter)s.")
    return text % {"said": said, "letter": result.best}
