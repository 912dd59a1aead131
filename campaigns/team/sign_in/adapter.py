"""What allauth asks this installation: who may sign up (nobody), how mail goes out (by the outbox),
what is shown; and the trail of sign-ins.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.shared.figures.durations import duration
from campaigns.team import audit, mail
from campaigns.team.models import AuditResult, User
from campaigns.team.sign_in import (
    client,
    factors,
    links,
    passwords,
    sessions,
    single_sign_on,
    throttle,
)

PASSWORD_FIELDS = ["password", "must_change_password", "has_short_password", "sign_in_version"]
MESSAGES = {"account/messages/password_changed.txt": _("Password changed.")}


def too_many(must_wait: throttle.MustWait) -> ValidationError:
    """What a form says when there were too many tries."""
    text = gettext("Too many attempts. Try again in %(time)s.")
    return ValidationError(text % {"time": duration(must_wait.seconds)}, code="throttled")


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("Wrong user name or password."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Administrators invite users; nobody signs up."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, context)
        mail.mail_to(email, message.subject, message.body)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """To the address that is stored: the typed one may only look the same."""
        detail = f"from {self.get_client_ip(self.request)}"
        with transaction.atomic():
            self.send_mail("account/email/password_reset_key", user.email, context)
            audit.record(None, user, "password link requested", detail)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The address for an e-mail: a user's id and a token of links.LinkTokens."""
        uid, _dash, token = key.partition("-")
        return links.address(links.path(uid, token), self.request)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Of allauth's messages only those that its pages do not say, in our own words."""
        known = MESSAGES.get(message_template or "") if request.user.is_authenticated else None
        if text := message or known:
            messages.add_message(request, level, str(text))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Before a password is checked. Raises ValidationError after too many wrong ones, and where
        none is asked for.
        """
        if not single_sign_on.takes_passwords(credentials.get("username", "")):
            text = gettext("Sign in with %(provider)s.")
            raise ValidationError(text % {"provider": settings.OIDC_NAME}, code="oidc_only")
        try:
            self._attempt = throttle.begin(request, credentials.get("username", ""))
        except throttle.MustWait as must_wait:
            audit.record_rarely(
                None,
                "user:unknown",
                "sign-in refused",
                result=AuditResult.REFUSED,
                reason="too many tries",
            )
            raise too_many(must_wait) from None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        if user:
            self._attempt.was_right()
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        user = User.objects.filter(username__folded_exact=credentials.get("username", "")).first()
        detail = f"from {self.get_client_ip(request)}"
        audit.record(
            None, user or "user:unknown", "sign-in failed", detail, result=AuditResult.REFUSED
        )

    def login(self, request: HttpRequest, user: User) -> None:
        with transaction.atomic():
            super().login(request, user)
            audit.record(user, user, "signed in", f"from {self.get_client_ip(request)}")

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        client.remember_device(request, response, throttle.account_key(user.username))
        return response

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        with transaction.atomic():
            if isinstance(user, User):
                audit.record(user, user, "signed out")  # while the session is known
            super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        """The user's own choice. All their other sessions and links end."""
        with transaction.atomic():
            stored = User.objects.select_for_update().get(pk=user.pk)
            if stored.password != user.password or not stored.is_active:
                # the link was used by another request, or the account closed, since it was checked
                raise ImmediateHttpResponse(redirect(self.request.path))
            user.set_password(password)
            user.must_change_password = False
            user.has_short_password = len(password) < passwords.SHORTEST
            user.sign_in_version = stored.sign_in_version + 1
            user.save(update_fields=PASSWORD_FIELDS)
            is_signed_in = self.request.user == user
            audit.record(
                user, user, "password changed" if is_signed_in else "password chosen by link"
            )

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Whether `app` of allauth asks again who it is."""
        return not sessions.is_fresh(self.request.session)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """How `user` can confirm who they are; the first is proposed."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if isinstance(user, User) and factors.is_linked(user):
            text = gettext("Use %(provider)s") % {"provider": settings.OIDC_NAME}
            methods = [
                {"id": "oidc", "description": text, "url": reverse("oidc-confirm")},
                *methods,
            ]
        return methods

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def get_client_ip(self, request: HttpRequest) -> str:
        return client.client_address(request)
