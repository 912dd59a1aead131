"""What allauth asks this installation: who may sign up (nobody), how mail goes out (by the outbox),
what is shown; and the trail of sign-ins.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaigns.team import audit, mail
from campaigns.team.login_throttle import LoginThrottle
from campaigns.team.models import User
from campaigns.team.sign_in import links

MESSAGES = {"account/messages/password_changed.txt": _("Password changed.")}


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("Wrong user name or password."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This is not your password."),
        "too_many_login_attempts": _("Too many wrong passwords. Wait 15 minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Administrators invite users; nobody signs up."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, context)
        mail.mail_to(email, message.subject, message.body)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """To the address that is stored: the typed one may only look the same."""
        self.send_mail("account/email/password_reset_key", user.email, context)
        detail = f"from {self.get_client_ip(self.request)}"
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
        if self._throttle(request, credentials).exhausted():
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self._throttle(request, credentials).record_failure()
        user = User.objects.filter(username__folded_exact=credentials.get("username", "")).first()
        detail = f"from {self.get_client_ip(request)}"
        audit.record(None, user or "user:unknown", "sign-in failed", detail)

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        self._throttle(request, {"username": user.username}).record_success()
        audit.record(user, user, "signed in", f"from {self.get_client_ip(request)}")

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            audit.record(user, user, "signed out")

    def set_password(self, user: User, password: str) -> None:
        """The user's own choice. All their other sessions and links end."""
        with transaction.atomic():
            stored = User.objects.select_for_update().get(pk=user.pk)
            if stored.password != user.password or not stored.is_active:
                # the link was used by another request, or the account closed, since it was checked
                raise ImmediateHttpResponse(redirect(self.request.path))
            user.set_password(password)
            user.must_change_password = False
            user.sign_in_version = stored.sign_in_version + 1
            user.save(update_fields=["password", "must_change_password", "sign_in_version"])
            is_signed_in = self.request.user == user
            audit.record(
                user, user, "password changed" if is_signed_in else "password chosen by link"
            )

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR", ""))

    def _throttle(self, request: HttpRequest, credentials: dict[str, Any]) -> LoginThrottle:
        return LoginThrottle(self.get_client_ip(request), credentials.get("username", ""))
