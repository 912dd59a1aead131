"""The form of a sign-up page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Trigger, TriggerState
from campaigns.contacts.consent import wordings
from campaigns.engagement.sign_up.models import SignUpPage
from campaigns.engagement.sign_up.terms import Terms
from campaigns.team.pages.forms import post_form


class SignUpForm(forms.Form):
    is_on = forms.BooleanField(label=_("People can sign up themselves"), required=False)
    wording = forms.CharField(
        label=_("What they agree to"),
        max_length=wordings.WORDING_MAX,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("Shown beside the box to tick, and kept as the wording of their consent."),
    )
    trigger = forms.ModelChoiceField(
        label=_("Trigger of the message to confirm"),
        queryset=Trigger.objects.none(),
        required=False,
        help_text=_("Its message has the tag {confirm}."),
    )

    def __init__(self, data: Any, page: SignUpPage | None) -> None:
        values = {"is_on": page.is_on, "wording": page.wording.text} if page else {}
        super().__init__(data, initial=values | {"trigger": page.trigger_id if page else None})
        choice = self.fields["trigger"]
        choice.queryset = Trigger.objects.exclude(state=TriggerState.ENDED)  # type: ignore[attr-defined]
        self.helper = post_form("is_on", "wording", "trigger", submit=_("Save"))

    def terms(self) -> Terms:
        """What a valid form says."""
        return Terms(**self.cleaned_data)
