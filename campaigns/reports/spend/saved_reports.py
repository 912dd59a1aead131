"""Saved reports: which are due, and mailing each of them once."""

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from time import monotonic

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Substr
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.ledger.models import Purpose
from campaigns.reports.models import ReportDelivery, Rhythm, SavedReport
from campaigns.reports.shared.periods import Period, month_of, period_bounds
from campaigns.reports.spend import spend_export
from campaigns.reports.spend.spending import (
    FILTERS,
    GROUPINGS,
    Grouping,
    Spending,
    describe_filter,
    load_spending,
    read_filters,
)
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.days import next_time, site_day
from campaigns.shared.table_export import XLSX, csv_lines
from campaigns.shared.xlsx_export import workbook
from campaigns.team import audit, handover
from campaigns.team.brand_keys.in_use import using_key_of
from campaigns.team.mail import Attachment, link, mail_to
from campaigns.team.models import MailState, OutgoingMail, User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.time_zones import reader_zone

logger = logging.getLogger(__name__)
TIME_LIMIT = 60.0  # seconds of one task, far below the queue's timeout
DUE = time(8)  # in the owner's time zone
PERIOD_KEYS = ("period", "from", "to")
SAVED_KEYS = (*FILTERS, *PERIOD_KEYS, "group", "purpose")


def query_to_save(query: QueryDict) -> str:
    """Return the part of the Spend page's query string that a report saves."""
    saved = QueryDict(mutable=True)
    saved.update(
        {key: value for key in SAVED_KEYS if (value := query.get(key)) and isinstance(value, str)}
    )
    return saved.urlencode()[:500]


@transaction.atomic
def save(report: SavedReport) -> None:
    """Save a new report for its owner."""
    report.save()
    audit.record(report.owner, report, "saved", report.name)


@transaction.atomic
def resume(report: SavedReport) -> None:
    """Mail a paused report to its owner again."""
    SavedReport.objects.filter(pk=report.pk).update(paused=False)
    audit.record(report.owner, report, "resumed", report.name)


def describe(report: SavedReport) -> str:
    """Return the view in words: "by campaign, Country: Ukraine"."""
    query = QueryDict(report.query)
    grouping = _("by %(grouping)s") % {"grouping": str(_grouping(query).label).lower()}
    return ", ".join([grouping, *(describe_filter(*item) for item in read_filters(query).items())])


def _grouping(query: QueryDict) -> Grouping:
    return GROUPINGS.get(query.get("group", ""), GROUPINGS["day"])


def period_of(rhythm: str, today: date) -> Period:
    """Return the last period that ended before `today`, a day of the site."""
    if rhythm == Rhythm.MONTHLY:
        return Period("month", *month_of(today.replace(day=1) - timedelta(days=1)))
    if rhythm == Rhythm.WEEKLY:
        monday = today - timedelta(days=today.weekday() + 7)
        return Period("custom", monday, monday + timedelta(days=6))
    return Period("custom", today - timedelta(days=1), today - timedelta(days=1))


def due_reports(now: datetime) -> Iterator[tuple[SavedReport, Period]]:
    """Yield the reports to send at `now`, each with the last period that is due.

    Periods are of the site's days, as the ledger. A period that ended before the report was saved
    is not sent.
    """
    for report in (
        SavedReport.objects.filter(paused=False)
        .exclude(rhythm=Rhythm.NEVER)
        .select_related("owner")
    ):
        period = _last_due(report, now)
        _begin, end = period_bounds(period)
        if end > report.created_at and not report.deliveries.filter(last=period.last).exists():
            yield report, period


def _last_due(report: SavedReport, now: datetime) -> Period:
    period = period_of(report.rhythm, site_day(now))
    return period if due_at(period, report.owner) <= now else period_of(report.rhythm, period.first)


def due_at(period: Period, owner: User) -> datetime:
    """Return when `owner` gets the report of `period`: at 8:00 where they are, once it has ended
    where the site is.
    """
    _begin, end = period_bounds(period)
    return next_time(DUE, end, reader_zone(owner.time_zone))


def deliver_due_reports(now: datetime) -> int:
    """Mail the reports that are due; return how many.

    Reports whose owner may no longer read them are paused. One that fails does not stop the others.
    What is not done within the time limit is still due at the next call.
    """
    mailed, until = 0, monotonic() + TIME_LIMIT
    for report, period in due_reports(now):
        if monotonic() > until:
            break
        try:
            with acting_for(report.brand_id), using_key_of(report.brand_id):
                mailed += _mail_or_pause(report, period, now)
        except Exception:
            logger.exception("Saved report %s failed", report.pk)
    return mailed


