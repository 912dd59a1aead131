"""The form of a webhook, and that which replaces its secret."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.events import kinds
from campaigns.events.models import Webhook
from campaigns.events.webhooks import Chosen
from campaigns.team.pages.forms import post_form

FIELDS = ("address", "description", "kinds", "include_phones")


def kind_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The kinds of events, by group."""
    return [
        (str(group.label), [(kind.name, str(kind.label)) for kind in group.kinds])
        for group in kinds.GROUPS
    ]


class WebhookForm(forms.Form):
    address = forms.CharField(
        label=_("Address"),
        max_length=2000,
        widget=forms.URLInput({"placeholder": "https://", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Events"), choices=kind_choices, widget=forms.CheckboxSelectMultiple
    )
    include_phones = forms.BooleanField(
        label=_("Include phones"),
        required=False,
        help_text=_("Events of messages have the recipient's phone. The audit trail says so."),
    )

    def __init__(self, data: Any, webhook: Webhook | None = None) -> None:
        initial = {name: getattr(webhook, name) for name in FIELDS} if webhook else None
        super().__init__(data, initial=initial)
        self.helper = post_form(*FIELDS, submit=_("Save") if webhook else _("Add webhook"))

    def chosen(self) -> Chosen:
        """What a valid form says."""
        return Chosen(**self.cleaned_data)


class RotateForm(forms.Form):
    hours = forms.TypedChoiceField(
        label=_("Old secret"),
        coerce=int,
        initial=24,
        choices=[
            (24, _("Signs for another day")),
            (7 * 24, _("Signs for another week")),
            (1, _("Signs for another hour")),
            (0, _("Stops signing now")),
        ],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.helper = post_form("hours", submit=_("Replace secret"))
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the template has the tokens

    def overlap(self) -> timedelta:
        """How long the old secret signs, by a valid form."""
        return timedelta(hours=self.cleaned_data["hours"])
