"""How a token is written: `vd_`, 32 random letters and digits (190 bits), and 8 that say that it
was made here.

The web server decides by the latter how large a request may be, without asking the database
(pages/body_limits.py). They let nobody in: that takes the hash of the whole.
"""

import hashlib
import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

PATTERN = re.compile(r"(vd_[A-Za-z0-9]{32})([0-9a-f]{8})", re.ASCII)
RANDOM_LENGTH = 32
MARK_LENGTH = 8


def new_text() -> str:
    """A token that nobody has yet."""
    text = f"vd_{get_random_string(RANDOM_LENGTH)}"
    return text + _mark(text, settings.SECRET_KEY)


def digest(text: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_from_here(text: str) -> bool:
    """Whether this installation made the token, with its present key or an earlier one."""
    match = PATTERN.fullmatch(text)
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return match is not None and any(
        constant_time_compare(_mark(match[1], key), match[2]) for key in keys
    )


def bearer(header: str) -> str:
    """The token of an Authorization header; "" if it has none."""
    scheme, _blank, text = header.partition(" ")
    text = text.strip()
    return text if scheme.lower() == "bearer" and PATTERN.fullmatch(text) else ""


def _mark(text: str, key: str) -> str:
    return salted_hmac("API token", text, secret=key, algorithm="sha256").hexdigest()[:MARK_LENGTH]
