"""Actions on a launched campaign: pause, resume, cancel, reschedule, sending hours, resend."""

from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.pages.forms import SendingHoursForm, TimeForm
from campaigns.dispatch.people.resend import (
    create_resend_draft,
    earlier_resends,
    failed_recipients,
)
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.pages.moves import answer_move
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission


def _apply(request: HttpRequest, pk: int, move: lifecycle.Move, success: str) -> HttpResponse:
    """Make one move of the life cycle; show `success`, or the reason why it was refused."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    to = reverse("campaign-detail", args=[pk])
    return answer_move(request, partial(move, campaign.pk, user), success, lifecycle.Refused, to)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _apply(request, pk, lifecycle.pause, _("Paused. Open requests still finish."))


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    if reservations.lacks_room(campaign):
        text = _("Resumed, but the budget has no room for the next messages: it pauses again.")
    else:
        text = _("Resumed. Sending continues with the queued recipients.")
    return _apply(request, pk, lifecycle.resume, text)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _apply(request, pk, lifecycle.cancel, _("Cancelled. Nothing more will be sent."))


@require_http_methods(["GET", "HEAD", "POST"])
def sending_hours(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the sending hours of a campaign under way; senders obey from their next round on."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    if not running_changes.can_change_hours(campaign):
        messages.warning(
            request,
            _(
                "Sending hours can be changed only before a campaign ends, and not if it is"
                " scheduled at the gateway."
            ),
        )
        return redirect(campaign)
    initial = {"sends_from": campaign.sends_from, "sends_until": campaign.sends_until}
    form = SendingHoursForm(
        request.POST or None, initial=initial, campaign=campaign, back=campaign.get_absolute_url()
    )
    if request.method != "POST" or not form.is_valid():
        return render(
            request,
            "campaigns/dispatch/sending_hours.html",
            {"campaign": campaign, "form": form},
            status=422 if form.is_bound else 200,
        )
    return _apply(
        request,
        pk,
        partial(running_changes.change_hours, hours=form.hours),
        _("Sending hours changed."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def reschedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the time of a campaign that waits for it."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    form = TimeForm(request.POST or None, campaign=campaign, back=campaign.get_absolute_url())
    if form.is_valid():
        try:
            form.reschedule(pk, user)
        except lifecycle.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Rescheduled."))
            return redirect(campaign)
    elif not form.is_bound and not running_changes.can_reschedule(campaign):
        messages.warning(request, _("Only a campaign that waits for its time can be rescheduled."))
        return redirect(campaign)
    context = {"campaign": campaign, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/dispatch/time.html", context, status=status)


@once
@require_http_methods(["GET", "HEAD", "POST"])
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Create a draft to the failed recipients; unresolved ones are added only if chosen. The page
    shows the resends that exist, and nothing is created for who has not seen them all.
    """
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    resends = list(earlier_resends(campaign))
    has_seen = request.POST.get("resends", "0") == str(len(resends))
    if request.method != "POST" or not has_seen:
        failed = failed_recipients(campaign)
        context = {"campaign": campaign, "failed": failed, "resends": resends}
        status = 200 if request.method != "POST" else 409
        return render(request, "campaigns/dispatch/resend.html", context, status=status)
    try:
        draft = create_resend_draft(campaign, user, unresolved=bool(request.POST.get("unresolved")))
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(campaign)
    messages.success(
        request,
        _("Draft created for the failed recipients. Nothing is sent until you launch it."),
    )
    return redirect("campaign-edit", draft.pk)
