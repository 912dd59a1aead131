"""Saved reports: views of Spend under a name, which are mailed to their owner."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, QueryDict
from ninja import Path, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.resources.money.spend import (
    SpendQuery,
    filters_of,
    period_values,
    read_days,
)
from campaigns.api.schemas import Body, Id, Name
from campaigns.reports.models import ReportDelivery, Rhythm, SavedReport
from campaigns.reports.pages.saved_report_forms import ReportForm
from campaigns.reports.spend import saved_reports
from campaigns.team import audit
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission

router = Router(tags=["Saved reports"])
VIEW = Needs(Permission.VIEW)
ReportId = Annotated[Id, Path()]
Kind = Annotated[Literal["csv", "xlsx"], Field(description="Of the file.")]
# parameters of the API, and how the page Spend calls some of them
DAYS = {"period", "first_day", "last_day"}
PAGE_NAMES = {"from": "first_day", "to": "last_day"}


class SpendView(SpendQuery):
    """The parameters of `GET spend`. A mailed report has the days of its schedule instead."""

    model_config = ConfigDict(extra="forbid")


class SavedReportOut(Schema):
    id: int
    name: str
    view: Annotated[dict[str, str], Field(description="Parameters of `GET spend`.")]
    description: Annotated[str, Field(description="The view in words.")]
    rhythm: Rhythm
    kind: Kind
    paused: Annotated[bool, Field(description="While its owner could not sign in.")]
    created_at: datetime


class SavedReportPage(Page[SavedReportOut]):
    pass


class SavedReportIn(Body):
    name: Name
    view: SpendView = SpendView()
    rhythm: Annotated[Rhythm, Field(description="When it is mailed.")] = Rhythm.NEVER
    kind: Kind = "xlsx"


class ReportDeliveryOut(Schema):
    id: int
    report_id: int
    first_day: date
    last_day: date
    address: str
    at: datetime
    sent_at: datetime | None
    failure: str


class ReportDeliveryPage(Page[ReportDeliveryOut]):
    pass


@router.get("saved-reports", response=SavedReportPage, auth=VIEW)
def list_saved_reports(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The reports of the owner of the token; each user has their own."""
    return page(request, SavedReport.objects.filter(owner=actor(request)), query, _report_out)


@router.post("saved-reports", response={201: SavedReportOut}, auth=VIEW)
def create_saved_report(request: HttpRequest, body: SavedReportIn) -> Any:
    """Save a view of Spend. With a `rhythm`, it is mailed at 8:00 in the time zone of the owner."""
    view, user = body.view, actor(request)
    read_days(view)
    days = period_values(view) if view.model_fields_set & DAYS else {}
    given = {"group": view.group, "purpose": view.purpose.value, **days, **filters_of(view)}
    report = SavedReport(owner=user, query=saved_reports.query_to_save(posted(given)))
    form = ReportForm(posted(body.model_dump(mode="json", exclude={"view"})), instance=report)
    require_valid(form)
    report = form.save(commit=False)
    saved_reports.save(report)
    return Status(201, _report_out(report))


@router.get("saved-reports/{report_id}", response=SavedReportOut, auth=VIEW)
def get_saved_report(request: HttpRequest, report_id: ReportId) -> Any:
    """One report."""
    return _report_out(_get(request, report_id))


@router.get(
    "saved-reports/{report_id}/deliveries",
    summary="List e-mails of a saved report",
    response=ReportDeliveryPage,
    auth=VIEW,
)
def list_report_deliveries(
    request: HttpRequest, report_id: ReportId, query: Query[PageQuery]
) -> Any:
    """What was mailed of a report, the newest first."""
    report = _get(request, report_id)
    rows = saved_reports.deliveries_to(actor(request)).filter(report=report)
    return page(request, rows, query, _delivery_out, newest_first=True)


@router.post("saved-reports/{report_id}/resume", response=SavedReportOut, auth=VIEW)
def resume_saved_report(request: HttpRequest, report_id: ReportId) -> Any:
    """Resume a report that was paused while its owner could not sign in."""
    saved_reports.resume(_get(request, report_id))
    return _report_out(_get(request, report_id))


@router.delete("saved-reports/{report_id}", response={204: None}, auth=VIEW)
def delete_saved_report(request: HttpRequest, report_id: ReportId) -> Any:
    """Delete a report with the log of its e-mails."""
    report = _get(request, report_id)
    audit.delete(actor(request), report, "deleted", report.name)
    return Status(204, None)


def _get(request: HttpRequest, report_id: int) -> SavedReport:
    user = actor(request)
    return get_object_for(user, SavedReport.objects.filter(owner=user), pk=report_id)


def _report_out(report: SavedReport) -> SavedReportOut:
    view = {PAGE_NAMES.get(name, name): value for name, value in QueryDict(report.query).items()}
    if view.get("period") == "custom":
        del view["period"]
    same = ("name", "rhythm", "kind", "paused", "created_at")
    return SavedReportOut(
        **{name: getattr(report, name) for name in same},
        id=report.pk,
        view={name: str(value) for name, value in view.items()},
        description=saved_reports.describe(report),
    )


def _delivery_out(delivery: ReportDelivery) -> ReportDeliveryOut:
    same = ("address", "at", "sent_at", "failure", "report_id")
    return ReportDeliveryOut(
        **{name: getattr(delivery, name) for name in same},
        id=delivery.pk,
        first_day=delivery.first,
        last_day=delivery.last,
    )
