"""Second factors: allauth's views with our pages. Each change is recorded, e-mailed, and ends the
user's other sessions, in one transaction with it.
"""

from typing import Any

from allauth.mfa.base import views as allauth_views
from allauth.mfa.recovery_codes import views as allauth_codes_views
from allauth.mfa.totp import views as allauth_totp_views
from allauth.mfa.webauthn import views as allauth_passkey_views
from allauth.mfa.webauthn.internal import auth
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.team import audit
from campaigns.team.pages.access import current_user
from campaigns.team.pages.sign_in import first_step
from campaigns.team.pages.sign_in.fresh import fresh_to_download
from campaigns.team.pages.sign_in.limits import limited
from campaigns.team.sign_in import factors
from campaigns.team.sign_in.factor_adapter import passkeys_work

FOLDER = "campaigns/team/sign_in"
LIST = reverse_lazy("mfa_index")


class SecondStep(allauth_views.AuthenticateView):  # type: ignore[misc]  # allauth has no types
    """After the password: a code or a passkey."""

    template_name = f"{FOLDER}/second_step.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kinds = factors.kinds_of(self.stage.login.user)
        with_passkey = "webauthn" in kinds and passkeys_work(self.request)
        context = {"with_code": "totp" in kinds or not with_passkey, "with_passkey": with_passkey}
        return {**super().get_context_data(**kwargs), **context}


class SignInWithPasskey(allauth_passkey_views.LoginWebAuthnView):  # type: ignore[misc]
    """A challenge for a script, then the answer of the passkey."""


class ConfirmByCode(allauth_views.ReauthenticateView):  # type: ignore[misc]
    template_name = f"{FOLDER}/confirm.html"
    extra_context = {"method": "code"}


class ConfirmByPasskey(allauth_passkey_views.ReauthenticateWebAuthnView):  # type: ignore[misc]
    template_name = f"{FOLDER}/confirm.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "method": "passkey"}

    def form_invalid(self, form: Any) -> HttpResponse:
        """Again, where allauth leads to the sign-in page and so away."""
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response


class Factors(allauth_views.IndexView):  # type: ignore[misc]
    def get_template_names(self) -> list[str]:
        is_due = first_step.of(current_user(self.request)) == first_step.FACTOR
        return [f"{FOLDER}/{'factor_due' if is_due else 'factors'}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        kept = context["authenticators"]
        return context | {
            "app": kept.get("totp"),
            "passkeys": kept.get("webauthn", []),
            "codes": kept.get("recovery_codes"),
            "count": ("totp" in kept) + len(kept.get("webauthn", [])),
            "is_required": factors.is_required(current_user(self.request)),
            "passkeys_work": passkeys_work(self.request),
        }


class AddApp(allauth_totp_views.ActivateTOTPView):  # type: ignore[misc]
    template_name = f"{FOLDER}/app_add.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who has an app already removes it first."""
        if "totp" in factors.kinds_of(current_user(request)):
            return redirect(LIST)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        factors.changed(self.request, current_user(self.request), "authenticator app added")
        messages.success(self.request, _("The authenticator app is set up."))
        return response


class AddPasskey(allauth_passkey_views.AddWebAuthnView):  # type: ignore[misc]
    template_name = f"{FOLDER}/passkey_add.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        options = auth.begin_registration(current_user(self.request), passwordless=True)
        works = passkeys_work(self.request)
        return context | {"js_data": {"creation_options": options}, "passkeys_work": works}

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        name = form.cleaned_data["name"]
        factors.changed(self.request, current_user(self.request), "passkey added", name)
        messages.success(self.request, _("The passkey “%(name)s” is added.") % {"name": name})
        return response


class RenamePasskey(allauth_passkey_views.EditWebAuthnView):  # type: ignore[misc]
    template_name = f"{FOLDER}/passkey_rename.html"
    success_url = LIST

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        user, name = current_user(self.request), form.cleaned_data["name"]
        factors.changed(self.request, user, "passkey renamed", name)
        messages.success(self.request, _("Saved."))
        return response


class RemoveApp(allauth_totp_views.DeactivateTOTPView):  # type: ignore[misc]
    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        factors.changed(self.request, current_user(self.request), "authenticator app removed")
        messages.success(self.request, _("The authenticator app is removed."))
        return response


class RemovePasskey(allauth_passkey_views.RemoveWebAuthnView):  # type: ignore[misc]
    success_url = LIST

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        name = str(self.object)
        response: HttpResponse = super().form_valid(form)
        factors.changed(self.request, current_user(self.request), "passkey removed", name)
        messages.success(self.request, _("The passkey “%(name)s” is removed.") % {"name": name})
        return response


class RecoveryCodes(allauth_codes_views.ViewRecoveryCodesView):  # type: ignore[misc]
    template_name = f"{FOLDER}/recovery_codes.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().get(request, *args, **kwargs)
        except ValidationError as unreadable:
            messages.error(request, unreadable.messages[0])
            return redirect(LIST)
        return response


class DownloadRecoveryCodes(allauth_codes_views.DownloadRecoveryCodesView):  # type: ignore[misc]
    template_name = f"{FOLDER}/recovery_codes.txt"

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        user = current_user(self.request)
        audit.record(user, user, "exported", "recovery codes")
        response: HttpResponse = super().render_to_response(context, **options)
        return response


class RenewRecoveryCodes(allauth_codes_views.GenerateRecoveryCodesView):  # type: ignore[misc]
    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        factors.changed(self.request, current_user(self.request), "recovery codes renewed")
        messages.success(self.request, _("These codes replace the former ones."))
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        messages.error(self.request, form.non_field_errors()[0])
        return redirect(LIST)


sign_in_with_passkey = limited(SignInWithPasskey.as_view())
download_recovery_codes = require_safe(fresh_to_download(DownloadRecoveryCodes.as_view()))
remove_app = require_POST(RemoveApp.as_view())
remove_passkey = require_POST(RemovePasskey.as_view())
renew_recovery_codes = require_POST(RenewRecoveryCodes.as_view())
