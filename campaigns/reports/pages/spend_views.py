"""The Spend room: sums of a period, the entries behind them, files."""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets.warnings import load_usages_for
from campaigns.ledger.models import Purpose
from campaigns.reports.shared import periods
from campaigns.reports.shared.labels import country_name
from campaigns.reports.spend import spend_files
from campaigns.reports.spend.chart import chart
from campaigns.reports.spend.cost_per_result import CostPerResult, costs_per_result
from campaigns.reports.spend.entries import (
    COLUMN,
    EXPORT_COLUMNS,
    entries,
    entries_bill,
    export_rows,
)
from campaigns.reports.spend.forecast import LOOKED_BACK, outlook
from campaigns.reports.spend.spending import (
    GROUPINGS,
    NONE,
    Spending,
    costs_or_unknown,
    filter_words,
    read_filters,
    read_spending,
)
from campaigns.reports.spend.statements import read_month, statement
from campaigns.shared.paging import PAGE, read_slice
from campaigns.shared.table_export import FILES
from campaigns.team.access import current_user, get_object_for, has_role
from campaigns.team.models import Role

DEFAULT_GROUPING = "day"


def _purpose(query: QueryDict) -> str:
    asked = query.get("purpose", "")
    return asked if asked in Purpose.values else Purpose.CAMPAIGN


def _read(request: HttpRequest) -> tuple[Spending, dict[str, str], str]:
    """What the query string asks for: the spending, its filters, and what was wrong with the
    period.
    """
    period, wrong = periods.read_period(request.GET)
    grouping = GROUPINGS.get(request.GET.get("group", ""), GROUPINGS[DEFAULT_GROUPING])
    filters = read_filters(request.GET)
    return read_spending(period, grouping, filters, _purpose(request.GET)), filters, wrong


@require_safe
def spend(request: HttpRequest) -> HttpResponse:
    spending, filters, wrong = _read(request)
    page = Paginator(spending.groups, PAGE).get_page(request.GET.get("page"))
    is_month = spending.period.key == periods.DEFAULT and not filters
    context = {
        "spending": spending,
        "page": page,
        "rows": [(group, costs_or_unknown(group.bill)) for group in page.object_list],
        "chart": chart(spending),
        "has_fees": any(cost.fee for cost in spending.total.costs),
        "has_corrections": any(cost.correction for cost in spending.total.costs),
        "yields": _yields(spending, filters, _purpose(request.GET)),
        "reconciles": has_role(current_user(request), Role.MARKETER),
        "is_month": is_month,
        "limits": load_usages_for(current_user(request)) if is_month else [],
        "groupings": GROUPINGS.values(),
        "wrong": wrong,
        **_period_context(spending.period, request.GET, filters),
    }
    return render(request, "campaigns/reports/spend.html", context)


def _yields(spending: Spending, filters: dict[str, str], purpose: str) -> list[CostPerResult]:
    """What was got for the money; nothing where the question is another: of test sends, or of one
    channel alone.
    """
    if purpose != Purpose.CAMPAIGN or "channel" in filters:
        return []
    return costs_per_result(spending.period, filters)


@require_safe
def spend_forecast(request: HttpRequest) -> HttpResponse:
    """What this month will have cost: a part of the Spend page, and a page without JavaScript."""
    template = "_forecast.html" if request.headers.get("HX-Request") else "forecast.html"
    return render(
        request, f"campaigns/reports/{template}", {"outlook": outlook(), "looked_back": LOOKED_BACK}
    )


def _period_context(
    period: periods.Period, query: QueryDict, filters: dict[str, str]
) -> dict[str, Any]:
    return {
        "period": period,
        "choices": [
            {"value": key, "label": label}
            for key, label in periods.CHOICES.items()
            if key != "custom"
        ],
        "filters": [
            {"key": key, "words": filter_words(key, value), "value": value}
            for key, value in filters.items()
        ],
        "purpose": _purpose(query),
        "zone": settings.TIME_ZONE,
        "purposes": Purpose.choices,
    }


@require_safe
def spend_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The table of the Spend page as a file: one row a group and currency, amounts with all their
    decimals.
    """
    spending, _filters, _wrong = _read(request)
    return FILES[kind](
        spend_files.name(spending), spend_files.columns(spending), spend_files.rows(spending)
    )


@require_safe
def spend_statement(request: HttpRequest) -> HttpResponse:
    """A month on a page that can be printed and filed."""
    found = statement(read_month(request.GET.get("month", "")))
    context = {"statement": found, "now": timezone.now(), "zone": settings.TIME_ZONE}
    return render(request, "campaigns/reports/statement.html", context)


@require_safe
def spend_entries_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The entries behind a number as a file, in the order in which they were entered."""
    period, _wrong = periods.read_period(request.GET)
    filters = read_filters(request.GET)
    masked = not has_role(current_user(request), Role.MARKETER)
    rows = export_rows(entries(period, filters, _purpose(request.GET)), masked)
    name = f"ledger-{period.first.isoformat()}-{period.last.isoformat()}"
    return FILES[kind](name, EXPORT_COLUMNS, rows)


@require_safe
def spend_entries(request: HttpRequest) -> HttpResponse:
    """The entries of the ledger behind a number of the Spend page."""
    period, wrong = periods.read_period(request.GET)
    filters, purpose = read_filters(request.GET), _purpose(request.GET)
    named = filters.get("campaign", NONE)
    campaign = (
        None
        if named == NONE
        else get_object_for(current_user(request), Campaign.objects.all(), pk=int(named))
    )
    rows = read_slice(entries(period, filters, purpose), COLUMN, request.GET.get("at", ""))
    context = {
        "campaign": campaign,
        "slice": rows,
        "rows": [(entry, country_name(entry.country)) for entry in rows.rows],
        "bill": entries_bill(period, filters, purpose),
        "wrong": wrong,
        **_period_context(
            period, request.GET, {key: value for key, value in filters.items() if key != "campaign"}
        ),
    }
    return render(request, "campaigns/reports/entries.html", context)
