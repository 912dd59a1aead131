"""The nightly job: delete what is older than its kind is kept, slice by slice.

It begins at STARTS_AT of the site's time, or when a worker runs again on that day, and goes on each
minute for a slice of time until nothing old is left. Each slice and its count are one transaction.
"""

from datetime import date, datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.results.models import OldDataRemoval
from campaigns.results.retention.kinds import FOREVER, KINDS, Kind
from campaigns.shared.days import site_day

STARTS_AT = 3  # o'clock
MAX_SECONDS = 20  # of one task
REMOVALS_KEPT = timedelta(days=90)


def remove_old(now: datetime) -> None:
    """Do a part of this night's work, if any is left."""
    if now.astimezone(settings.SITE_ZONE).hour < STARTS_AT:
        return
    day = site_day(now)
    removal, is_new = OldDataRemoval.objects.get_or_create(day=day)
    if is_new:
        OldDataRemoval.objects.filter(day__lt=day - REMOVALS_KEPT).delete()
    if removal.finished_at is None:
        _remove_for_a_while(day, now)


def _remove_for_a_while(day: date, now: datetime) -> None:
    end = monotonic() + MAX_SECONDS
    for kind in KINDS:
        while kind.days != FOREVER and _remove_slice(day, kind, now):
            if monotonic() > end:
                return
    OldDataRemoval.objects.filter(day=day).update(finished_at=timezone.now())


@transaction.atomic
def _remove_slice(day: date, kind: Kind, now: datetime) -> bool:
    """Delete a slice, and count it. False if nothing old is left."""
    removed = kind.remove(now - timedelta(days=kind.days))
    if removed:
        row = OldDataRemoval.objects.select_for_update().get(day=day)
        row.removed[kind.name] = row.removed.get(kind.name, 0) + removed
        row.save(update_fields=["removed"])
    return removed is not None
