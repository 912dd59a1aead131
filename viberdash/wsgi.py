"""The entry point of the web server: `gunicorn viberdash.wsgi`."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from viberdash.environment import load_settings

load_settings()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings

pages = get_wsgi_application()

from campaigns.engagement import redirect  # noqa: E402 - after the models
from campaigns.gateway.bsg.delivery_reports import PATH  # noqa: E402
from campaigns.results.delivery_reports import receiver  # noqa: E402


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Links and delivery reports without anything that a page needs; the rest are pages."""
    if redirect.is_link(environ):
        return redirect.application(environ, start_response)
    is_report = environ["PATH_INFO"].startswith(PATH)
    return (receiver.application if is_report else pages)(environ, start_response)
