"""Buttons that steer a campaign under way. Each is a POST that makes one move of its life cycle."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.again import again, failed
from campaigns.team.access import current, find
from campaigns.team.models import Role


def _move(request: HttpRequest, pk: int, move: lifecycle.Move, done: str) -> HttpResponse:
    user = current(request)
    campaign = find(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    try:
        move(campaign.pk, user)
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("campaign-detail", pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, lifecycle.pause, _("Paused. Requests that are under way still finish."))


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, lifecycle.resume, _("Sending goes on with the people who are still waiting."))


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, lifecycle.cancel, _("Cancelled. Nobody else is sent to."))


@require_http_methods(["GET", "HEAD", "POST"])
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft to those whom a campaign did not reach. Whoever may have got it comes along only by a tick of its own."""
    user = current(request)
    campaign = find(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    if request.method != "POST":
        return render(request, "campaigns/dispatch/again.html", {"campaign": campaign, "failed": failed(campaign)})
    try:
        draft = again(campaign, user, unresolved=bool(request.POST.get("unresolved")))
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(campaign)
    messages.success(request, _("This is a draft to those who were not reached. Nothing is sent before you launch it."))
    return redirect("campaign-edit", draft.pk)
