"""Settings from the environment: typed, checked, and refused in one line with the name."""

import ipaddress
import os
import re
import sys
from base64 import b64decode
from collections.abc import Callable, Iterable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from viberdash.private_files import keep_private

Check = Callable[[Any], bool]
REQUIRED = object()
AMOUNT = re.compile(r"[0-9]{1,11}(\.[0-9]{1,7})?")
BOOLEANS = {
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


def read_file(usual: Path) -> Path:
    """Read the file that ENV_FILE names, else `usual`. The environment itself wins over it.

    Returns the path of the file. Raises ImproperlyConfigured if it is there and can't be read.
    """
    path = Path(os.environ.get("ENV_FILE", usual))
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return path
    except OSError as fault:
        raise ImproperlyConfigured(
            f"{path} can't be read: {fault.strerror}. Run the command as the user that the"
            " installation runs as, and let this user own the file."
        ) from fault
    except ValueError as malformed:
        raise ImproperlyConfigured(f"{path} can't be read: it is not UTF-8.") from malformed
    env.read_env(StringIO(content), overwrite=False)
    return path


def anything(value: Any) -> bool:
    return True


def read(
    name: str,
    expected: str,
    default: Any = REQUIRED,
    cast: Callable[[str], Any] = str,
    fits: Check = anything,
) -> Any:
    """The variable `name`, converted by `cast`; `default` if it is not set.

    Raises ImproperlyConfigured, with the name and `expected`, if it is not set and has no default,
    if `cast` cannot read it, or if `fits` refuses it.
    """
    if name not in os.environ:
        if default is REQUIRED:
            raise ImproperlyConfigured(f"{name} is not set. It must be {expected}.")
        return default
    try:
        value = cast(env.str(name))
        is_valid = fits(value)
    except (ImproperlyConfigured, ValueError, TypeError, LookupError) as malformed:
        raise invalid(name, expected) from malformed
    if not is_valid:
        raise invalid(name, expected)
    return value


def read_each(
    prefix: str, expected: str, cast: Callable[[str], Any], fits: Check
) -> dict[str, Any]:
    """The variables whose names begin with `prefix`, by the rest of the name; empty ones are left
    out. Raises ImproperlyConfigured as `read` does.
    """
    names = sorted(name for name in os.environ if name.startswith(prefix) and name != prefix)
    return {
        name.removeprefix(prefix): read(name, expected, cast=cast, fits=fits)
        for name in names
        if os.environ[name].strip()
    }


def invalid(name: str, expected: str) -> ImproperlyConfigured:
    """The error for `name`, without its value, which may be a secret."""
    return ImproperlyConfigured(f"{name} is not valid. It must be {expected}.")


def as_bool(text: str) -> bool:
    return BOOLEANS[text.strip().lower()]


def as_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def as_pairs(text: str) -> dict[str, str]:
    """{"a": "b", "c": "d"} from "a=b,c=d". ValueError without a sign of equality."""
    pairs = (part.rpartition("=") for part in as_list(text))
    named = {name.strip(): value.strip() for name, _equal, value in pairs}
    if "" in named:
        raise ValueError("no name")
    return named


def as_amounts(text: str) -> dict[str, Decimal]:
    """{"EUR": Decimal(50)} from "EUR:50". ValueError for another form, or for less than 0."""
    amounts = {}
    for part in as_list(text):
        currency, _colon, number = (piece.strip() for piece in part.partition(":"))
        if not AMOUNT.fullmatch(number) or not (currency.isascii() and currency.isalpha()):
            raise ValueError("no amount")
        if len(currency) != 3:
            raise ValueError("no currency")
        amounts[currency.upper()] = Decimal(number)
    return amounts


def as_address(text: str) -> str:
    return text.strip().rstrip("/")


def database(address: str) -> dict[str, Any]:
    """Django's settings for a database URL. ValueError unless it is SQLite or PostgreSQL, and for a
    password of which a part was taken for the host: it has an @ before a slash.
    """
    scheme, _colon, rest = address.partition(":")
    if scheme not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("neither SQLite nor PostgreSQL")
    if scheme != "sqlite" and "@" in rest.removeprefix("//").partition("/")[2]:
        raise ValueError("an @ after the host")
    options: dict[str, Any] = environ.Env.db_url_config(address)
    if not options["NAME"] or options["NAME"] == ":memory:":
        raise ValueError("no name")
    return options


def mail(address: str) -> dict[str, Any]:
    """Django's settings for the URL of a mail server. ValueError for any other."""
    if address.partition(":")[0] not in ("smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail"):
        raise ValueError("no mail server")
    options: dict[str, Any] = environ.Env.email_url_config(address)
    return {
        name: value
        for name, value in options.items()
        if name.startswith("EMAIL_") and value is not None
    }


def as_path(text: str) -> Path:
    """A path. A relative one starts at the project's folder, not at the working directory."""
    if not text.strip():
        raise ValueError("empty")
    return Path(__file__).resolve().parent.parent / Path(text.strip()).expanduser()


def between(low: int, high: int) -> Check:
    return lambda value: low <= value <= high


def one_of(values: Iterable[str]) -> Check:
    known = frozenset(values)
    return lambda value: value in known


def is_web_address(value: str) -> bool:
    parts = split(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_site(value: str) -> bool:
    """The address of a site without a path, or an empty string."""
    return not value or (is_web_address(value) and value.count("/") == 2)


def is_bucket(value: str) -> bool:
    """s3:// with a bucket, and perhaps a folder in it; or an empty string."""
    parts = split(value)
    return not value or (parts.scheme == "s3" and bool(parts.hostname))


def is_sentry_address(value: str) -> bool:
    """A DSN of Sentry, https://key@host/project, or an empty string."""
    parts = split(value)
    project = parts.path.rpartition("/")[2]
    return not value or (is_web_address(value) and bool(parts.username) and project.isdecimal())


def is_webhook_secret(value: str) -> bool:
    """A secret as Standard Webhooks has it, or an empty string. ValueError for malformed base64."""
    prefix, key = value[:6], value[6:]
    return not value or (prefix == "whsec_" and 24 <= len(b64decode(key, validate=True)) <= 64)


def is_host_or_network(value: str) -> bool:
    """Whether a text is a network, such as 10.1.0.0/16, or what can be a host."""
    if "/" not in value:
        return bool(value) and not any(sign.isspace() for sign in value)
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def is_syslog(value: str) -> bool:
    """The address of a syslog server, or an empty string."""
    parts = split(value)
    if parts.scheme == "unix":
        return parts.path.startswith("/") and not parts.netloc
    is_host = parts.scheme in ("udp", "tcp") and bool(parts.hostname) and not parts.path
    return not value or is_host


def is_zone(value: str) -> bool:
    try:
        return bool(ZoneInfo(value))
    except (OSError, ValueError):
        return False


def split(address: str) -> SplitResult:
    """The parts of an address. ValueError for an invalid port."""
    parts = urlsplit(address)
    _ = parts.port
    return parts


def load_settings() -> None:
    """Begin a process: keep what it writes private, and read Django's settings.

    An invalid variable, or a folder that can't be made, ends the process with one line.
    """
    keep_private()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "viberdash.settings")
    try:
        _ = settings.SECRET_KEY
    except ImproperlyConfigured as error:
        sys.exit(f"ViberDash can't start: {error}")
    except OSError as fault:
        sys.exit(
            f"ViberDash can't start: {fault.filename}: {fault.strerror}. The user that it runs as"
            " must be able to write there."
        )
