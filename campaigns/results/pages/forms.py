"""Forms for fees and corrections."""

from datetime import date
from typing import Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign, Sender
from campaigns.ledger.models import Channel
from campaigns.shared.days import site_month
from campaigns.shared.money import AmountInput
from campaigns.team.pages.brands.forms import BrandChoices

NOTE_MAX = 200  # characters


def _currency() -> forms.CharField:
    return forms.CharField(
        label=_("Currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Enter three capital letters, such as EUR."))],
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
    )


def _helper(button_text: Any, *fields: str) -> FormHelper:
    helper = FormHelper()
    button = StrictButton(button_text, type="submit", css_class="btn-primary")
    helper.layout = Layout(*fields, Div(button, css_class="form-actions"))
    return helper


class FeeForm(BrandChoices, forms.Form):
    """The monthly fee of a sender."""

    sender = forms.ModelChoiceField(Sender.objects.all(), label=_("Sender"))
    month = forms.RegexField(
        r"^20\d\d-(0[1-9]|1[0-2])$",
        label=_("Month"),
        error_messages={"invalid": _("Enter the month as year and month, such as 2026-11.")},
        widget=forms.TextInput({"type": "month"}),
    )
    amount = AmountInput(label=_("Amount"), min_value=0)
    currency = _currency()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["month"] = f"{site_month():%Y-%m}"
        self.auto_id = "id_fee_%s"  # the other form of the page has a currency too
        self.helper = _helper(_("Add fee"), "sender", "month", "amount", "currency")

    def clean_month(self) -> date:
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")


class CorrectionForm(forms.Form):
    """An amount to add to the ledger, with a note."""

    amount = AmountInput(
        label=_("Amount"),
        help_text=_("Additional cost, or a reduction with a minus sign."),
    )
    currency = _currency()
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    campaign = forms.IntegerField(
        label=_("Campaign number"),
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text=_("The number in the address of its page. Empty if it concerns no campaign."),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=NOTE_MAX,
        help_text=_("The reason, for later readers of the ledger."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = _helper(
            _("Add correction"), "amount", "currency", "channel", "campaign", "note"
        )

    def clean_amount(self) -> Any:
        if not self.cleaned_data["amount"]:
            raise forms.ValidationError(_("Enter an amount other than 0."))
        return self.cleaned_data["amount"]

    def clean_campaign(self) -> Campaign | None:
        number = self.cleaned_data["campaign"]
        if number is None:
            return None
        campaign = Campaign.objects.filter(pk=number).first()
        if campaign is None:
            raise forms.ValidationError(_("There is no campaign with this number."))
        return campaign
