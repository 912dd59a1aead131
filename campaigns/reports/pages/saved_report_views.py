"""The pages of saved reports: each person's own."""

from typing import TYPE_CHECKING, Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.reports.models import SavedReport
from campaigns.reports.spend import saved_reports
from campaigns.team import audit
from campaigns.team.access import current_user

if TYPE_CHECKING:
    ReportModelForm = forms.ModelForm[SavedReport]
else:
    ReportModelForm = forms.ModelForm


class ReportForm(ReportModelForm):
    class Meta:
        model = SavedReport
        fields = ("name", "rhythm", "kind")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["rhythm"].help_text = _(
            "At eight in the morning of your time zone, with the figures of the day, week or month"
            " before."
        )
        self.helper: FormHelper = FormHelper()
        button = StrictButton(_("Save the report"), type="submit", css_class="btn-primary")
        self.helper.layout = Layout("name", "rhythm", "kind", Div(button, css_class="form-actions"))


@require_safe
def report_list(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    context = {
        "rows": [(report, saved_reports.words_of(report)) for report in saved_reports.mine(user)],
        "sent": saved_reports.sent_to(user),
    }
    return render(request, "campaigns/reports/saved_reports.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def report_new(request: HttpRequest) -> HttpResponse:
    """Keep the view of the Spend page that the query string names."""
    user = current_user(request)
    report = SavedReport(owner=user, query=saved_reports.view_of(request.GET))
    form = ReportForm(request.POST or None, instance=report)
    if request.method == "POST" and form.is_valid():
        audit.record(user, form.save(), "saved", report.name)
        messages.success(request, _("The report is saved."))
        return redirect("saved-reports")
    context = {"form": form, "words": saved_reports.words_of(report)}
    return render(
        request,
        "campaigns/reports/saved_report.html",
        context,
        status=422 if form.is_bound else 200,
    )


@require_POST
def report_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody's own report: nobody else's is found."""
    user = current_user(request)
    report = get_object_or_404(SavedReport, pk=pk, owner=user)
    audit.record(user, report, "deleted", report.name)
    report.delete()
    messages.success(request, _("The report “%(name)s” is deleted.") % {"name": report.name})
    return redirect("saved-reports")


@require_POST
def report_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a report again that was paused while its owner could not sign in."""
    user = current_user(request)
    report = get_object_or_404(SavedReport, pk=pk, owner=user)
    SavedReport.objects.filter(pk=report.pk).update(paused=False)
    audit.record(user, report, "resumed", report.name)
    messages.success(request, _("The report “%(name)s” is sent again.") % {"name": report.name})
    return redirect("saved-reports")
