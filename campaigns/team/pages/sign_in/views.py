"""Signing in and out, and choosing a password: allauth's views with our pages."""

from typing import Any

from allauth.account import views as allauth_views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from campaigns.team import audit
from campaigns.team.pages.access import current_user
from campaigns.team.pages.sign_in import first_step
from campaigns.team.sign_in import sessions, single_sign_on
from campaigns.team.sign_in.factor_adapter import passkeys_work
from campaigns.team.sign_in.links import HOURS

FOLDER = "campaigns/team/sign_in"

sign_out = require_POST(allauth_views.LogoutView.as_view())
closed = allauth_views.AccountInactiveView.as_view(template_name=f"{FOLDER}/closed.html")
forgotten_sent = allauth_views.PasswordResetDoneView.as_view(
    template_name=f"{FOLDER}/forgotten_sent.html", extra_context={"hours": HOURS}
)
password_chosen = allauth_views.PasswordResetFromKeyDoneView.as_view(
    template_name=f"{FOLDER}/password_chosen.html"
)


def oidc_name() -> dict[str, str]:
    """The name of the OpenID Connect provider for templates; "" where there is none."""
    return {"oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}


class SignIn(allauth_views.LoginView):  # type: ignore[misc]  # allauth has no types
    template_name = f"{FOLDER}/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        passkeys = passkeys_work(self.request) and not settings.OIDC_ONLY
        context = {"passkeys_work": passkeys, "oidc_only": settings.OIDC_ONLY, **oidc_name()}
        return {**super().get_context_data(**kwargs), **context}


class ChoosePassword(allauth_views.PasswordResetFromKeyView):  # type: ignore[misc]
    """With a link; or sign in with the OpenID Connect provider from now on."""

    template_name = f"{FOLDER}/choose_password.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {"hours": HOURS, **oidc_name(), "uid": self.kwargs["uidb36"]}
        if user := getattr(self, "reset_user", None):
            context["takes_passwords"] = single_sign_on.takes_passwords(user.get_username())
            context["is_break_glass"] = single_sign_on.is_break_glass(user.get_username())
        return {**super().get_context_data(**kwargs), **context}


choose_password = never_cache(ChoosePassword.as_view())


class ConfirmByPassword(allauth_views.ReauthenticateView):  # type: ignore[misc]
    template_name = f"{FOLDER}/confirm.html"
    extra_context = {"method": "password"}


class Forgotten(allauth_views.PasswordResetView):  # type: ignore[misc]
    template_name = f"{FOLDER}/forgotten.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "sends_mail": settings.SENDS_MAIL}


class ChangePassword(allauth_views.PasswordChangeView):  # type: ignore[misc]
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not current_user(request).has_usable_password():
            text = _("You have no password: you sign in with %(provider)s.")
            messages.info(request, text % {"provider": settings.OIDC_NAME})
            return redirect("account")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_template_names(self) -> list[str]:
        """Without the rest of the site, as long as nothing else can be done."""
        due = first_step.of(current_user(self.request)) == first_step.PASSWORD
        return [f"{FOLDER}/{'password_due' if due else 'password_change'}.html"]


@never_cache
@login_not_required
@require_safe
def session(request: HttpRequest) -> JsonResponse:
    """For scripts: the id of the signed-in user, null if nobody is, and the token for forms."""
    return JsonResponse({"user": request.user.pk, "token": get_token(request)})


@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the user's own sessions."""
    user = current_user(request)
    with transaction.atomic():
        if not sessions.end(user, pk):
            raise Http404
        audit.record(user, user, "session ended", "by hand")
    messages.success(request, _("The session has ended."))
    return redirect("account")


@require_POST
def sessions_end(request: HttpRequest) -> HttpResponse:
    """End all sessions of the user but this one."""
    user = current_user(request)
    with transaction.atomic():
        count = sessions.end_others(user, request.session.session_key)
        audit.record(user, user, "sessions ended", f"{count} by hand")
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("account")


@require_safe
def signed_in(request: HttpRequest) -> HttpResponse:
    """Where a sign-in leads that was begun in a new tab, from a page that waits for it."""
    return render(request, f"{FOLDER}/signed_in.html")
