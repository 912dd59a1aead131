"""Forms that take what a browser's passkey answers: allauth's, which nonsense cannot break.

The answer is made by static/js/passkey.js. A passkey can sign in alone, so each checks its user (by
a finger, a face or a PIN).
"""

import struct
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauth_forms
from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.team import audit
from campaigns.team.pages.forms import part_of_form
from campaigns.team.sign_in import throttle
from campaigns.team.sign_in.adapter import too_many
from campaigns.team.sign_in.client import client_address
from campaigns.team.sign_in.factors import is_linked
from campaigns.team.sign_in.single_sign_on import takes_passwords

LONGEST_ANSWER = 32 << 10  # characters
LONGEST_NAME = 60
# What parsers raise for an answer that is none.
NONSENSE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


class AnswerField(forms.JSONField):
    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > LONGEST_ANSWER:
            raise get_adapter().validation_error("incorrect_code")
        try:
            return super().to_python(value)
        except RecursionError:
            raise get_adapter().validation_error("incorrect_code") from None


class TolerantAnswer:
    """What is no answer of a passkey is a wrong one."""

    fields: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = AnswerField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except NONSENSE:
            raise get_adapter().validation_error("incorrect_code") from None


class SignInForm(TolerantAnswer, allauth_forms.LoginWebAuthnForm):  # type: ignore[misc]
    """Alone, in place of user name and password."""

    def clean_credential(self) -> Any:
        """Wrong ones are counted, and recorded without a user: anybody can name one."""
        try:
            attempt = throttle.begin_passkey(context.request)
        except throttle.MustWait as must_wait:
            raise too_many(must_wait) from None
        try:
            authenticator = super().clean_credential()
        except forms.ValidationError:
            detail = f"wrong passkey, from {client_address(context.request)}"
            audit.record(None, "user:unknown", "sign-in failed", detail)
            raise
        attempt.was_right()
        user = authenticator.user
        if is_linked(user) or not takes_passwords(user.get_username()):
            text = gettext("Sign in with %(provider)s.") % {"provider": settings.OIDC_NAME}
            raise forms.ValidationError(text)
        return authenticator


class SecondStepForm(TolerantAnswer, allauth_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """After the password."""


class ConfirmForm(TolerantAnswer, allauth_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """To confirm who one is while signed in."""


class AddForm(allauth_forms.AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("passwordless", None)  # each one is
        self.fields["credential"] = AnswerField(widget=forms.HiddenInput)
        self.fields["name"] = forms.CharField(
            label=_("Name"),
            required=False,
            max_length=LONGEST_NAME,
            help_text=_("To tell it from others, such as “Phone”."),
        )
        self.helper = part_of_form("name")

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except NONSENSE:
            raise get_adapter().validation_error("incorrect_code") from None
        return cleaned


class RenameForm(allauth_forms.EditWebAuthnForm):  # type: ignore[misc]
    instance: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        self.fields["name"].max_length = LONGEST_NAME
        self.helper = part_of_form("name")
