"""The form that confirms a launch."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.launch.confirmation import audience_changed_message, parse_figure
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import Estimate, estimate_cost, format_amount
from campaigns.shared.money import on_card


class ConfirmedFigureField(forms.CharField):
    """A figure that has to equal `expected`: a number of recipients, or an amount of `currency` as
    cards show it.
    """

    def __init__(self, expected: Decimal, currency: str = "", **options: Any) -> None:
        self.expected, self.currency = expected, currency
        shown = (
            format_amount(expected) if currency else number_format(expected, force_grouping=True)
        )
        mode = "decimal" if currency else "numeric"
        widget = forms.TextInput({"inputmode": mode, "autocomplete": "off", "placeholder": shown})
        super().__init__(max_length=60, widget=widget, **options)

    def clean(self, value: Any) -> Decimal:
        """The figure. Raises ValidationError if it is another one, or not a number."""
        typed = parse_figure(super().clean(value), self.currency)
        if typed is None:
            raise ValidationError(self.error_messages["required"])
        if on_card(typed) == self.expected if self.currency else typed == self.expected:
            return typed
        if not self.currency:
            raise ValidationError(audience_changed_message(int(self.expected), typed))
        raise ValidationError(
            _("The maximum cost is now %(now)s, not %(typed)s.")
            % {
                "now": format_amount(self.expected, self.currency),
                "typed": number_format(typed, force_grouping=True),
            }
        )


class LaunchConfirmationForm(forms.Form):
    """The number of recipients, and the maximum cost in each currency that is known."""

    def __init__(
        self, recipients: int, cost: Estimate, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, auto_id="id_%s")
        self.recipients = recipients
        self.fields["recipients"] = ConfirmedFigureField(
            Decimal(recipients),
            label=_("Number of recipients"),
            error_messages={"required": gettext_lazy("Type the number of recipients to confirm.")},
        )
        for currency, total in cost.totals.items():
            self.fields[f"cost_{currency}"] = ConfirmedFigureField(
                on_card(total.most),
                currency,
                label=_("Maximum cost, %(currency)s") % {"currency": currency},
                error_messages={"required": gettext_lazy("Type the maximum cost to confirm.")},
            )


def launch_confirmation(
    campaign: Campaign, measured: MeasuredAudience, data: Mapping[str, Any]
) -> LaunchConfirmationForm:
    """The posted confirmation of `campaign`, checked against its audience and cost as of now."""
    return LaunchConfirmationForm(measured.recipients, estimate_cost(campaign, measured), data)
