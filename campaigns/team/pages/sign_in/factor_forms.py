"""Forms for one-time codes: allauth's, counted by sign_in/throttle.py, with the site's layout."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as allauth_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as allauth_totp_forms
from django.utils.translation import gettext_lazy as _

from campaigns.team import audit
from campaigns.team.pages.forms import part_of_form
from campaigns.team.sign_in import codes, factors, throttle
from campaigns.team.sign_in.adapter import too_many
from campaigns.team.sign_in.client import client_address


class CountedCode:
    """The field `code`: wrong ones are counted, right ones accepted once."""

    user: Any
    fields: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Code")
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
        if not self.is_bound:  # type: ignore[attr-defined]
            field.widget.attrs["autofocus"] = True
        self.helper = part_of_form("code")

    def clean_code(self) -> str:
        try:
            attempt = throttle.begin_code(context.request, self.user.get_username())
        except throttle.MustWait as must_wait:
            raise too_many(must_wait) from None
        code: str = super().clean_code()  # type: ignore[misc]
        factor = getattr(self, "authenticator", None)
        if factor and not codes.use(factor, code):
            raise get_adapter().validation_error("incorrect_code")
        attempt.was_right()
        if factor and factor.type == Authenticator.Type.RECOVERY_CODES:
            factors.recovery_code_used(self.user)
        return code


class SecondStepForm(CountedCode, allauth_forms.AuthenticateForm):  # type: ignore[misc]
    """After the password, at the sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("Of your authenticator app, or a recovery code.")

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        detail = f"wrong code, from {client_address(context.request)}"
        audit.record(None, self.user, "sign-in failed", detail)


class ConfirmCodeForm(CountedCode, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """To confirm who one is while signed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("Of your authenticator app, or a recovery code.")

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        detail = f"wrong code, from {client_address(context.request)}"
        audit.record(self.user, self.user, "confirmation failed", detail)


class AddAppForm(CountedCode, allauth_totp_forms.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("The six digits that the app shows now.")
