"""The state of each alert: it starts, it is over, and each is told once.

A finding is noted in a row when it is first seen. Once it has held for as long as its kind asks, a
conditional UPDATE tells it: of several processes one succeeds, and its transaction writes the
e-mails and the post. The same at the end. So a crash tells nothing, and nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from campaigns.reports.alerts import telling
from campaigns.reports.alerts.findings import Finding
from campaigns.reports.alerts.kinds import AlertKind, kind_of
from campaigns.team.alerts.models import Alert

NOTED_EVERY = timedelta(minutes=1)  # seen_at of an alert that has not changed
# Nobody looked for longer than this (or than the damping): what was first seen before may have been
# gone meanwhile, so it has to hold anew.
UNWATCHED_AFTER = timedelta(minutes=3)
MACHINE_GONE_AFTER = timedelta(days=1)  # without a look at its own: it was removed


@dataclass(slots=True)
class Changes:
    """The alerts that are to be told now."""

    started: list[Alert] = field(default_factory=list)
    ended: list[Alert] = field(default_factory=list)


@transaction.atomic
def apply(findings: Mapping[str, Sequence[Finding]], now: datetime) -> Changes:
    """Bring the alerts of these kinds in line with the findings, and tell what changed.

    A kind that is not among `findings` was not looked at: its alerts stay as they are.
    """
    changes = Changes()
    rows = Alert.objects.filter(told_end_at=None, kind__in=findings)
    known = {(alert.kind, alert.object): alert for alert in rows}
    for name, of_kind in findings.items():
        kind, seen = kind_of(name), set()
        for finding in of_kind:
            seen.add((name, finding.object))
            alert = known.get((name, finding.object))
            if alert is None and finding.starts:
                alert = _note(name, finding, now)
            if alert is not None:
                _seen(kind, alert, finding, now, changes)
        for key, alert in known.items():
            if key[0] == name and key not in seen and _is_ours(kind, alert, now):
                _not_seen(kind, alert, now, changes)
    telling.tell(changes.started, changes.ended)
    return changes


def _note(name: str, finding: Finding, now: datetime) -> Alert:
    """The row of what is seen for the first time, perhaps by another process at this moment."""
    alert, _is_new = Alert.objects.get_or_create(
        kind=name,
        object=finding.object,
        told_end_at=None,
        defaults={
            "detail": dict(finding.detail),
            "brand_id": finding.brand_id,
            "started_at": now,
            "seen_at": now,
        },
    )
    return alert


def _row(alert: Alert) -> QuerySet[Alert]:
    return Alert.objects.filter(pk=alert.pk, told_end_at=None)


def _seen(kind: AlertKind, alert: Alert, finding: Finding, now: datetime, changes: Changes) -> None:
    if alert.told_start_at is None:
        if not finding.starts:
            _row(alert).filter(told_start_at=None).delete()
            return
        if now - alert.seen_at > max(UNWATCHED_AFTER, kind.after):
            alert.started_at = now
    detail = dict(finding.detail)
    if detail != alert.detail or alert.over_at or now - alert.seen_at >= NOTED_EVERY:
        alert.detail, alert.seen_at, alert.over_at = detail, now, None
        columns = {"detail": detail, "seen_at": now, "over_at": None}
        _row(alert).update(started_at=alert.started_at, **columns)
    if now - alert.started_at >= kind.after and _is_first(alert, "told_start_at", now):
        changes.started.append(alert)


def _not_seen(kind: AlertKind, alert: Alert, now: datetime, changes: Changes) -> None:
    if alert.told_start_at is None:
        _row(alert).filter(told_start_at=None).delete()
        return
    if alert.over_at is None:
        alert.over_at = now
        _row(alert).filter(over_at=None).update(over_at=now)
    if now - alert.over_at >= kind.after and _is_first(alert, "told_end_at", now):
        changes.ended.append(alert)


def _is_first(alert: Alert, column: str, now: datetime) -> bool:
    """Write that it is told, unless it was before. Returns whether the caller has to tell it."""
    if getattr(alert, column) is not None:
        return False
    setattr(alert, column, now)
    return bool(_row(alert).filter(**{column: None}).update(**{column: now}))


def _is_ours(kind: AlertKind, alert: Alert, now: datetime) -> bool:
    """Whether this machine can say that it is over."""
    if not kind.of_machine or alert.object.startswith(f"{settings.WORKER_NAME[:90]}:"):
        return True
    return now - alert.seen_at > MACHINE_GONE_AFTER
