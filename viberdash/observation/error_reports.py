"""Reports of errors to Sentry, or to what speaks its protocol (GlitchTip), where SENTRY_DSN is set.

What is logged as an error, and what ends a process, is sent with its stack: the lines of code, the
version and the ids of request, campaign and brand. No data is sent: neither requests, nor values of
variables, nor the texts of exceptions and messages, which may name phones and people. The log has
those under the id of the request.
"""

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings

from viberdash import __version__, installed, logs
from viberdash.observation import request_context

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# of an event; everything else is left out
KEPT = (
    "event_id", "timestamp", "platform", "level", "logger", "release", "environment", "server_name",
    "sdk",
)  # fmt: skip
OWN_LOGGERS = ("campaigns", "viberdash")
IDS = ("request_id", "campaign_id", "brand_id")


def start_if_set() -> None:
    """Report errors from now on, where SENTRY_DSN is set. The library is not imported otherwise."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk
    from django_q import worker
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        settings.SENTRY_DSN,
        release="+".join(filter(None, [f"viberdash@{__version__}", installed.RUNNING])),
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR, sentry_logs_level=None),
            ExcepthookIntegration(),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
            DedupeIntegration(),
        ],
        # no others: they attach requests and queries, and headers to what is sent to the gateway
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=without_data,
    )
    # the queue catches what a task raises, and finds reporters among installed packages alone
    worker.error_reporter = TaskFailures()  # type: ignore[attr-defined,assignment]


class TaskFailures:
    """What the queue calls within its `except` when a task failed."""

    def report(self) -> None:
        import sentry_sdk

        sentry_sdk.capture_exception()


def without_data(event: "Event", hint: "Hint") -> "Event | None":
    """What is sent of `event`: code and ids, no data. None: it is no error of the code."""
    record: logging.LogRecord | None = hint.get("log_record")
    if record and record.name == "django.request" and not record.exc_info:
        return None  # a page that answers 503 on purpose, such as /readyz
    kept: Any = {name: event[name] for name in KEPT if name in event}  # type: ignore[literal-required]
    if exceptions := event.get("exception", {}).get("values"):
        kept["exception"] = {"values": [_without_values(exception) for exception in exceptions]}
    if message := _template(record):
        kept["logentry"] = {"message": message}
    ids = logs.known_ids(record) if record else request_context.log_fields()
    kept["tags"] = {name: str(ids[name]) for name in IDS if ids.get(name)}
    return kept  # type: ignore[no-any-return]


def _without_values(exception: dict[str, Any]) -> dict[str, Any]:
    """Type and stack of an exception, without its text and without the variables of its frames."""
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    stack = [{name: frame[name] for name in frame if name != "vars"} for frame in frames]
    names = ("type", "module", "mechanism")
    kept = {name: exception[name] for name in names if name in exception}
    return kept | {"stacktrace": {"frames": stack}} if stack else kept


def _template(record: logging.LogRecord | None) -> str:
    """What the code says in a message, without what it says it about; "" if that can't be told
    apart.
    """
    if record is None:
        return ""
    is_template = bool(record.args) or record.name.partition(".")[0] in OWN_LOGGERS
    return record.msg if is_template and isinstance(record.msg, str) else ""
