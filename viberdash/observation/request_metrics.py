"""Requests by page and status, and how long they took, over all processes of the web server.

gunicorn's processes write into files of one folder, which prometheus_client adds up in whichever of
them is asked: so it makes no difference which one answers. gunicorn.py names the folder, before
this module is imported. Other processes, such as a development server, count in memory.
"""

import os
from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the variable that prometheus_client reads
METHODS = ("GET", "HEAD", "POST")  # others are counted as one, as clients can invent them
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds

_of_this_process = CollectorRegistry()
_requests = Counter(
    "viberdash_http_requests",
    "Requests of pages, by the name of the address",
    ["view", "method", "status"],
    registry=_of_this_process,
)
_seconds = Histogram(
    "viberdash_http_request_seconds",
    "Time until the response begins, in seconds",
    ["view"],
    registry=_of_this_process,
    buckets=BUCKETS,
)


class RequestMetrics:
    """Middleware: counts and times each request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = match.view_name if match else ""
        method = request.method if request.method in METHODS else "other"
        _requests.labels(view or "unknown", method, response.status_code).inc()
        _seconds.labels(view or "unknown").observe(perf_counter() - started)
        return response


def request_metrics() -> bytes:
    """The counts in Prometheus' text format."""
    registry = _of_this_process
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
