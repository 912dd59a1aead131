"""Buttons that steer a campaign under way. Each is a POST that makes one move of its life cycle."""

from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.pages.forms import HoursForm
from campaigns.dispatch.people.resend import create_resend_draft, failed_recipients
from campaigns.team.access import current_user, get_object_for
from campaigns.team.models import Role


def _move(request: HttpRequest, pk: int, move: lifecycle.Move, done: str) -> HttpResponse:
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    try:
        move(campaign.pk, user)
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("campaign-detail", pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(
        request, pk, lifecycle.pause, _("Paused. Requests that are under way still finish.")
    )


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(
        request, pk, lifecycle.resume, _("Sending goes on with the people who are still waiting.")
    )


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, lifecycle.cancel, _("Cancelled. Nobody else is sent to."))


@require_http_methods(["GET", "HEAD", "POST"])
def campaign_hours(request: HttpRequest, pk: int) -> HttpResponse:
    """Change when a campaign under way may be sent: running senders keep to it from their next look
    on.
    """
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    if not lifecycle.can_change_hours(campaign):
        messages.warning(
            request, _("Only while a campaign is under way, and not handed to the gateway.")
        )
        return redirect(campaign)
    shown = {"sends_from": campaign.sends_from, "sends_until": campaign.sends_until}
    form = HoursForm(
        request.POST or None, initial=shown, campaign=campaign, back=campaign.get_absolute_url()
    )
    if request.method != "POST" or not form.is_valid():
        known = {"campaign": campaign, "form": form}
        return render(
            request, "campaigns/dispatch/hours.html", known, status=422 if form.is_bound else 200
        )
    return _move(
        request,
        pk,
        partial(lifecycle.change_hours, hours=form.hours),
        _("The sending hours are changed."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft to those whom a campaign did not reach. Whoever may have got it comes along only by a
    tick of its own.
    """
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    if request.method != "POST":
        return render(
            request,
            "campaigns/dispatch/resend.html",
            {"campaign": campaign, "failed": failed_recipients(campaign)},
        )
    try:
        draft = create_resend_draft(campaign, user, unresolved=bool(request.POST.get("unresolved")))
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(campaign)
    messages.success(
        request,
        _("This is a draft to those who were not reached. Nothing is sent before you launch it."),
    )
    return redirect("campaign-edit", draft.pk)
