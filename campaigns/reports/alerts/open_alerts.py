"""The open alerts that a user can do something about: for the banner on each page, and Settings."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet

from campaigns.reports.alerts.kinds import Severity, kind_of
from campaigns.shared.brands.scope import (
    acting_brand,
    acting_for,
    all_brands,
    brand_of_new,
)
from campaigns.team.alerts import records
from campaigns.team.alerts.models import Alert
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

CACHED_FOR = 15.0  # seconds, for the banner
CACHED_MAX = 500  # alerts
OWN_NOTICE = ("safe_mode", "new_key")  # each page has a notice of these anyway


@dataclass
class _Cached:
    alerts: tuple[Alert, ...] = ()
    until: float = 0.0


_cached = _Cached()


@dataclass(frozen=True, slots=True)
class Banner:
    """The worst of the open alerts, and how many others there are."""

    level: str  # "error" or "warning"
    sentence: str
    url: str
    others: int


def sees(user: User) -> bool:
    """Whether there are alerts that `user` is told."""
    return has_permission(user, Permission.SEND)


def told_to(user: User) -> Callable[[Alert], bool]:
    """Whether `user` is told an alert: all of them, if the user runs the installation, else those
    of the brand that is acted for.
    """
    if has_permission(user, Permission.OPERATE):
        return lambda _alert: True
    brand = brand_of_new() if sees(user) else 0
    return lambda alert: (
        alert.brand_id == brand and has_permission(user, kind_of(alert.kind).permission)
    )


def rows_for(user: User) -> QuerySet[Alert]:
    """The alerts that `user` is told, open and over, the newest first."""
    rows = Alert._base_manager.filter(told_start_at__isnull=False).order_by("-pk")
    return rows if has_permission(user, Permission.OPERATE) else rows.filter(brand=brand_of_new())


def url_of(alert: Alert) -> str:
    """The path of the page where something can be done about `alert`."""
    if alert.brand_id in (None, acting_brand()):
        return kind_of(alert.kind).url(alert.detail)
    with acting_for(alert.brand_id):
        return kind_of(alert.kind).url(alert.detail)


def banner_for(user: User) -> Banner | None:
    """What each page says to `user`: up to CACHED_FOR seconds old."""
    if time.monotonic() > _cached.until:
        with all_brands():
            cache_state(tuple(records.open_alerts().exclude(kind__in=OWN_NOTICE)[:CACHED_MAX]))
    if not _cached.alerts or not sees(user):
        return None
    own = list(filter(told_to(user), _cached.alerts))
    if not own:
        return None
    worst = max(own, key=lambda alert: (kind_of(alert.kind).severity, alert.pk))
    kind = kind_of(worst.kind)
    level = "error" if kind.severity is Severity.CRITICAL else "warning"
    return Banner(level, kind.sentence(worst.detail), url_of(worst), len(own) - 1)


def cache_state(alerts: tuple[Alert, ...]) -> None:
    """Remember the open alerts in this process, for CACHED_FOR seconds."""
    _cached.alerts, _cached.until = alerts, time.monotonic() + CACHED_FOR
