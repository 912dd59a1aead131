"""What a person types to confirm a launch: how many people, and the highest cost, as people write
figures.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.message_lengths import MessageLengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import Estimate, estimate_cost, format_amount
from campaigns.shared.money import on_card

_BETWEEN = re.compile(r"[\s'’]")  # digits; \s knows the spaces that do not break too
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)


def parse_figure(said: str, currency: str = "") -> Decimal | None:
    """The number that `said` is, with `currency` or without; None where it is none.

    A comma or a point before each three digits groups them, as in 1,200 or 1.200,50; any other one
    begins the decimals.
    """
    text = _BETWEEN.sub("", said).upper()
    if currency:
        text = text.removeprefix(currency).removesuffix(currency)
    for group, point in (",.", ".,"):
        if re.fullmatch(rf"[1-9]\d{{0,2}}([{group}]\d{{3}})+([{point}]\d+)?", text, re.ASCII):
            text = text.replace(group, "")
            break
    text = text.replace(",", ".")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def audience_changed_message(left: int, people: Any) -> str:
    """What to say where somebody confirmed `people`, and `left` would get it."""
    return ngettext(
        "The audience is %(left)s person now, not %(people)s.",
        "The audience is %(left)s people now, not %(people)s.",
        left,
    ) % {
        "left": number_format(left, force_grouping=True),
        "people": number_format(people, force_grouping=True),
    }


class ConfirmedFigureField(forms.CharField):
    """A figure that has to be `expected`: people, or an amount of `currency` as cards show it."""

    def __init__(self, expected: Decimal, currency: str = "", **options: Any) -> None:
        self.expected, self.currency = expected, currency
        shown = (
            format_amount(expected) if currency else number_format(expected, force_grouping=True)
        )
        mode = "decimal" if currency else "numeric"
        widget = forms.TextInput({"inputmode": mode, "autocomplete": "off", "placeholder": shown})
        super().__init__(max_length=60, widget=widget, **options)

    def clean(self, value: Any) -> Decimal:
        """The figure. Raises ValidationError for another one, and for what is none."""
        said = parse_figure(super().clean(value), self.currency)
        if said is None:
            raise ValidationError(self.error_messages["required"])
        if on_card(said) == self.expected if self.currency else said == self.expected:
            return said
        if not self.currency:
            raise ValidationError(audience_changed_message(int(self.expected), said))
        words = _("The highest cost is %(now)s now, not %(said)s.")
        said_words = number_format(said, force_grouping=True)
        raise ValidationError(
            words % {"now": format_amount(self.expected, self.currency), "said": said_words}
        )


class LaunchConfirmationForm(forms.Form):
    """The people, and the highest cost in each currency that is known. Where no price is, the
    people alone.
    """

    def __init__(self, people: int, cost: Estimate, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, auto_id="id_%s")
        self.people = people
        self.fields["people"] = ConfirmedFigureField(
            Decimal(people),
            label=_("Number of people"),
            error_messages={
                "required": gettext_lazy(
                    "Type the number of people, to confirm that you mean them all."
                )
            },
        )
        for currency, total in cost.totals.items():
            self.fields[f"cost_{currency}"] = ConfirmedFigureField(
                on_card(total.most),
                currency,
                label=_("Highest cost, in %(currency)s") % {"currency": currency},
                error_messages={
                    "required": gettext_lazy(
                        "Type the highest cost, to confirm that you mean to pay it."
                    )
                },
            )


def launch_confirmation(campaign: Campaign, data: Mapping[str, Any]) -> LaunchConfirmationForm:
    """What was typed to confirm the launch of `campaign`, against what its audience and its cost
    are now.
    """
    measured = MessageLengths(Audience.of(campaign), compile_message(campaign))
    people = measured.audience.funnel().recipients if measured.audience else 0
    return LaunchConfirmationForm(people, estimate_cost(campaign, measured), data)
