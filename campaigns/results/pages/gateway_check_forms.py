"""The form that starts a check of the gateway."""

import uuid
from typing import Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Sender
from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.gateway import limits
from campaigns.results.gateway_check.content import CheckRequest
from campaigns.team.pages.brands.forms import BrandChoices


class GatewayCheckForm(BrandChoices, forms.Form):
    """What to check besides the account."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    sender = forms.ModelChoiceField(
        Sender.objects.all(),
        label=_("Sender"),
        required=False,
        empty_label=_("No sender"),
        help_text=_("One of those in Settings > Senders."),
    )
    phone = forms.CharField(
        label=_("Your phone"),
        required=False,
        max_length=40,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "tel"}),
    )
    send = forms.BooleanField(
        label=_("Send a message to this phone"),
        required=False,
        help_text=_("It is charged as usual."),
    )
    sms_sender = forms.CharField(
        label=_("SMS sender"),
        required=False,
        max_length=limits.SMS_SENDER_DIGITS_MAX,
        help_text=_("With a name the message has an SMS fallback, after 10 minutes."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("token", uuid.uuid4())
        self.helper: FormHelper = FormHelper()
        self.helper.form_method = "post"
        self.helper.form_id = "new-check"
        button = StrictButton(_("Check"), type="submit", css_class="btn-primary")
        self.helper.layout = Layout("token", "sender", "phone", "send", "sms_sender", button)

    def clean_phone(self) -> str:
        if not self.cleaned_data["phone"].strip():
            return ""
        verdict = normalise(self.cleaned_data["phone"], settings.DEFAULT_COUNTRY)
        if not isinstance(verdict, Phone):
            raise forms.ValidationError(verdict.label)
        return verdict.msisdn

    def clean_sms_sender(self) -> str:
        sms_sender: str = self.cleaned_data["sms_sender"].strip()
        if sms_sender and not limits.is_sms_sender(sms_sender):
            raise forms.ValidationError(_("Enter 3 to 11 characters, or 3 to 15 digits."))
        return sms_sender

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("send"):
            if not values.get("sender") and "sender" not in self.errors:
                self.add_error("sender", _("Choose the sender of the message."))
            if not values.get("phone") and "phone" not in self.errors:
                self.add_error("phone", _("Enter your phone."))
        return values

    def request(self, site: str) -> CheckRequest:
        """What the valid form asks for; `site` is the address of the page."""
        values = self.cleaned_data
        return CheckRequest(
            sender=values["sender"].name if values["sender"] else "",
            msisdn=values["phone"],
            sms_sender=values["sms_sender"],
            sends=values["send"],
            site=site,
        )
