"""Logs without keys and without complete phone numbers, in which a text cannot begin a line.

With LOG_FORMAT=json each message is an object in a line, with the request and whose it is.
"""

import json
import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
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
    too. A message is one line: what users, browsers and the gateway wrote into it is escaped. The
    id of the request, if there is one, ends it.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")
        self.secrets = [secret for secret in secrets if len(secret) >= 8]

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - overrides
        from viberdash.observation.request_context import request_id

        line = f"{super().formatMessage(record)}{f' [{known}]' if (known := request_id()) else ''}"
        return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), line)

    def format(self, record: logging.LogRecord) -> str:
        return self.redact(super().format(record))

    def redact(self, text: str) -> str:
        """`text` without keys, and with shortened phone numbers."""
        from campaigns.gateway.key_in_use import known_secrets  # the settings are read before

        for secret in (*self.secrets, *known_secrets()):
            text = text.replace(secret, "…")
        return PHONE.sub(r"\1…\2", KEY.sub(r"\1_…", text))


class JsonFormatter(RedactingFormatter):
    """An object in a line: time, level, logger, message, `exception` with its traceback, and ids
    as far as they are known: of the request, the user, the campaign and the brand.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.redact(record.getMessage()),
        }
        fields |= {name: value for name, value in known_ids(record).items() if value is not None}
        if record.exc_info:
            fields["exception"] = self.redact(self.formatException(record.exc_info))
        return json.dumps(fields)  # in ASCII: whatever a text contains is escaped


def known_ids(record: logging.LogRecord) -> dict[str, Any]:
    """The ids that belong to `record`: its own (`extra`), then those of the request."""
    from campaigns.shared.brands import scope  # the settings are read before the apps
    from viberdash.observation import request_context

    ids = {"brand_id": scope.acting_brand(), **request_context.log_fields()}
    names = ("request_id", "user_id", "campaign_id", "brand_id")
    own = {name: getattr(record, name, None) for name in names}
    return {name: ids.get(name) if own[name] is None else own[name] for name in names}


FORMATTERS = {"text": RedactingFormatter, "json": JsonFormatter}


def configuration(level: str, line_format: str, *, secrets: list[str]) -> dict[str, Any]:
    """Django's LOGGING: everything from `level` on to stderr, without `secrets` and phones.

    `line_format`: one of FORMATTERS.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": FORMATTERS[line_format], "secrets": secrets},
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
