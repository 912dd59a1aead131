"""The form of a series: its rule and the limit of a run."""

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Repeat, Series
from campaigns.compose.models.series import RECIPIENTS_MAX
from campaigns.compose.series.moves import Plan, plan_problems
from campaigns.shared.days import site_today
from campaigns.team.pages.forms import post_form

ISO_DAY = "%Y-%m-%d"


def _day_field(label: Any, **options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format=ISO_DAY)
    return forms.DateField(label=label, widget=widget, input_formats=[ISO_DAY], **options)


class PlanForm(forms.Form):
    repeat = forms.ChoiceField(label=_("Repeat"), choices=Repeat.choices, initial=Repeat.WEEKLY)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    month_day = forms.IntegerField(
        label=_("Day of the month"),
        min_value=1,
        max_value=31,
        required=False,
        help_text=_("31 is the last day of each month."),
    )
    at = forms.TimeField(
        label=_("Time"),
        initial="10:00",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    is_local = forms.BooleanField(
        label=_("In the recipient's local time"),
        required=False,
        help_text=_("Otherwise in the time zone of this installation."),
    )
    first_day = _day_field(_("First day"))
    last_day = _day_field(_("Last day"), required=False, help_text=_("Empty: until you end it."))
    people_max = forms.IntegerField(
        label=_("Recipients of a run, at most"),
        min_value=1,
        max_value=RECIPIENTS_MAX,
        help_text=_("A run with more is paused before its first message, and waits for you."),
    )

    def __init__(self, data: Any = None, series: Series | None = None) -> None:
        names = list(self.base_fields)
        initial = {name: getattr(series, name) for name in names} if series else {}
        super().__init__(data, initial={"first_day": site_today()} | initial)
        self.helper = post_form(*names, submit=_("Save") if series else _("Set up series"))
        self.helper.form_class = "series-plan"

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            for problem in plan_problems(self.plan()):
                self.add_error(problem.field, str(problem.message))

    def plan(self) -> Plan:
        """What a valid form says; what the rule does not use is left out."""
        values = dict(self.cleaned_data, repeat=Repeat(self.cleaned_data["repeat"]))
        values["weekdays"] = values["weekdays"] if values["repeat"] == Repeat.WEEKLY else []
        values["month_day"] = values["month_day"] if values["repeat"] == Repeat.MONTHLY else None
        return Plan(**values)
