"""The form of an approval limit."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import ApprovalLimit
from campaigns.shared.money import PLACES

if TYPE_CHECKING:
    LimitModelForm = forms.ModelForm[ApprovalLimit]
else:
    LimitModelForm = forms.ModelForm


class LimitForm(LimitModelForm):
    """Above which highest cost, in which currency, a campaign needs a second person."""

    currency = forms.CharField(
        label=_("Currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three letters, such as EUR."))],
        help_text=_("As the gateway charges: three letters, such as EUR."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
    )
    amount = forms.DecimalField(
        label=_("Without approval up to"),
        min_value=0,
        max_digits=18,
        decimal_places=PLACES,
        help_text=_("The highest cost on the review counts: everybody by the dearer way."),
    )

    class Meta:
        model = ApprovalLimit
        fields = ("currency", "amount")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = FormHelper()
        button = StrictButton(_("Set the limit"), type="submit", css_class="btn-primary")
        self.helper.layout = Layout("currency", "amount", Div(button, css_class="form-actions"))

    def validate_unique(self) -> None:
        """Saying another amount for a currency that has one changes that one."""
