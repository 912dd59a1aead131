"""Saved reports: which are due, and their way to their owners, never twice."""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.ledger.models import Purpose
from campaigns.reports.models import ReportDelivery, Rhythm, SavedReport
from campaigns.reports.shared.periods import Period, month_of
from campaigns.reports.spend import spend_files
from campaigns.reports.spend.spending import (
    FILTERS,
    GROUPINGS,
    Grouping,
    Spending,
    filter_words,
    read_filters,
    read_spending,
)
from campaigns.shared.table_export import XLSX, csv_lines
from campaigns.shared.xlsx_export import workbook
from campaigns.team.access import has_role
from campaigns.team.mail import link
from campaigns.team.models import Role, User
from campaigns.team.time_zones import reader_zone

PATIENCE = 60.0  # seconds of mailing in one task, far below the queue's time-out
HOUR = 8  # o'clock, where the owner is
PERIOD_KEYS = ("period", "from", "to")
KEPT = (*FILTERS, *PERIOD_KEYS, "group", "purpose")


def view_of(query: QueryDict) -> str:
    """What of the Spend page's query string a report keeps."""
    kept = QueryDict(mutable=True)
    kept.update(
        {key: value for key in KEPT if (value := query.get(key)) and isinstance(value, str)}
    )
    return kept.urlencode()[:500]


def words_of(report: SavedReport) -> str:
    """The view in words: "by campaign, Country: Ukraine"."""
    query = QueryDict(report.query)
    grouping = _("by %(what)s") % {"what": str(_grouping(query).label).lower()}
    return ", ".join([grouping, *(filter_words(*one) for one in read_filters(query).items())])


def _grouping(query: QueryDict) -> Grouping:
    return GROUPINGS.get(query.get("group", ""), GROUPINGS["day"])


def period_of(rhythm: str, here: date) -> Period:
    """The last period that was over before the day `here`."""
    if rhythm == Rhythm.MONTHLY:
        return Period("month", *month_of(here.replace(day=1) - timedelta(days=1)))
    if rhythm == Rhythm.WEEKLY:
        monday = here - timedelta(days=here.weekday() + 7)
        return Period("custom", monday, monday + timedelta(days=6))
    return Period("custom", here - timedelta(days=1), here - timedelta(days=1))


def due(now: datetime) -> Iterator[tuple[SavedReport, Period]]:
    """The reports to be sent at `now`, each with its period. One that was over before the report
    was saved is not.
    """
    for report in (
        SavedReport.objects.filter(paused=False)
        .exclude(rhythm=Rhythm.NEVER)
        .select_related("owner")
    ):
        zone = reader_zone(report.owner.time_zone)
        here = now.astimezone(zone)
        period = period_of(report.rhythm, here.date())
        if here.hour < HOUR or period.last < report.created_at.astimezone(zone).date():
            continue
        if not report.deliveries.filter(last=period.last).exists():
            yield report, period


def deliver(now: datetime) -> int:
    """Send what is due, and pause the reports of those who may not read them any more. How many
    left.

    What a slow mail server leaves no time for is still due at the next call.
    """
    left, until = 0, time.monotonic() + PATIENCE
    for report, period in due(now):
        if time.monotonic() > until:
            break
        if not has_role(report.owner, Role.VIEWER):
            SavedReport.objects.filter(pk=report.pk).update(paused=True)
        elif report.owner.email and (claimed := _claim(report, period, now)):
            left += _send(claimed, report, period)
    return left


def _claim(report: SavedReport, period: Period, now: datetime) -> ReportDelivery | None:
    """The delivery, committed before anything leaves: whoever comes second, also after a crash,
    does not send.
    """
    try:
        with transaction.atomic():
            return ReportDelivery.objects.create(
                report=report,
                first=period.first,
                last=period.last,
                address=report.owner.email,
                at=now,
            )
    except IntegrityError:
        return None


def _send(delivery: ReportDelivery, report: SavedReport, period: Period) -> bool:
    spending = spending_of(report, period)
    letter = EmailMessage(
        _("ViberDash: %(name)s, %(days)s") % {"name": _line(report.name), "days": period.words},
        _body(report, period),
        to=[delivery.address],
    )
    letter.attach(
        f"{spend_files.name(spending)}.{report.kind}", _content(report, spending), _type(report)
    )
    try:
        letter.send()
    except (SMTPException, OSError) as error:
        ReportDelivery.objects.filter(pk=delivery.pk).update(
            failure=_line(str(error))[:200] or "not sent"
        )
        return False
    ReportDelivery.objects.filter(pk=delivery.pk).update(sent_at=timezone.now())
    return True


def spending_of(report: SavedReport, period: Period) -> Spending:
    """The figures of a report in `period`."""
    query = QueryDict(report.query)
    purpose = query.get("purpose", "")
    return read_spending(
        period,
        _grouping(query),
        read_filters(query),
        purpose if purpose in Purpose.values else Purpose.CAMPAIGN,
    )


def _line(text: str) -> str:
    """Without line breaks, which would begin another header."""
    return " ".join(text.split())


def _body(report: SavedReport, period: Period) -> str:
    query = QueryDict(report.query, mutable=True)
    for key in PERIOD_KEYS:
        query.pop(key, None)
    query.update({"from": period.first.isoformat(), "to": period.last.isoformat()})
    page = link(f"{reverse('spend')}?{query.urlencode()}")
    about = _("Spend %(view)s, %(days)s.") % {"view": words_of(report), "days": period.words}
    stop = _("To stop these e-mails: %(address)s") % {"address": link(reverse("saved-reports"))}
    return f"{about}\n\n{page}\n\n{stop}\n"


def _content(report: SavedReport, spending: Spending) -> bytes:
    columns, rows = spend_files.columns(spending), spend_files.rows(spending)
    if report.kind == "csv":
        return b"".join(csv_lines(columns, rows))
    with workbook(columns, rows) as file:
        return file.read()


def _type(report: SavedReport) -> str:
    return "text/csv" if report.kind == "csv" else XLSX


def mine(user: User) -> list[SavedReport]:
    """The reports of `user`, by name."""
    return list(SavedReport.objects.filter(owner=user))


def sent_to(user: User) -> list[ReportDelivery]:
    """What was sent of the reports of `user`, the newest first."""
    return list(ReportDelivery.objects.filter(report__owner=user).select_related("report")[:50])
