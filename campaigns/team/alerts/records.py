"""Open alerts by kind, the results of backups, and the removal of what is long over."""

from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from campaigns.team.alerts.models import Alert, AlertPost, BackupResult

REMOVED_AT_ONCE = 500


def open_alerts() -> QuerySet[Alert]:
    """The alerts that were told and are not over."""
    return Alert.objects.filter(told_end_at=None, told_start_at__isnull=False)


def count_open() -> dict[str, int]:
    """How many alerts of each kind are open; kinds without one are missing."""
    return dict(open_alerts().order_by("kind").values_list("kind").annotate(Count("pk")))


def last_backups() -> BackupResult:
    """How the last backups went; an empty one if none is known."""
    return BackupResult.objects.filter(pk=1).first() or BackupResult()


def record_backup(name: str) -> None:
    """Note that the backup `name` is complete."""
    _write(succeeded_at=timezone.now(), name=name[:200])


def record_failed_backup(failure: str) -> None:
    """Note that a backup failed, and why."""
    _write(failed_at=timezone.now(), failure=" ".join(failure.split())[:300])


def _write(**columns: datetime | str) -> None:
    """Nothing, if the database does not answer, or is not yet of this version."""
    with suppress(DatabaseError), transaction.atomic():
        BackupResult.objects.update_or_create(pk=1, defaults=columns)


def remove_old(before: datetime) -> int | None:
    """Delete some of the alerts that were over, and of the posts that were made, `before`. Returns
    how many; None: nothing is left.
    """
    for rows in (
        Alert.objects.filter(told_end_at__lt=before),
        AlertPost.objects.filter(created_at__lt=before),
    ):
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:REMOVED_AT_ONCE])
        if ids:
            return rows.model._default_manager.filter(pk__in=ids).delete()[0]
    return None
