"""Links with which a user chooses a password: after an invitation, or when it was forgotten.

A link is valid for PASSWORD_RESET_TIMEOUT seconds, for one account, and until it was used: it is
signed with the password's hash, the last sign-in, the e-mail and the sign-in version. Nothing of it
is stored.
"""

from typing import TYPE_CHECKING

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import HttpRequest
from django.urls import reverse

from campaigns.team.models import User

if TYPE_CHECKING:
    from datetime import datetime

HOURS = settings.PASSWORD_RESET_TIMEOUT // 3600


class LinkTokens(PasswordResetTokenGenerator):
    """Tokens that also end when the user's sessions are ended, such as by closing the account."""

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: "datetime | int") -> str:
        value = super()._make_hash_value(user, timestamp)  # type: ignore[arg-type]
        return f"{value}{getattr(user, 'sign_in_version', 0)}"


def link_for(user: User, request: HttpRequest | None = None) -> str:
    """A new link for `user`, at PUBLIC_BASE_URL or else the address of `request`."""
    return address(path(user_pk_to_url_str(user), LinkTokens().make_token(user)), request)


def path(uid: str, token: str) -> str:
    return reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})


def address(page: str, request: HttpRequest | None = None) -> str:
    """The path `page` with the address of the site."""
    if settings.PUBLIC_BASE_URL or request is None:
        return f"{settings.PUBLIC_BASE_URL or f'http://localhost:{settings.PORT}'}{page}"
    return request.build_absolute_uri(page)
