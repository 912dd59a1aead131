"""Alerts: what is wrong with the installation or a brand, and was."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.paging import Page, PageQuery, page
from campaigns.reports.alerts.kinds import Severity, kind_of
from campaigns.reports.alerts.open_alerts import rows_for
from campaigns.team.alerts.models import Alert
from campaigns.team.permissions import Permission

router = Router(tags=["Alerts"])


class AlertQuery(PageQuery):
    is_open: bool | None = None


class AlertOut(Schema):
    id: int
    kind: str
    severity: Annotated[
        Literal["critical", "warning"],
        Field(description="critical: messages are not sent, or money or data may be lost"),
    ]
    object: Annotated[str, Field(description='Such as `campaign:12`; "": there is only one')]
    brand_id: Annotated[int | None, Field(description="null: the installation")]
    text: str
    what_to_do: str
    started_at: datetime
    seen_at: Annotated[datetime, Field(description="For the last time.")]
    over_at: datetime | None
    is_open: bool


class AlertPage(Page[AlertOut]):
    pass


@router.get("alerts", response=AlertPage, auth=Needs(Permission.SEND))
def list_alerts(request: HttpRequest, query: Query[AlertQuery]) -> Any:
    """The alerts of the brand, the newest first; with `operate`, those of the installation too."""
    rows = rows_for(actor(request))
    if query.is_open is not None:
        rows = rows.filter(told_end_at__isnull=query.is_open)
    return page(request, rows, query, _alert_out, newest_first=True)


def _alert_out(alert: Alert) -> AlertOut:
    kind = kind_of(alert.kind)
    return AlertOut(
        id=alert.pk,
        kind=alert.kind,
        severity="critical" if kind.severity == Severity.CRITICAL else "warning",
        object=alert.object,
        brand_id=alert.brand_id,
        text=kind.sentence(alert.detail),
        what_to_do=kind.what_to_do(alert.detail),
        started_at=alert.started_at,
        seen_at=alert.seen_at,
        over_at=alert.over_at,
        is_open=alert.told_end_at is None,
    )
