"""What allauth asks this installation about second factors: names, and how secrets are stored."""

import ipaddress
from base64 import urlsafe_b64encode
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.team.models import User

SITE = "ViberDash"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This is not right. Try again."),
        "unreadable": gettext_lazy(
            "Your second factor can't be read: the secret key of this installation has changed."
            " Ask an administrator to reset it."
        ),
    }

    def encrypt(self, text: str) -> str:
        """A secret for the database, whose copies then do not give it away."""
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret. Raises ValidationError if no key of this installation encrypted it."""
        try:
            return _keys().decrypt(encrypted_text).decode()
        except InvalidToken:
            raise self.validation_error("unreadable") from None

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def get_totp_issuer(self) -> str:
        return SITE

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 - allauth's
        """The name of a new passkey, if its user chooses none."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Passkey %(number)d") % {"number": count + 1} if count else _("Passkey")

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": _host(context.request), "name": SITE}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return entity | {"name": user.get_username(), "display_name": str(user)}


def passkeys_work(request: HttpRequest) -> bool:
    """Whether browsers allow passkeys at this address: HTTPS and a name, or localhost."""
    host = _host(request)
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost"
    return False


def _host(request: HttpRequest) -> str:
    return split_domain_port(request.get_host())[0]


def _keys() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (
        salted_hmac("second factor", "", secret=secret, algorithm="sha256").digest()
        for secret in secrets
    )
    return MultiFernet([Fernet(urlsafe_b64encode(digest)) for digest in digests])
