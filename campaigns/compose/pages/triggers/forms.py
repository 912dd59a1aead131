"""The forms of a trigger: its event and its limits."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Trigger
from campaigns.compose.models.triggers import EVENT_NAME_MAX, PEOPLE_MAX, PERSON_MAX, WAIT_MAX
from campaigns.compose.triggers.moves import Limits
from campaigns.team.pages.forms import post_form

LIMITS = ("people_max", "person_max", "wait_max")


class LimitsForm(forms.Form):
    people_max = forms.IntegerField(
        label=_("Messages a day"), min_value=1, max_value=PEOPLE_MAX, initial=1_000,
        help_text=_("Further events of the day are skipped."),
    )  # fmt: skip
    person_max = forms.IntegerField(
        label=_("To one person a day"), min_value=1, max_value=PERSON_MAX, initial=3
    )
    wait_max = forms.IntegerField(
        label=_("Hours an event may wait"), min_value=1, max_value=WAIT_MAX, initial=24,
        help_text=_("They wait while the trigger is off or its campaign paused, then are skipped."),
    )  # fmt: skip

    def __init__(self, data: Any = None, trigger: Trigger | None = None) -> None:
        initial = {name: getattr(trigger, name) for name in LIMITS} if trigger else None
        super().__init__(data, initial=initial)
        self.helper = post_form(*LIMITS, submit=_("Save"))

    def limits(self) -> Limits:
        """What a valid form says."""
        return Limits(*(self.cleaned_data[name] for name in LIMITS))


class TriggerForm(LimitsForm):
    event = forms.CharField(
        label=_("Event"),
        max_length=EVENT_NAME_MAX,
        validators=Trigger._meta.get_field("event").validators,
        widget=forms.TextInput({"autocomplete": "off", "placeholder": "order.paid"}),
        help_text=_("What the other system calls it in its requests."),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.helper = post_form("event", *LIMITS, submit=_("Set up trigger"))
