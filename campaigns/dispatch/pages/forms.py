"""Forms for what can be changed while campaigns are under way."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.form import CLOCK
from campaigns.compose.launch import checks
from campaigns.compose.models import Campaign
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.shared.money import PLACES
from campaigns.team.models import User

if TYPE_CHECKING:
    MonthModelForm = forms.ModelForm[MonthlyBudget]
else:
    MonthModelForm = forms.ModelForm


def _amount(**options: Any) -> forms.DecimalField:
    return forms.DecimalField(min_value=0, max_digits=18, decimal_places=PLACES, **options)


def _helper(verb: Any, *fields: Any, back: str = "") -> FormHelper:
    helper = FormHelper()
    buttons: list[Any] = [StrictButton(verb, type="submit", css_class="btn-primary")]
    if back:
        buttons.append(HTML(f'<a class="btn" href="{back}">{_("Go back")}</a>'))
    helper.layout = Layout(*fields, Div(*buttons, css_class="form-actions"))
    return helper


class BudgetForm(forms.Form):
    """What a campaign may cost at most."""

    amount = _amount(
        label=_("Budget"),
        required=False,
        help_text=_(
            "Sending pauses before it would cost more. Empty: no limit. In the currency of the"
            " account."
        ),
    )

    def __init__(self, *args: Any, back: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = _helper(_("Change the budget"), "amount", back=back)


def _currency() -> forms.CharField:
    return forms.CharField(
        label=_("Currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three letters, such as EUR."))],
        help_text=_("As the gateway charges: three letters, such as EUR."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
    )


class HoursForm(forms.Form):
    """When a campaign under way may be sent."""

    sends_from = forms.TimeField(label=_("Not before"), required=False, widget=CLOCK)
    sends_until = forms.TimeField(label=_("Not after"), required=False, widget=CLOCK)

    def __init__(self, *args: Any, campaign: Campaign, back: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.campaign = campaign
        self.helper = _helper(
            _("Change the hours"),
            Div("sends_from", "sends_until", css_class="pair-fields"),
            back=back,
        )

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        start, end = said.get("sends_from"), said.get("sends_until")
        if not self.errors:
            wrong = checks.ends_problem(start, end)
            if not wrong:
                new = Campaign(timing=self.campaign.timing, sends_from=start, sends_until=end)
                wrong = next(iter(checks.hours_problems(new, Audience.of(self.campaign))), None)
            if wrong:
                self.add_error(wrong.field, str(wrong.message))
        return said

    @property
    def hours(self) -> SendingHours | None:
        """What was said; None: at any hour. After `is_valid`."""
        said = self.cleaned_data
        return SendingHours(said["sends_from"], said["sends_until"]) if said["sends_from"] else None


class MonthForm(MonthModelForm):
    """What all campaigns together may cost in a month."""

    currency = _currency()
    amount = _amount(label=_("At most, in a month"))

    class Meta:
        model = MonthlyBudget
        fields = ("currency", "amount")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = _helper(_("Set the budget"), "currency", "amount")

    def validate_unique(self) -> None:
        """Saying another amount for a currency that has one changes that one."""


class PersonForm(forms.Form):
    """What the campaigns that one person launches may cost in a month. Saying another amount
    changes it.
    """

    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"), label=_("Person")
    )
    currency = _currency()
    amount = _amount(label=_("At most, in a month"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.auto_id = "id_person_%s"  # beside another form on its page
        self.helper = _helper(_("Set the person's budget"), "user", "currency", "amount")
