"""The first page, the list of campaigns, the balance."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.compose.models import CampaignState
from campaigns.reports import comparison, overview
from campaigns.reports import dashboard as first_page
from campaigns.reports.balance import read_balance
from campaigns.reports.paging import PAGE
from campaigns.reports.periods import this_month
from campaigns.team.access import current, may, visible
from campaigns.team.models import Role

BUSY, QUIET = 3, 30  # seconds between two looks at what goes out now


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    last = first_page.last()
    context = {
        **_now(request),
        "last": last,
        "bill": first_page.month_bill(),
        "month": this_month(),
        "steps": None if last else first_page.steps(),
    }
    return render(request, "campaigns/reports/dashboard.html", context)


@require_safe
def dashboard_now(request: HttpRequest) -> HttpResponse:
    """The part of the first page that moves."""
    return render(request, "campaigns/reports/_now.html", _now(request))


def _now(request: HttpRequest) -> dict[str, object]:
    running = first_page.running()
    busy = any(row.campaign.state != CampaignState.SCHEDULED for row in running)
    return {
        "running": running,
        "needs": first_page.needs(),
        "every": BUSY if busy else QUIET,
        "can_compose": may(current(request), Role.MARKETER),
    }


@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    found = visible(current(request), overview.campaigns(request.GET))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    state, words = request.GET.get("state", ""), overview.words_of(request.GET)
    counts = overview.state_counts()
    context = {
        "page": page,
        "rows": overview.rows(page.object_list),
        "chips": _chips(counts, state),
        "total": sum(counts.values()),
        "state": state,
        "q": words,
        "sort": request.GET.get("sort") or overview.DEFAULT_SORT,
        "kept": {"state": state, "sort": request.GET.get("sort", "")},
        "nothing": _nothing(state, words),
        "can_compose": may(current(request), Role.MARKETER),
    }
    return render(request, "campaigns/reports/campaign_list.html", context)


def _nothing(state: str, words: str) -> str:
    """Why the table is empty: which filter did it."""
    label = dict(CampaignState.choices).get(state, state)
    if state and words:
        return _("No campaign that is “%(state)s” has “%(words)s” in its name.") % {"state": label, "words": words}
    if words:
        return _("No campaign has “%(words)s” in its name.") % {"words": words}
    return _("No campaign is “%(state)s”.") % {"state": label}


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
    found = visible(current(request), overview.real().filter(pk__in=ids).select_related("sender"))
    rows = sorted(overview.rows(found), key=lambda row: ids.index(row.campaign.pk))
    context = {
        "rows": rows,
        "people": comparison.people_lines(rows),
        "money": comparison.money_lines(rows),
        "most": comparison.MOST,
    }
    return render(request, "campaigns/reports/compare.html", context)


@require_safe
def balance(request: HttpRequest) -> HttpResponse:
    """What the account holds, for the side bar or, with `?card`, for the first page."""
    template = "campaigns/reports/_balance_card.html" if "card" in request.GET else "campaigns/reports/_balance.html"
    return render(request, template, {"reading": read_balance()})
