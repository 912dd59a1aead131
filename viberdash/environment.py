"""How a setting is read from the environment: its type, what it should be, and one line where it is
not.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

Check = Callable[[Any], bool]
REQUIRED = object()
WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

env = environ.Env()


def read_file(usual: Path) -> None:
    """Take from the file that ENV_FILE names, else from `usual`, what the environment itself does
    not say.
    """
    env.read_env(os.environ.get("ENV_FILE", usual), overwrite=False)


def anything(value: Any) -> bool:
    return True


def read(
    name: str,
    expected: str,
    default: Any = REQUIRED,
    cast: Callable[[str], Any] = str,
    fits: Check = anything,
) -> Any:
    """The variable `name` through `cast`; `default` where it is not set.

    Raises ImproperlyConfigured, with the name and what it should be (`expected`), where it is not
    set and has no default, where `cast` cannot read it, and where `fits` says no.
    """
    if name not in os.environ:
        if default is REQUIRED:
            raise ImproperlyConfigured(f"{name} is not set. It should be {expected}.")
        return default
    try:
        value = cast(env.str(name))
        usable = fits(value)
    except (ImproperlyConfigured, ValueError, TypeError, LookupError) as malformed:
        raise unusable(name, expected) from malformed
    if not usable:
        raise unusable(name, expected)
    return value


def unusable(name: str, expected: str) -> ImproperlyConfigured:
    """What is wrong with `name`, without its value: it may be a secret."""
    return ImproperlyConfigured(f"{name} is not usable. It should be {expected}.")


def as_bool(text: str) -> bool:
    return WORDS[text.strip().lower()]


def as_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def as_address(text: str) -> str:
    return text.strip().rstrip("/")


def database(address: str) -> dict[str, Any]:
    """Django's settings for a database address; ValueError for one that is neither SQLite nor
    PostgreSQL.
    """
    scheme = address.partition(":")[0]
    if scheme not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("neither SQLite nor PostgreSQL")
    found: dict[str, Any] = environ.Env.db_url_config(address)
    if not found["NAME"] or found["NAME"] == ":memory:":
        raise ValueError("no name")
    return found


def mail(address: str) -> dict[str, Any]:
    """Django's settings for the address of a mail server; ValueError for one that is none."""
    if address.partition(":")[0] not in ("smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail"):
        raise ValueError("no mail server")
    found: dict[str, Any] = environ.Env.email_url_config(address)
    return {
        name: value
        for name, value in found.items()
        if name.startswith("EMAIL_") and value is not None
    }


def as_path(text: str) -> Path:
    """A folder; a relative one counts from the project, whatever the working directory of a
    process.
    """
    if not text.strip():
        raise ValueError("empty")
    return Path(__file__).resolve().parent.parent / Path(text.strip()).expanduser()


def between(low: int, high: int) -> Check:
    return lambda value: low <= value <= high


def one_of(words: Iterable[str]) -> Check:
    known = frozenset(words)
    return lambda value: value in known


def is_web_address(value: str) -> bool:
    parts = split(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_site(value: str) -> bool:
    """An address of a whole site, or nothing."""
    return not value or (is_web_address(value) and value.count("/") == 2)


def is_zone(value: str) -> bool:
    try:
        return bool(ZoneInfo(value))
    except (OSError, ValueError):
        return False


def split(address: str) -> SplitResult:
    """Its parts; ValueError for a port that is none."""
    parts = urlsplit(address)
    _ = parts.port
    return parts


def load_settings() -> None:
    """Read Django's settings now; a variable that is wrong ends the process with one line instead
    of a traceback.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viberdash.settings")
    try:
        _ = settings.SECRET_KEY
    except ImproperlyConfigured as wrong:
        sys.exit(f"ViberDash can't start: {wrong}")
