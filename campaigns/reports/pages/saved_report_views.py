"""The pages of saved reports; every user has their own."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.reports.models import SavedReport
from campaigns.reports.pages.saved_report_forms import ReportForm
from campaigns.reports.shared.periods import format_days
from campaigns.reports.spend import saved_reports
from campaigns.team import audit
from campaigns.team.pages.access import current_user
from campaigns.team.pages.submissions import once

DELIVERIES = 50  # on the page, the newest


@require_safe
def report_list(request: HttpRequest) -> HttpResponse:
    """The user's reports and what was sent of them."""
    user = current_user(request)
    reports = saved_reports.reports_of(user)
    context = {
        "zone": settings.TIME_ZONE,
        "rows": [(report, saved_reports.describe(report)) for report in reports],
        "deliveries": [
            (delivery, format_days(delivery.first, delivery.last))
            for delivery in saved_reports.deliveries_to(user)[:DELIVERIES]
        ],
    }
    return render(request, "campaigns/reports/saved_reports.html", context)


@once
@require_http_methods(["GET", "HEAD", "POST"])
def report_new(request: HttpRequest) -> HttpResponse:
    """Save the view of the Spend page that the query string names."""
    user = current_user(request)
    report = SavedReport(owner=user, query=saved_reports.query_to_save(request.GET))
    form = ReportForm(request.POST or None, instance=report)
    if request.method == "POST" and form.is_valid():
        saved_reports.save(form.save(commit=False))
        messages.success(request, _("Report saved."))
        return redirect("saved-reports")
    context = {"form": form, "description": saved_reports.describe(report)}
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/reports/saved_report.html", context, status=status)


@require_POST
def report_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one of the user's reports."""
    user = current_user(request)
    report = get_object_or_404(SavedReport, pk=pk, owner=user)
    audit.delete(user, report, "deleted", report.name)
    messages.success(request, _("Report “%(name)s” deleted.") % {"name": report.name})
    return redirect("saved-reports")


@require_POST
def report_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Resume a report that was paused while its owner could not sign in."""
    report = get_object_or_404(SavedReport, pk=pk, owner=current_user(request))
    saved_reports.resume(report)
    messages.success(request, _("Report “%(name)s” resumed.") % {"name": report.name})
    return redirect("saved-reports")
