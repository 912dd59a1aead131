"""The dashboard, the list of campaigns and its other views, the balance."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.compose.models import CampaignState, Series, SeriesState
from campaigns.dispatch.budgets.warnings import load_usages_for
from campaigns.gateway.balance import load_balance
from campaigns.gateway.types import Balance
from campaigns.reports.alerts import money, texts
from campaigns.reports.campaigns import (
    best_times,
    calendar,
    comparison,
    last_days,
    month,
    overview,
)
from campaigns.reports.campaigns import dashboard as dashboard_data
from campaigns.reports.campaigns.daily_figures import load_daily_figures
from campaigns.reports.campaigns.filters import Filters, read_filters
from campaigns.reports.shared.click_counts import count_clickers
from campaigns.reports.shared.conversion_counts import load_conversions
from campaigns.reports.shared.real_campaigns import any_launched, real_campaigns
from campaigns.shared.days import reader_today, site_today
from campaigns.shared.paging import PAGE
from campaigns.team.pages.access import current_user
from campaigns.team.pages.brands.middleware import brands_of_request
from campaigns.team.pages.navigation import campaign_tabs
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """The first page."""
    brands, today = brands_of_request(request), site_today()
    context = _live_context(request)
    if not context["steps"]:
        recent = last_days.last_days(today)
        days = load_daily_figures(month.compared_months(today).with_days(recent))
        context["month"] = month.load_month(today, days)
        context["last_days"] = last_days.build_last_days(recent, days)
    context |= {
        "can_send": has_permission(current_user(request), Permission.SEND),
        "is_held": brands is not None and brands.current.is_held,
    }
    return render(request, "campaigns/reports/dashboard.html", context)


def _setup_steps(can_compose: bool) -> list[dashboard_data.SetupStep]:
    urls = {
        "lists": reverse("list-list"),
        "import": reverse("import-new"),
        "compose": reverse("campaign-new"),
        "campaigns": reverse("campaign-list"),
    }
    return dashboard_data.load_setup_steps(urls, can_compose)


@require_safe
def dashboard_live(request: HttpRequest) -> HttpResponse:
    """The part of the dashboard that updates by itself, for htmx."""
    return render(request, "campaigns/reports/_dashboard_live.html", _live_context(request))


@require_safe
def dashboard_month(request: HttpRequest) -> HttpResponse:
    """This month against the last one, for htmx."""
    today = site_today()
    days = load_daily_figures(month.compared_months(today).all_days)
    context = {"month": month.load_month(today, days)}
    return render(request, "campaigns/reports/_dashboard_month.html", context)


def _live_context(request: HttpRequest) -> dict[str, object]:
    user = current_user(request)
    campaigns = dashboard_data.load_campaigns()
    can_compose = has_permission(user, Permission.COMPOSE)
    return {
        "campaigns": campaigns,
        "attention": dashboard_data.load_attention_items(user, campaigns.paused),
        "refresh_seconds": overview.refresh_seconds(campaigns.sending + campaigns.scheduled),
        "limits": load_usages_for(user),
        "can_compose": can_compose,
        "steps": None if campaigns.last or any_launched() else _setup_steps(can_compose),
    }


@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    """The campaigns that the filters select, as a table."""
    filters = read_filters(request.GET)
    sort = request.GET.get("sort", "")
    campaigns = visible_to(current_user(request), overview.select_campaigns(filters, sort))
    page = Paginator(campaigns, PAGE).get_page(request.GET.get("page"))
    campaign_counts = overview.count_campaigns()
    rows = overview.load_live_rows(page.object_list)
    context = {
        "page": page,
        "rows": rows,
        "refresh_seconds": overview.refresh_seconds(rows),
        "filters": filters,
        "tabs": _tabs(filters, "campaign-list"),
        "chips": _chips(campaign_counts.by_state, filters.state),
        "campaign_counts": campaign_counts,
        "sort": sort or overview.DEFAULT_SORT,
        "search_keeps": {**filters.query, "sort": sort},
        "filters_keep": {
            "state": filters.state,
            "q": filters.search,
            "archived": filters.query["archived"],
            "sort": sort,
        },
        "empty_text": _empty_text(filters),
        "can_compose": has_permission(current_user(request), Permission.COMPOSE),
    }
    name = "_campaign_table.html" if request.headers.get("HX-Request") else "campaign_list.html"
    return render(request, f"campaigns/reports/{name}", context)


@require_safe
def campaign_calendar(request: HttpRequest) -> HttpResponse:
    """The campaigns by day: a month, or a week with `?week=2026-11-23`."""
    filters, today = read_filters(request.GET), reader_today()
    kind, day = calendar.read_view(request.GET, today)
    campaigns = visible_to(current_user(request), filters.apply_undated(real_campaigns()))
    is_on = Series.objects.filter(state=SeriesState.ON)
    series = [] if filters.any else visible_to(current_user(request), is_on)
    view = calendar.load_calendar(campaigns, series, kind, day)
    first = view.first.isoformat()
    context = {
        "view": view,
        "weekdays": calendar.weekdays(view),
        "today": today.isoformat(),
        "week_day": view.visible_day(today).isoformat(),
        "filters": filters,
        "tabs": _tabs(filters, "campaign-calendar"),
        "chips": _chips(overview.count_campaigns().by_state, filters.state),
        "filters_keep": {kind: first, "state": filters.state, "q": filters.search},
        "search_keeps": {**filters.query, kind: first},
        "can_compose": has_permission(current_user(request), Permission.COMPOSE),
    }
    return render(request, "campaigns/reports/campaign_calendar.html", context)


def _tabs(filters: Filters, current: str) -> list[dict[str, object]]:
    """Return the tabs of the Campaigns pages; those that have filters keep them."""
    in_use = {key: value for key, value in filters.query.items() if value}
    query = f"?{urlencode(in_use)}" if in_use else ""
    return campaign_tabs(current, query)


def _empty_text(filters: Filters) -> str:
    """Return which filters found nothing."""
    if filters.unreadable:
        return _("A filter in this address cannot be read. Remove it to see campaigns.")
    state = str(CampaignState(filters.state).label) if filters.state else ""
    if filters.active or filters.archived:
        labels = [
            state,
            _("archived") if filters.archived else "",
            *(active.label for active in filters.active),
            f"“{filters.search}”" if filters.search else "",
        ]
        return _("No campaign matches all of: %(filters)s.") % {
            "filters": ", ".join(filter(None, labels))
        }
    if state and filters.search:
        return _("No “%(state)s” campaign has “%(search)s” in its name.") % {
            "state": state,
            "search": filters.search,
        }
    if filters.search:
        return _("No campaign has “%(search)s” in its name.") % {"search": filters.search}
    if state:
        return _("No campaign is “%(state)s”.") % {"state": state}
    return _("All campaigns are archived.")


def _chips(counts: dict[str, int], state: str) -> list[dict[str, object]]:
    """Return a chip for each state that has campaigns."""
    return [
        {"value": value, "label": label, "count": counts.get(value, 0)}
        for value, label in CampaignState.choices
        if counts.get(value) or value == state
    ]


@require_safe
def campaign_compare(request: HttpRequest) -> HttpResponse:
    """The campaigns selected in the list, side by side."""
    ids = comparison.chosen_campaigns(request.GET.getlist("id"))
    campaigns = visible_to(
        current_user(request), real_campaigns().filter(pk__in=ids).select_related("sender")
    )
    rows = sorted(overview.load_rows(campaigns), key=lambda row: ids.index(row.campaign.pk))
    shown = [row.campaign for row in rows]
    clickers, conversions = count_clickers(shown), load_conversions(shown)
    context = {
        "rows": rows,
        "count_rows": comparison.count_rows(rows, clickers, conversions),
        "cost_rows": comparison.cost_rows(rows, clickers, conversions),
        "max_campaigns": comparison.MAX_CAMPAIGNS,
    }
    return render(request, "campaigns/reports/compare.html", context)


@require_safe
def campaign_best_times(request: HttpRequest) -> HttpResponse:
    """The hours and days at which messages were read best."""
    campaigns = visible_to(current_user(request), real_campaigns())
    context = {
        "times": best_times.load_best_times(campaigns, timezone.now()),
        "tabs": _tabs(read_filters(request.GET), "best-times"),
        "min_delivered": best_times.MIN_DELIVERED,
        "min_campaigns": best_times.MIN_CAMPAIGNS,
    }
    return render(request, "campaigns/reports/best_times.html", context)


@require_safe
def balance(request: HttpRequest) -> HttpResponse:
    """The account's balance, for the side bar or, with `?card`, for the dashboard. Without one,
    what the page says of campaigns is out of date: its live parts are told.
    """
    reading, is_card = load_balance(), "card" in request.GET
    name = "_balance_card.html" if is_card else "_balance.html"
    context = {"reading": reading, "lasting": _lasting(reading.balance) if is_card else ""}
    answer = render(request, f"campaigns/reports/{name}", context)
    if reading.balance is None:
        answer.headers["HX-Trigger"] = "gateway-changed"
    return answer


def _lasting(balance: Balance | None) -> str:
    """How long the balance lasts with its overdraft, at the rate that alerts name."""
    if balance is None:
        return ""
    spent = money.spent_in_week(balance.currency, timezone.now())
    return texts.balance_lasting(balance.amount + balance.limit, spent)