def _mail_or_pause(report: SavedReport, period: Period, now: datetime) -> bool:
    """Mail a report; False if its owner may no longer read it, or has no address."""
    if not has_permission(report.owner, Permission.VIEW):
        _pause(report)
        return False
    return bool(report.owner.email) and _mail(report, period, now)


@transaction.atomic
def _pause(report: SavedReport, actor: User | None = None) -> None:
    mailed = SavedReport.objects.filter(pk=report.pk, paused=False).exclude(rhythm=Rhythm.NEVER)
    if mailed.update(paused=True):
        audit.record(actor, report, "paused", report.name)


def register_handover() -> None:
    """Let somebody else take over the reports of a user whose account is closed. Called once, at
    the start.
    """
    handover.register(handover.Kind(SavedReport, Permission.VIEW, _pause, lambda _report: {}))


def _mail(report: SavedReport, period: Period, now: datetime) -> bool:
    """Commit the delivery and its mail together; False if another worker was first."""
    subject = _("ViberDash: %(name)s, %(days)s") % {"name": report.name, "days": period.label}
    body, attachment = _body(report, period), _attachment(report, period)
    try:
        with transaction.atomic():
            ReportDelivery.objects.create(
                report=report,
                first=period.first,
                last=period.last,
                address=report.owner.email,
                at=now,
                mail=mail_to(report.owner.email, subject, body, attachment),
            )
            audit.record(None, report, "mailed", f"{period.first} to {period.last}")
    except IntegrityError:
        return False
    return True


def record_outcomes() -> None:
    """Note at the deliveries what became of their mails; a failed one may be resent."""
    mails = OutgoingMail.objects.filter(pk=OuterRef("mail"))
    unsent = ReportDelivery.objects.filter(sent_at=None)
    unsent.filter(mail__state=MailState.SENT).update(
        sent_at=Subquery(mails.values("sent_at")), failure=""
    )
    unsent.filter(mail__state=MailState.FAILED, failure="").update(
        failure=Substr(Subquery(mails.values("last_error")), 1, 200)
    )


def spending_of(report: SavedReport, period: Period) -> Spending:
    """Return the figures of a report in `period`."""
    query = QueryDict(report.query)
    purpose = query.get("purpose", "")
    return load_spending(
        period,
        _grouping(query),
        read_filters(query),
        purpose if purpose in Purpose.values else Purpose.CAMPAIGN,
    )


def _body(report: SavedReport, period: Period) -> str:
    query = QueryDict(report.query, mutable=True)
    for key in PERIOD_KEYS:
        query.pop(key, None)
    query.update({"from": period.first.isoformat(), "to": period.last.isoformat()})
    page_url = link(f"{reverse('spend')}?{query.urlencode()}")
    about = _("Spend %(view)s, %(days)s, time zone %(zone)s.") % {
        "view": describe(report),
        "days": period.label,
        "zone": settings.TIME_ZONE,
    }
    stop = _("To stop these e-mails, delete the report: %(address)s") % {
        "address": link(reverse("saved-reports"))
    }
    return f"{about}\n\n{page_url}\n\n{stop}\n"


def _attachment(report: SavedReport, period: Period) -> Attachment:
    spending = spending_of(report, period)
    name = f"{spend_export.file_name(spending)}.{report.kind}"
    return Attachment(name, _content_type(report), _content(report, spending))


def _content(report: SavedReport, spending: Spending) -> bytes:
    columns, rows = spend_export.columns(spending), spend_export.export_rows(spending)
    if report.kind == "csv":
        return b"".join(csv_lines(columns, rows))
    with workbook(columns, rows) as file:
        return file.read()


def _content_type(report: SavedReport) -> str:
    return "text/csv" if report.kind == "csv" else XLSX


def reports_of(user: User) -> list[SavedReport]:
    """Return the reports of `user`, by name."""
    return list(SavedReport.objects.filter(owner=user))


def deliveries_to(user: User) -> QuerySet[ReportDelivery]:
    """Return the deliveries of the reports of `user`, the newest first, without their files."""
    deliveries = ReportDelivery.objects.filter(report__owner=user).select_related("report", "mail")
    return deliveries.defer("mail__body", "mail__attachment")
