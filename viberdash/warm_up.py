"""What a web process does at its first page, done before its processes are forked: then it is done
once, and they share the memory.
"""

import io
import logging
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.urls import reverse

logger = logging.getLogger(__name__)
METRICS = "viberdash.observation.request_metrics.RequestMetrics"


def answer_first_page() -> int:
    """Answer a request for the sign-in page, which nobody made and nothing counts. Returns its
    status; 0 if it fails, which the first real page then does too.
    """
    all_middleware = settings.MIDDLEWARE
    settings.MIDDLEWARE = [name for name in all_middleware if name != METRICS]
    try:
        handler: Any = WSGIHandler()
        response = handler(_request(), lambda *_arguments: None)
        response.close()
    except Exception:  # whatever it is, the server has to start
        logger.exception("The first page could not be made beforehand")
        return 0
    finally:
        settings.MIDDLEWARE = all_middleware
        connections.close_all()
    return int(response.status_code)


def _request() -> dict[str, Any]:
    host = settings.PUBLIC_HOST or next(iter(settings.ALLOWED_HOSTS))
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": reverse(settings.LOGIN_URL),
        "SERVER_NAME": host.lstrip("."),
        "SERVER_PORT": "443",
        "HTTP_X_FORWARDED_PROTO": "https",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "https" if settings.HTTPS_ONLY else "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
