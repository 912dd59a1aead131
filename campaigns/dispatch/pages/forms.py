"""Forms for budgets and for the sending hours of a campaign under way."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.form import CLOCK
from campaigns.compose.editor.form_fields import UnzonedDateTimeField, in_zone
from campaigns.compose.editor.initial_values import initial_of
from campaigns.compose.launch import checks, running_changes
from campaigns.compose.launch.follow_ups import HOURS_MAX
from campaigns.compose.models import Campaign, Timing
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.shared.money import AmountInput
from campaigns.team.models import User
from campaigns.team.time_zones import zone_choices

if TYPE_CHECKING:
    MonthlyBudgetModelForm = forms.ModelForm[MonthlyBudget]
else:
    MonthlyBudgetModelForm = forms.ModelForm


def form_helper(button: Any, *fields: Any, back: str = "") -> FormHelper:
    """The layout of a form with one button, and with a link to the page `back`."""
    helper = FormHelper()
    buttons: list[Any] = [StrictButton(button, type="submit", css_class="btn-primary")]
    if back:
        buttons.append(HTML(f'<a class="btn" href="{back}">{_("Go back")}</a>'))
    helper.layout = Layout(*fields, Div(*buttons, css_class="form-actions"))
    return helper


class CampaignBudgetForm(forms.Form):
    """The most that a campaign may cost."""

    amount = AmountInput(
        label=_("Budget"),
        min_value=0,
        required=False,
        help_text=_(
            "Sending pauses before it would cost more. In the currency of the price list; leave"
            " empty for no limit."
        ),
    )

    def __init__(self, *args: Any, back: str = "", currency: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        if currency:
            label = _("Budget in %(currency)s") % {"currency": currency}
            self.fields["amount"].label = label
        self.helper = form_helper(_("Change budget"), "amount", back=back)


def _currency_field() -> forms.CharField:
    return forms.CharField(
        label=_("Currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Enter three capital letters, such as EUR."))],
        help_text=_("The currency that the gateway charges in, such as EUR."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
    )


class SendingHoursForm(forms.Form):
    """The sending hours of a campaign under way."""

    sends_from = forms.TimeField(label=_("Not before"), required=False, widget=CLOCK)
    sends_until = forms.TimeField(label=_("Not after"), required=False, widget=CLOCK)

    def __init__(self, *args: Any, campaign: Campaign, back: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.campaign = campaign
        self.helper = form_helper(
            _("Change sending hours"),
            Div("sends_from", "sends_until", css_class="pair-fields"),
            back=back,
        )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        start, end = data.get("sends_from"), data.get("sends_until")
        if not self.errors:
            problem = checks.ends_problem(start, end)
            if not problem:
                changed = Campaign(timing=self.campaign.timing, sends_from=start, sends_until=end)
                problems = checks.hours_problems(changed, Audience.of(self.campaign))
                problem = next(iter(problems), None)
            if problem:
                self.add_error(problem.field, str(problem.message))
        return data

    @property
    def hours(self) -> SendingHours | None:
        """The chosen hours, after `is_valid`; None: at any hour."""
        data = self.cleaned_data
        return SendingHours(data["sends_from"], data["sends_until"]) if data["sends_from"] else None


class TimeForm(forms.Form):
    """Another time for a campaign that waits for one: the fields that its timing has."""

    scheduled_at = UnzonedDateTimeField(
        label=_("Date and time"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "required": _("Choose a date and time."),
            "invalid": _("Enter a date and a time."),
        },
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=zone_choices)
    follow_hours = forms.IntegerField(
        label=_("Hours after the campaign that it follows"), min_value=1, max_value=HOURS_MAX
    )

    def __init__(self, *args: Any, campaign: Campaign, back: str = "", **options: Any) -> None:
        options.setdefault("initial", initial_of(campaign))
        super().__init__(*args, **options)
        self.is_local = campaign.timing == Timing.LOCAL
        names = ["scheduled_at"] if self.is_local else ["scheduled_at", "time_zone"]
        if campaign.timing == Timing.AFTER:
            names = ["follow_hours"]
        self.fields = {name: self.fields[name] for name in names}
        if self.is_local:
            self.fields["scheduled_at"].label = _("Date and time, in the recipient's local time")
        self.helper = form_helper(_("Reschedule"), Div(*names, css_class="pair-fields"), back=back)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if moment := data.get("scheduled_at"):
            zone = data.get("time_zone")
            try:
                local = moment.replace(tzinfo=None)
                data["scheduled_at"] = local if self.is_local else in_zone(moment, zone)
            except forms.ValidationError as error:
                self.add_error("scheduled_at", error)
        return data

    def reschedule(self, campaign_id: int, actor: User | None) -> None:
        """Change the time to that of the valid form. Raises Refused."""
        data = self.cleaned_data
        running_changes.reschedule(
            campaign_id,
            actor,
            data.get("scheduled_at"),
            data.get("time_zone", ""),
            data.get("follow_hours", 0),
        )


class MonthlyBudgetForm(MonthlyBudgetModelForm):
    """The most that all campaigns together may cost in a month.

    The amount of a currency that has a budget already is changed.
    """

    currency = _currency_field()
    amount = AmountInput(label=_("Monthly limit"), min_value=0)

    class Meta:
        model = MonthlyBudget
        fields = ("currency", "amount")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = form_helper(_("Set budget"), "currency", "amount")


class UserBudgetForm(forms.Form):
    """The most that the campaigns launched by one user may cost in a month.

    The amount of a user and currency that have a budget already is changed.
    """

    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"), label=_("User")
    )
    currency = _currency_field()
    amount = AmountInput(label=_("Monthly limit"), min_value=0)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Both forms are on one page, so their ids have to differ.
        self.auto_id = "id_user_%s"
        self.helper = form_helper(_("Set user budget"), "user", "currency", "amount")
