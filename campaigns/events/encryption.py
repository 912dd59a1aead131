"""Secrets in the database: encrypted with keys that are nowhere but in KEY_ENCRYPTION_KEYS.

What is encrypted names its owner too, so that a row that somebody copied to another webhook is no
secret of that one.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):  # noqa: N818 - what was stored is not lost: its key is missing
    """No key of KEY_ENCRYPTION_KEYS encrypted this, or it was for another owner."""


def can_encrypt() -> bool:
    """Whether KEY_ENCRYPTION_KEYS names a key."""
    return bool(settings.KEY_ENCRYPTION_KEYS)


def encrypt(owner: str, secret: str) -> str:
    """`secret` of `owner`, a name without blanks, for the database. Raises Unreadable unless
    `can_encrypt`.
    """
    return _keys().encrypt(f"{owner} {secret}".encode()).decode()


def decrypt(owner: str, encrypted: str) -> str:
    """The secret that `encrypt` was given for this owner. Raises Unreadable."""
    try:
        text = _keys().decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise Unreadable from None
    named, _blank, secret = text.partition(" ")
    if named != owner:
        raise Unreadable
    return secret


def _keys() -> MultiFernet:
    if not can_encrypt():
        raise Unreadable
    return MultiFernet([Fernet(key) for key in settings.KEY_ENCRYPTION_KEYS])
