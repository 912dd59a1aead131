"""The entry point of the web server: `gunicorn viberdash.wsgi`."""

from collections.abc import Iterable
from typing import Any

from viberdash.environment import load_settings

load_settings()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings

pages = get_wsgi_application()

from campaigns.gateway.bsg.delivery_reports import PATH  # noqa: E402 - after the models
from campaigns.results.delivery_reports.server import wsgi as reports  # noqa: E402


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Delivery reports without anything that a page needs; the rest are pages."""
    return (reports if environ["PATH_INFO"].startswith(PATH) else pages)(environ, start_response)
