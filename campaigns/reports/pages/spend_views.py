"""The Spend page, the ledger entries behind it, the statement, the forecast, and their files."""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets.warnings import load_usages_for
from campaigns.ledger.models import Purpose
from campaigns.reports.shared import periods
from campaigns.reports.shared.labels import country_name
from campaigns.reports.spend import entries, spend_export
from campaigns.reports.spend.chart import build_chart
from campaigns.reports.spend.cost_per_result import CostPerResult, load_costs_per_result
from campaigns.reports.spend.forecast import DAYS_BACK, load_forecast
from campaigns.reports.spend.spending import (
    GROUPINGS,
    NONE,
    Spending,
    costs_or_unknown,
    describe_filter,
    load_spending,
    read_filters,
    spending_figures,
)
from campaigns.reports.spend.statements import load_statement, read_month
from campaigns.shared.paging import PAGE, read_slice
from campaigns.shared.query_values import NO_ID, read_id
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.pages.audit.downloads import download
from campaigns.team.pages.sign_in.fresh import fresh_to_download
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, sees_phones

DEFAULT_GROUPING = "day"


def _read_purpose(query: QueryDict) -> str:
    purpose = query.get("purpose", "")
    return purpose if purpose in Purpose.values else Purpose.CAMPAIGN


def _load_spending(request: HttpRequest) -> tuple[Spending, dict[str, str], str]:
    """Return the spending that the query string asks for, its filters, and the error of the
    period.
    """
    period, period_error = periods.read_period(request.GET)
    grouping = GROUPINGS.get(request.GET.get("group", ""), GROUPINGS[DEFAULT_GROUPING])
    filters = read_filters(request.GET)
    spending = load_spending(period, grouping, filters, _read_purpose(request.GET))
    return spending, filters, period_error


@require_safe
def spend(request: HttpRequest) -> HttpResponse:
    """What was spent in a period, by day, campaign, country …"""
    spending, filters, period_error = _load_spending(request)
    user, costs = current_user(request), spending.total.costs
    page = Paginator(spending.groups, PAGE).get_page(request.GET.get("page"))
    is_month = spending.period.key == periods.DEFAULT_PERIOD and not filters
    has_fees = any(cost.fee for cost in costs)
    has_corrections = any(cost.correction for cost in costs)
    context = {
        "spending": spending,
        "figures": [spending_figures(cost) for cost in costs],
        "page": page,
        "rows": [(group, costs_or_unknown(group.bill)) for group in page.object_list],
        "chart": build_chart(spending),
        "has_fees": has_fees,
        "has_corrections": has_corrections,
        "columns_before_entries": 4 + has_fees + has_corrections,
        "results": _results(spending, filters, _read_purpose(request.GET)),
        "can_reconcile": has_permission(user, Permission.RECONCILE),
        "is_month": is_month,
        "limits": load_usages_for(user) if is_month else [],
        "groupings": GROUPINGS.values(),
        "period_error": period_error,
        **_period_context(spending.period, request.GET, filters),
    }
    return render(request, "campaigns/reports/spend.html", context)


def _results(spending: Spending, filters: dict[str, str], purpose: str) -> list[CostPerResult]:
    """Return the cost per result; nothing for test sends, rehearsals, or one channel alone."""
    if purpose != Purpose.CAMPAIGN or "channel" in filters:
        return []
    return load_costs_per_result(spending.period, filters)


@require_safe
def spend_forecast(request: HttpRequest) -> HttpResponse:
    """This month's forecast: a part of the Spend page, or a page without JavaScript."""
    name = "_forecast.html" if request.headers.get("HX-Request") else "forecast.html"
    context = {"forecast": load_forecast(), "days_back": DAYS_BACK}
    return render(request, f"campaigns/reports/{name}", context)


def _period_context(
    period: periods.Period, query: QueryDict, filters: dict[str, str]
) -> dict[str, Any]:
    """Return what the period's form shows."""
    return {
        "period": period,
        "choices": [
            {"value": key, "label": label}
            for key, label in periods.PERIOD_LABELS.items()
            if key != "custom"
        ],
        "filters": [
            {"key": key, "label": describe_filter(key, value), "value": value}
            for key, value in filters.items()
        ],
        "purpose": _read_purpose(query),
        "purpose_label": _purpose_label(query),
        "zone": settings.TIME_ZONE,
        "purposes": Purpose.choices,
    }


def _purpose_label(query: QueryDict) -> str:
    """Return the purpose where it is not campaigns."""
    labels = {Purpose.TEST.value: _("test sends"), Purpose.REHEARSAL.value: _("rehearsals")}
    return labels.get(_read_purpose(query), "")


@require_safe
def export_spend(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The table of the Spend page as a file."""
    spending, _filter, _error = _load_spending(request)
    table = spend_export.columns(spending), spend_export.export_rows(spending)
    return download(request, kind, spend_export.file_name(spending), table)


@require_safe
def spend_statement(request: HttpRequest) -> HttpResponse:
    """A month's statement, to print and file."""
    statement = load_statement(read_month(request.GET.get("month", "")))
    context = {"statement": statement, "now": timezone.now(), "zone": settings.TIME_ZONE}
    return render(request, "campaigns/reports/statement.html", context)


@require_safe
@fresh_to_download
def export_entries(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The ledger entries behind an amount as a file, the oldest first."""
    period, _error = periods.read_period(request.GET)
    purpose = _read_purpose(request.GET)
    selected = entries.load_entries(period, read_filters(request.GET), purpose)
    masked = not sees_phones(current_user(request))
    table = entries.EXPORT_COLUMNS, entries.export_rows(selected, masked)
    return download(request, kind, entries.file_name(period), table)


@require_safe
def spend_entries(request: HttpRequest) -> HttpResponse:
    """The ledger entries behind an amount."""
    period, period_error = periods.read_period(request.GET)
    filters, purpose = read_filters(request.GET), _read_purpose(request.GET)
    campaign_id = filters.get("campaign", NONE)
    campaign = (
        None
        if campaign_id == NONE
        else get_object_for(
            current_user(request), Campaign.objects.all(), pk=read_id(campaign_id) or NO_ID
        )
    )
    rows = read_slice(
        entries.load_entries(period, filters, purpose),
        entries.PAGE_COLUMN,
        request.GET.get("at", ""),
    )
    bill = entries.load_entries_bill(period, filters, purpose)
    context = {
        "campaign": campaign,
        "slice": rows,
        "rows": [(entry, country_name(entry.country)) for entry in rows.rows],
        "bill": bill,
        "figures": entries.entries_figures(bill),
        "period_error": period_error,
        **_period_context(
            period, request.GET, {key: value for key, value in filters.items() if key != "campaign"}
        ),
    }
    return render(request, "campaigns/reports/entries.html", context)
