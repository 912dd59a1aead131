"""The form that makes a token."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.team.models import User
from campaigns.team.pages.forms import post_form
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

USUAL_DAYS = 90
NEVER = 0
DAYS = (7, 30, 90, 180, 365)
ADDRESSES_MAX = 20


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("The program that will use it."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("It may"), widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label=gettext_lazy("Valid for"), coerce=int)
    addresses = forms.CharField(
        label=gettext_lazy("Only from"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea({"rows": 2, "autocomplete": "off"}),
        help_text=gettext_lazy("IP addresses or networks, such as 203.0.113.0/24. Empty: any."),
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [
            (scope.value, scope.label) for scope in Permission if has_permission(user, scope)
        ]
        days = self.fields["days"]
        assert isinstance(days, forms.TypedChoiceField)
        days.choices = _day_choices()
        self.initial = {"scopes": [Permission.VIEW.value], "days": _usual_days()}
        self.helper = post_form(*self.fields, submit=_("Create token"))

    def clean_addresses(self) -> list[str]:
        texts = self.cleaned_data["addresses"].replace(",", " ").split()
        if len(texts) > ADDRESSES_MAX:
            raise forms.ValidationError(
                _("Enter at most %(most)d addresses.") % {"most": ADDRESSES_MAX}
            )
        try:
            return [str(ipaddress.ip_network(text)) for text in texts]
        except ValueError:
            text = _("Enter addresses such as 203.0.113.7 or networks such as 203.0.113.0/24.")
            raise forms.ValidationError(text) from None

    def permissions(self) -> list[Permission]:
        return [Permission(value) for value in self.cleaned_data["scopes"]]

    def expires_at(self) -> datetime | None:
        """When the token stops working; None: never."""
        days: int = self.cleaned_data["days"]
        return None if days == NEVER else timezone.now() + timedelta(days=days)


def _usual_days() -> int:
    return min(USUAL_DAYS, settings.API_TOKEN_DAYS or USUAL_DAYS)


def _day_choices() -> list[tuple[str, str]]:
    most = settings.API_TOKEN_DAYS
    allowed = sorted({_usual_days(), *(days for days in DAYS if not most or days <= most)})
    choices = [(str(days), _("%(days)d days") % {"days": days}) for days in allowed]
    return choices if most else [*choices, (str(NEVER), _("Until it is revoked"))]
