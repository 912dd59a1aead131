"""Secrets in the database: encrypted with keys that are nowhere but in KEY_ENCRYPTION_KEYS.

What is encrypted names its owner too, so that a row that somebody copied to another brand or
webhook is no secret of that one.
"""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):  # noqa: N818 - what was stored is not lost: its key is missing
    """No key of KEY_ENCRYPTION_KEYS encrypted this, or it was for another owner."""


def can_encrypt() -> bool:
    """Whether KEY_ENCRYPTION_KEYS names a key."""
    return bool(settings.KEY_ENCRYPTION_KEYS)


def encrypt(owner: int | str, secret: str) -> str:
    """`secret` of `owner`, the id of a brand or a name without blanks, for the database.

    Raises IndexError unless `can_encrypt`.
    """
    return _keys()[0].encrypt(f"{owner} {secret}".encode()).decode()


def decrypt(owner: int | str, encrypted: str) -> str:
    """The secret that `encrypt` was given for this owner. Raises Unreadable."""
    named, _blank, secret = _decrypt(encrypted, tuple(settings.KEY_ENCRYPTION_KEYS)).partition(" ")
    if named != str(owner):
        raise Unreadable
    return secret


def has_first_key(encrypted: str) -> bool:
    """Whether the first of KEY_ENCRYPTION_KEYS encrypted this, as it does now."""
    try:
        _decrypt(encrypted, tuple(settings.KEY_ENCRYPTION_KEYS[:1]))
    except Unreadable:
        return False
    return True


@lru_cache(maxsize=256)  # each page and each task asks
def _decrypt(encrypted: str, keys: tuple[str, ...]) -> str:
    try:
        return MultiFernet([Fernet(key) for key in keys]).decrypt(encrypted.encode()).decode()
    except (InvalidToken, ValueError):  # ValueError: there are no keys
        raise Unreadable from None


def _keys() -> list[Fernet]:
    return [Fernet(key) for key in settings.KEY_ENCRYPTION_KEYS]
