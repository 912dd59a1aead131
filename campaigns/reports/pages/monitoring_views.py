"""What monitoring asks: whether everything works, and figures for Prometheus."""

import ipaddress

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from campaigns.reports.installation.metrics import installation_metrics
from campaigns.reports.installation.readiness import check_readiness
from viberdash.observation.request_metrics import request_metrics

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")


@never_cache
@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the installation can do its work, 503 when not. What is wrong is told to whoever
    has METRICS_TOKEN or asks on this machine; a stranger learns no more than that something is.
    """
    readiness = check_readiness()
    answer: dict[str, object] = {"ready": readiness.is_ready}
    if has_metrics_token(request) or is_asked_on_this_machine(request):
        answer["checks"] = {
            check.name: {"works": check.works, "needed": check.is_needed, "text": check.text}
            for check in readiness.checks
        }
    return JsonResponse(answer, status=200 if readiness.is_ready else 503)


@never_cache
@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in Prometheus' text format, for METRICS_TOKEN alone; 404 if it is not set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not has_metrics_token(request):
        refusal = HttpResponse("METRICS_TOKEN is needed\n", status=401, content_type="text/plain")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal
    text = request_metrics() + installation_metrics()
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def has_metrics_token(request: HttpRequest) -> bool:
    """Whether METRICS_TOKEN is set, and the request carries it."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    authorization = request.headers.get("Authorization", "")
    return bool(settings.METRICS_TOKEN) and constant_time_compare(authorization, expected)


def is_asked_on_this_machine(request: HttpRequest) -> bool:
    """Whether the request comes from this machine, and through no proxy on it, which would bring
    strangers.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
