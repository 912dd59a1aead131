"""Triggers: set up, look at, switch on and off, end."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, EventState, Trigger, TriggerEvent, TriggerState
from campaigns.compose.pages.triggers.forms import LimitsForm, TriggerForm
from campaigns.compose.triggers import moves
from campaigns.compose.triggers.counts import NEWEST, count_events
from campaigns.compose.triggers.texts import off_reason, skip_reason
from campaigns.shared.paging import slice_of
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.moves import answer_move
from campaigns.team.pages.navigation import campaign_tabs
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to

ACTIVITY_SHOWN = 10


@require_safe
def trigger_list(request: HttpRequest) -> HttpResponse:
    """The triggers of the brand, those that ended last."""
    triggers = visible_to(current_user(request), Trigger.objects.select_related("draft"))
    waiting = _waiting_by_trigger()
    rows = [(trigger, waiting.get(trigger.pk, 0)) for trigger in triggers]
    rows.sort(key=lambda row: row[0].state == TriggerState.ENDED)
    context = {"triggers": rows, "tabs": campaign_tabs("trigger-list")}
    return render(request, "campaigns/compose/trigger_list.html", context)


def _waiting_by_trigger() -> dict[int, int]:
    waiting = TriggerEvent.objects.filter(state=EventState.WAITING).order_by()
    return dict(waiting.values_list("trigger").annotate(Count("pk")))


@once
@permission_required(Permission.SEND)
@require_http_methods(["GET", "HEAD", "POST"])
def trigger_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Set up a trigger that sends the message of a draft."""
    draft = get_object_for(current_user(request), Campaign.objects.all(), Permission.SEND, pk=pk)
    form = TriggerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        event, user = form.cleaned_data["event"], current_user(request)
        try:
            trigger = moves.set_up(draft.pk, event, form.limits(), user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The trigger is set up. Switch it on when all is right."))
            return redirect(trigger)
    context = {"form": form, "draft": draft}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/trigger_new.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def trigger_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A trigger with its events; a POST changes its limits."""
    user = current_user(request)
    permission = Permission.SEND if request.method == "POST" else Permission.VIEW
    trigger = get_object_for(user, Trigger.objects.select_related("draft"), permission, pk=pk)
    form = LimitsForm(request.POST or None, trigger)
    if request.method == "POST" and form.is_valid():
        limits = form.limits()
        return _moved(request, trigger, lambda: moves.change_limits(pk, limits, user), _("Saved."))
    context = _context(request, trigger, user) | {"form": form}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/trigger_detail.html", context, status=status)


def _context(request: HttpRequest, trigger: Trigger, user: User) -> dict[str, Any]:
    events = slice_of(request, TriggerEvent.objects.filter(trigger=trigger), "-id")
    template = compile_message(trigger.draft) if trigger.draft else None
    is_off = trigger.state == TriggerState.OFF
    problem_list = moves.problems(trigger) if is_off else []
    return {
        "trigger": trigger,
        "off_reason": off_reason(trigger),
        "slice": events,
        "rows": [(event, skip_reason(event.reason)) for event in events],
        "counts": count_events(trigger),
        "newest": NEWEST,
        "problems": problem_list,
        "approval": moves.approval_text(trigger, user) if is_off and not problem_list else "",
        "tags": sorted(template.names) if template else [],
        "required": template.required_names() if template else [],
        "version": trigger.draft.updated_at.isoformat() if trigger.draft else "",
        "can_send": has_permission(user, Permission.SEND),
        "can_compose": has_permission(user, Permission.COMPOSE),
        "entries": audit.activity(trigger)[:ACTIVITY_SHOWN],
    }


@require_POST
def trigger_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a trigger on, with the message that the page showed."""
    trigger, user = _trigger(request, pk), current_user(request)
    version = request.POST.get("version", "")
    return _moved(
        request,
        trigger,
        lambda: moves.switch_on(pk, user, version),
        _("The trigger is on: each event sends a message."),
    )


@require_POST
def trigger_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a trigger off."""
    trigger, user = _trigger(request, pk), current_user(request)
    text = _("The trigger is off. Messages that are queued already are still sent.")
    return _moved(request, trigger, lambda: moves.switch_off(pk, user), text)


@require_POST
def trigger_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a trigger for good."""
    trigger, user = _trigger(request, pk), current_user(request)
    return _moved(request, trigger, lambda: moves.end(pk, user), _("The trigger ended."))


@require_POST
def trigger_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Skip the events that wait."""
    trigger = _trigger(request, pk)
    number = moves.skip_waiting(trigger.pk, current_user(request))
    text = ngettext("%(number)d event was skipped.", "%(number)d events were skipped.", number)
    messages.success(request, text % {"number": number})
    return redirect(trigger)


def _trigger(request: HttpRequest, pk: int) -> Trigger:
    return get_object_for(current_user(request), Trigger.objects.all(), Permission.SEND, pk=pk)


def _moved(
    request: HttpRequest, trigger: Trigger, move: Callable[[], None], text: str
) -> HttpResponse:
    return answer_move(request, move, text, Refused, trigger)
