"""Settings, Alerts: what is wrong now and was, what is watched, and a test."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.reports.alerts import trial
from campaigns.reports.alerts.kinds import KINDS, AlertKind, kind_of
from campaigns.reports.alerts.open_alerts import rows_for, url_of
from campaigns.shared.figures.durations import duration
from campaigns.shared.paging import page_of
from campaigns.team.alerts.models import Alert, AlertPost
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

OPEN_MAX = 200


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert with its texts."""

    alert: Alert

    @property
    def kind(self) -> AlertKind:
        return kind_of(self.alert.kind)

    @property
    def sentence(self) -> str:
        return self.kind.sentence(self.alert.detail)

    @property
    def what_to_do(self) -> str:
        return self.kind.what_to_do(self.alert.detail)

    @property
    def url(self) -> str:
        return url_of(self.alert)

    @property
    def lasted(self) -> str:
        """How long it lasted, in words: whole minutes."""
        end = self.alert.over_at or self.alert.seen_at
        seconds = int((end - self.alert.started_at).total_seconds())
        return duration(max(seconds, 0) // 60 * 60 or 60)


@require_safe
@permission_required(Permission.SEND)
def alerts(request: HttpRequest) -> HttpResponse:
    """The open alerts and those that are over, which this user is told. Those who run the
    installation also see what is watched, and who is told.
    """
    user = current_user(request)
    rows = rows_for(user)
    current = [AlertRow(alert) for alert in rows.filter(told_end_at=None)[:OPEN_MAX]]
    current.sort(key=lambda row: -row.kind.severity)
    page = page_of(request, rows.filter(told_end_at__isnull=False))
    context: dict[str, Any] = {
        "current": current,
        "page": page,
        "over": [AlertRow(alert) for alert in page],
    }
    if has_permission(user, Permission.OPERATE):
        context |= {
            "kinds": KINDS,
            "after_minutes": settings.ALERT_AFTER_MINUTES,
            "addresses": trial.addresses(),
            "tests": trial.results(),
            "webhook": urlsplit(settings.ALERT_WEBHOOK_URL).hostname or "",
            "is_signed": bool(settings.ALERT_WEBHOOK_SECRET),
            "last_post": AlertPost.objects.exclude(tries=0).first(),
        }
    return render(request, "campaigns/reports/alerts.html", context)


@require_POST
@permission_required(Permission.OPERATE)
@once
def alert_test(request: HttpRequest) -> HttpResponse:
    """Send a test alert to all who are told about the installation."""
    if trial.send(current_user(request)):
        text = _("A test alert is being sent. Reload the page in a minute to see the result.")
        messages.success(request, text)
    else:
        text = _("Nobody is told: set ALERT_EMAIL or ALERT_WEBHOOK_URL, or add an address.")
        messages.warning(request, text)
    return redirect("alerts")
