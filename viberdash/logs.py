"""Logs without keys and without complete phone numbers, in which a text cannot begin a line."""

import logging
import re
from collections.abc import Iterable
from typing import Any

# International and local numbers; shorter runs of digits are counts, ids and ports.
PHONE = re.compile(r"(?<![\w.])(\+?\d{3})\d{4,10}(\d{2})(?![\w.])")
KEY = re.compile(r"\b(live|test)_[A-Za-z0-9]{6,}")


# Control characters, which terminals obey, and those that begin a line or turn it around.
CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class RedactingFormatter(logging.Formatter):
    """Lines with time, level and name; keys are removed and phone numbers shortened, in tracebacks
    too. A message is one line: what users, browsers and the gateway wrote into it is escaped.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")
        self.secrets = [secret for secret in secrets if len(secret) >= 8]

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - overrides
        line = super().formatMessage(record)
        return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), line)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self.secrets:
            line = line.replace(secret, "…")
        return PHONE.sub(r"\1…\2", KEY.sub(r"\1_…", line))


def configuration(level: str, *, secrets: list[str]) -> dict[str, Any]:
    """Django's LOGGING: everything from `level` on to stderr, without `secrets` and phones."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "viberdash.logs.RedactingFormatter", "secrets": secrets},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # one handler for everything, which keeps secrets
            "django": {"handlers": [], "propagate": True},
            # at DEBUG it writes everything that a page was made of
            "django.template": {"level": "INFO"},
            # a line a task would be thousands
            "django-q": {"level": "INFO" if level == "DEBUG" else "WARNING"},
        },
    }
