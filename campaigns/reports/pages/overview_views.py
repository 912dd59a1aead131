"""The first page, the list of campaigns, the balance."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.compose.models import CampaignState
from campaigns.dispatch.budgets.warnings import limits_for
from campaigns.gateway.balance import load_balance
from campaigns.reports.campaigns import best_times, calendar, comparison, overview
from campaigns.reports.campaigns import dashboard as first_page
from campaigns.reports.campaigns.filters import Filters, read_filters
from campaigns.reports.shared.periods import this_month
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.shared.paging import PAGE
from campaigns.team.access import current_user, has_role, visible_to
from campaigns.team.models import Role

BUSY, QUIET = 3, 30  # seconds between two looks at what goes out now


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    last = first_page.last()
    context = {
        **_now(request),
        "last": last,
        "bill": first_page.month_bill(),
        "limits": limits_for(current_user(request)),
        "month": this_month(),
        "steps": None if last else first_page.steps(),
    }
    return render(request, "campaigns/reports/dashboard.html", context)


@require_safe
def dashboard_now(request: HttpRequest) -> HttpResponse:
    """The part of the first page that moves."""
    return render(request, "campaigns/reports/_dashboard_live.html", _now(request))


def _now(request: HttpRequest) -> dict[str, object]:
    running = first_page.running()
    busy = any(row.campaign.state != CampaignState.SCHEDULED for row in running)
    return {
        "running": running,
        "needs": first_page.needs(current_user(request)),
        "every": BUSY if busy else QUIET,
        "can_compose": has_role(current_user(request), Role.MARKETER),
    }


@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    filters = read_filters(request.GET)
    sort = request.GET.get("sort", "")
    found = visible_to(current_user(request), overview.campaigns(filters, sort))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    counts = overview.counts()
    context = {
        "page": page,
        "rows": overview.rows(page.object_list),
        "filters": filters,
        "tabs": _tabs(filters, "campaign-list"),
        "chips": _chips(counts.states, filters.state),
        "counts": counts,
        "sort": sort or overview.DEFAULT_SORT,
        "kept": {**filters.kept, "sort": sort},
        "more": {
            "state": filters.state,
            "q": filters.words,
            "archived": filters.kept["archived"],
            "sort": sort,
        },
        "nothing": _nothing(filters),
        "can_compose": has_role(current_user(request), Role.MARKETER),
    }
    return render(request, "campaigns/reports/campaign_list.html", context)


@require_safe
def campaign_calendar(request: HttpRequest) -> HttpResponse:
    """What goes out on which day: a month, or a week with `?week=2026-11-23`."""
    filters = read_filters(request.GET)
    kind, day = calendar.read_span(request.GET, timezone.localdate())
    found = visible_to(current_user(request), filters.standing(real_campaigns()))
    shown = calendar.picture(found, kind, day)
    context = {
        "shown": shown,
        "weekdays": calendar.weekdays(shown),
        "here": timezone.localdate(),
        "week_day": shown.day_in_sight(timezone.localdate()).isoformat(),
        "filters": filters,
        "tabs": _tabs(filters, "campaign-calendar"),
        "chips": _chips(overview.counts().states, filters.state),
        "more": {kind: shown.first.isoformat(), "state": filters.state, "q": filters.words},
        "kept": {**filters.kept, kind: shown.first.isoformat()},
        "can_compose": has_role(current_user(request), Role.MARKETER),
    }
    return render(request, "campaigns/reports/campaign_calendar.html", context)


def _tabs(filters: Filters, here: str) -> list[dict[str, object]]:
    """The views of campaigns, with what is filtered by where they know filters."""
    kept = {key: value for key, value in filters.kept.items() if value}
    query = f"?{urlencode(kept)}" if kept else ""
    names = {"campaign-list": _("List"), "campaign-calendar": _("Calendar")}
    times = {"label": _("Best times"), "url": reverse("best-times"), "here": here == "best-times"}
    return [
        {"label": label, "url": reverse(name) + query, "here": name == here}
        for name, label in names.items()
    ] + [times]


def _nothing(filters: Filters) -> str:
    """Why the table is empty: which filter did it."""
    if filters.on or filters.archived:
        named = [*([_("archived")] if filters.archived else []), *(one.words for one in filters.on)]
        named = [str(CampaignState(filters.state).label), *named] if filters.state else named
        named = [*named, f"“{filters.words}”"] if filters.words else named
        return _("No campaign fits all of: %(filters)s.") % {"filters": ", ".join(named)}
    label = CampaignState(filters.state).label if filters.state else ""
    if label and filters.words:
        words = _("No campaign that is “%(state)s” has “%(words)s” in its name.")
        return words % {"state": label, "words": filters.words}
    if filters.words:
        return _("No campaign has “%(words)s” in its name.") % {"words": filters.words}
    return (
        _("No campaign is “%(state)s”.") % {"state": label}
        if label
        else _("All campaigns are archived.")
    )


def _chips(counts: dict[str, int], state: str) -> list[dict[str, object]]:
    """One filter for each state that any campaign is in."""
    return [
        {"value": value, "label": label, "count": counts.get(value, 0)}
        for value, label in CampaignState.choices
        if counts.get(value) or value == state
    ]


@require_safe
def campaign_compare(request: HttpRequest) -> HttpResponse:
    """The campaigns that were ticked in the list, side by side."""
    ids = comparison.read_ids(request.GET.getlist("id"))
    found = visible_to(
        current_user(request), real_campaigns().filter(pk__in=ids).select_related("sender")
    )
    rows = sorted(overview.rows(found), key=lambda row: ids.index(row.campaign.pk))
    context = {
        "rows": rows,
        "people": comparison.people_lines(rows),
        "money": comparison.money_lines(rows),
        "most": comparison.MOST,
    }
    return render(request, "campaigns/reports/compare.html", context)


@require_safe
def campaign_best_times(request: HttpRequest) -> HttpResponse:
    """When messages are read best, from this installation's own campaigns."""
    context = {
        "times": best_times.best_times(
            visible_to(current_user(request), real_campaigns()), timezone.now()
        ),
        "tabs": _tabs(read_filters(request.GET), "best-times"),
        "enough": best_times.ENOUGH,
        "enough_campaigns": best_times.ENOUGH_CAMPAIGNS,
        "hour_word": _("Hour from"),
        "day_word": _("Day"),
    }
    return render(request, "campaigns/reports/best_times.html", context)


@require_safe
def balance(request: HttpRequest) -> HttpResponse:
    """What the account holds, for the side bar or, with `?card`, for the first page."""
    template = (
        "campaigns/reports/_balance_card.html"
        if "card" in request.GET
        else "campaigns/reports/_balance.html"
    )
    return render(request, template, {"reading": load_balance()})
