"""The page in Settings where administrators check the gateway."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.results.gateway_check import checks, following, message, steps
from campaigns.results.models import GatewayCheck
from campaigns.results.pages.gateway_check_forms import GatewayCheckForm
from campaigns.team import audit
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.permissions import Permission


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.OPERATE)
def gateway_checks(request: HttpRequest) -> HttpResponse:
    """Show the newest check, and a form to start one."""
    form = GatewayCheckForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("gateway-check-detail", _start(request, form).pk)
    return _page(request, _checks().first(), form)


@never_cache
@require_safe
@permission_required(Permission.OPERATE)
def gateway_check(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one check."""
    return _page(request, get_object_or_404(_checks(), pk=pk), GatewayCheckForm())


@never_cache
@require_safe
@permission_required(Permission.OPERATE)
def gateway_check_steps(request: HttpRequest, pk: int) -> HttpResponse:
    """A fragment: the steps as they are now."""
    check = get_object_or_404(_checks(), pk=pk)
    return render(request, "campaigns/results/_gateway_steps.html", _check_context(check))


@require_safe
@permission_required(Permission.OPERATE)
def gateway_check_samples(request: HttpRequest, pk: int) -> HttpResponse:
    """Download what can be mailed to support."""
    check = get_object_or_404(_checks(), pk=pk)
    audit.record(current_user(request), check, "exported", f"gateway-check-{check.pk}.json")
    return JsonResponse(
        checks.for_support(check),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={"Content-Disposition": f'attachment; filename="gateway-check-{check.pk}.json"'},
    )


def _start(request: HttpRequest, form: GatewayCheckForm) -> GatewayCheck:
    """Start the check that the form asks for, unless the same form has started it already."""
    user, asked = current_user(request), form.request(request.build_absolute_uri("/").rstrip("/"))
    check, is_new = checks.start(user, asked, form.cleaned_data["token"])
    if is_new:
        findings = checks.run(check, asked)
        if asked.sends and findings.can_send:
            checks.send(check, asked, findings, user)
    return check


def _checks() -> Any:
    return GatewayCheck.objects.select_related("campaign", "actor", "account")


def _page(request: HttpRequest, check: GatewayCheck | None, form: GatewayCheckForm) -> HttpResponse:
    earlier = [
        (one, steps.worst(steps.from_json(one.steps)))
        for one in _checks()
        if check is None or one.pk != check.pk
    ]
    context: dict[str, Any] = {"form": form, "can_edit": True, "earlier": earlier}
    if check:
        context |= _check_context(check)
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/results/gateway_check.html", context, status=status)


def _check_context(check: GatewayCheck) -> dict[str, Any]:
    recipient = message.recipient_of(check) if check.campaign_id else None
    return {
        "check": check,
        "steps": following.current_steps(check),
        "is_interrupted": following.is_interrupted(check, timezone.now()),
        "msisdn": recipient.msisdn if recipient else "",
    }
