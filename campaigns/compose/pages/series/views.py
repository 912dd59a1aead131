"""Series: set up, look at, change, switch on and off, skip a run, end."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.compose.launch import approval
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, Series, SeriesRun, SeriesState
from campaigns.compose.pages.series.forms import PlanForm
from campaigns.compose.series import moves, rules
from campaigns.compose.series.texts import period_text, rule_text, skip_reason
from campaigns.shared.paging import page_of
from campaigns.shared.query_values import read_text
from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.moves import answer_move
from campaigns.team.pages.navigation import campaign_tabs
from campaigns.team.pages.sign_in.fresh import require_fresh
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to

ACTIVITY_SHOWN = 10
COMING_SHOWN = 5


@require_safe
def series_list(request: HttpRequest) -> HttpResponse:
    """The series of the brand, those that ended last."""
    series_rows = visible_to(current_user(request), Series.objects.select_related("draft"))
    rows = [(series, rule_text(series)) for series in series_rows]
    rows.sort(key=lambda row: row[0].state == SeriesState.ENDED)
    context = {"rows": rows, "tabs": campaign_tabs("series-list")}
    return render(request, "campaigns/compose/series_list.html", context)


@once
@permission_required(Permission.SEND)
@require_http_methods(["GET", "HEAD", "POST"])
def series_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Set up a series that repeats a draft."""
    user = current_user(request)
    draft = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    form = PlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            series = moves.set_up(draft.pk, form.plan(), user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The series is set up. Switch it on when all is right."))
            return redirect(series)
    context = {"form": form, "draft": draft}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/series_new.html", context, status=status)


@never_cache
@require_safe
def series_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A series with its rule, its coming runs and what became of those before."""
    user = current_user(request)
    series_rows = Series.objects.select_related("draft")
    series = get_object_for(user, series_rows, Permission.VIEW, pk=pk)
    context = _context(request, series, user)
    return render(request, "campaigns/compose/series_detail.html", context)


def _context(request: HttpRequest, series: Series, user: User) -> dict[str, Any]:
    runs = SeriesRun.objects.filter(series=series).select_related("campaign").order_by("-day")
    page = page_of(request, runs)
    is_off, draft = series.state == SeriesState.OFF, series.draft
    problem_list = moves.problems(series) if is_off else []
    coming = islice(rules.days(series, series.next_day), COMING_SHOWN) if series.next_day else ()
    return {
        "series": series,
        "rule": rule_text(series),
        "period": period_text(series),
        "page": page,
        "rows": [(run, skip_reason(run.reason)) for run in page],
        "coming": list(coming),
        "problems": problem_list,
        "approval": moves.approval_text(series, user) if is_off and not problem_list else "",
        "version": draft.updated_at.isoformat() if draft else "",
        "can_send": has_permission(user, Permission.SEND),
        "can_compose": has_permission(user, Permission.COMPOSE),
        "entries": audit.activity(series)[:ACTIVITY_SHOWN],
    }


@permission_required(Permission.SEND)
@require_http_methods(["GET", "HEAD", "POST"])
def series_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the plan of a series that is off."""
    series = _series(request, pk)
    form = PlanForm(request.POST or None, series)
    if request.method == "POST" and form.is_valid():
        user = current_user(request)
        return _moved(
            request, series, lambda: moves.change_plan(pk, form.plan(), user), _("Saved.")
        )
    context = {"form": form, "series": series}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/compose/series_plan.html", context, status=status)


@require_POST
def series_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a series on, with the draft that the page showed."""
    series, user = _series(request, pk), current_user(request)
    draft = series.draft
    require_fresh(request, lambda: bool(draft and approval.budget_needs_approval(draft, user)))
    version = read_text(request.POST, "version")
    text = _("The series is on.")
    return _moved(request, series, lambda: moves.switch_on(pk, user, version), text)


@require_POST
def series_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a series off."""
    series, user = _series(request, pk), current_user(request)
    text = _("The series is off. Runs that have started go on.")
    return _moved(request, series, lambda: moves.switch_off(pk, user), text)


@require_POST
def series_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Skip the next run, if it is still the one that the page showed."""
    series, user = _series(request, pk), current_user(request)
    day = _read_day(read_text(request.POST, "day"))
    if day is None:
        messages.error(request, _("This is not the next run any more."))
        return redirect(series)
    text = _("The next run is skipped.")
    return _moved(request, series, lambda: moves.skip_next(pk, day, user), text)


@require_POST
def series_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a series for good."""
    series, user = _series(request, pk), current_user(request)
    return _moved(request, series, lambda: moves.end(pk, user), _("The series ended."))


def _read_day(typed: str) -> Any:
    try:
        return parse_date(typed)
    except ValueError:
        return None


def _series(request: HttpRequest, pk: int) -> Series:
    rows = Series.objects.select_related("draft")
    return get_object_for(current_user(request), rows, Permission.SEND, pk=pk)


def _moved(
    request: HttpRequest, series: Series, move: Callable[[], None], text: str
) -> HttpResponse:
    return answer_move(request, move, text, Refused, series)
