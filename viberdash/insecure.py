"""Settings that endanger an installation. It starts with them only where ALLOW_INSECURE names them.

Imported by the settings, so it can't read them.
"""

import ipaddress
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop as _

MIN_DIFFERENT = 10  # characters of SECRET_KEY; 50 random ones have far more, in hex too
# What `.env.example` and docs/production.md show, and what Django puts into new projects.
EXAMPLES = ("secrets.token_urlsafe", "django-insecure-")
# What stands in a place that was to be filled in: comments, ellipses, words of instructions.
PLACEHOLDER = re.compile(
    r"\s|…|\.\.\.|[<>]|change.?me|replace.?(me|this)|placeholder|example|your.?(api|secret)?.?key|x{6}",
    re.IGNORECASE,
)
LONGEST_ISSUER = 200  # characters: accounts are stored under it
DANGERS = {
    "SECRET_KEY": _("it can be guessed, and whoever knows it can sign in as any user"),
    "DEBUG": _("errors show code and settings to everybody, and messages cost money"),
    "ALLOWED_HOSTS": _("with * a forged request can put another site into links and redirects"),
    "HOST": _("other machines reach this site without HTTPS, so passwords can be read on the way"),
    "BSG_API_URL": _("with http:// the API key and phone numbers can be read on the way"),
    "EMAIL_URL": _("without TLS e-mails and the password can be read on the way"),
}


def is_loopback(host: str) -> bool:
    """Whether what is sent to `host`, a name or an IP address, stays on this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_issuer(value: str) -> bool:
    """The address of an OpenID Connect issuer: over TLS, or on this machine; without a query."""
    parts = urlsplit(value)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    )
    return (
        is_safe
        and len(value) <= LONGEST_ISSUER
        and bool(parts.hostname)
        and not parts.query
        and not parts.fragment
    )


def is_secret(text: str) -> bool:
    """Whether a text can be a key: neither empty nor a comment, an ellipsis or a placeholder."""
    return bool(text) and not PLACEHOLDER.search(text)


def is_api_key(text: str) -> bool:
    """Whether a text can be an API key, which is sent in a header."""
    return is_secret(text) and text.isascii() and "#" not in text


def is_encryption_key(text: str) -> bool:
    """Whether a text is a key of Fernet: 32 bytes in the Base64 of addresses."""
    try:
        return len(text) == 44 and len(urlsafe_b64decode(text)) == 32
    except ValueError:
        return False


def are_encryption_keys(texts: Iterable[str]) -> bool:
    """Whether each text is a key of Fernet."""
    return all(map(is_encryption_key, texts))


def is_weak_key(key: str) -> bool:
    """Whether a SECRET_KEY is an example, or has too few different characters."""
    return len(set(key)) < MIN_DIFFERENT or any(example in key for example in EXAMPLES)


def check(is_dangerous: dict[str, bool], allowed: Iterable[str]) -> list[str]:
    """The names of settings that are dangerous and allowed.

    Raises ImproperlyConfigured, with the name and the danger, at the first that is not allowed.
    """
    names = [name for name in DANGERS if is_dangerous[name]]
    for name in names:
        if name not in allowed:
            raise ImproperlyConfigured(
                f"{name} is not safe: {DANGERS[name]}. Change it, or add {name} to ALLOW_INSECURE."
            )
    return names
