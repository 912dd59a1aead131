"""The background work on the trail: new entries are linked, sent to syslog, and the oldest removed.

Started each minute by the queue's schedule and by `manage.py sweep`; one process at a time does it.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q

from campaigns.shared import database_clock
from campaigns.team.audit import chain, segments, syslog
from campaigns.team.models import AuditProgress

logger = logging.getLogger(__name__)
SECONDS = 20.0  # of work in one run
LEASE = timedelta(minutes=2)  # longer than a run and its time-outs; a process may have died


def follow(seconds: float = SECONDS) -> None:
    """Do what is due, for some seconds, unless another process is at it."""
    lease = _claim()
    if not lease:
        return
    try:
        _work(monotonic() + seconds)
    except IntegrityError:
        logger.info("Another process has linked these entries of the audit trail")
    finally:
        AuditProgress.objects.filter(lease_until=lease).update(lease_until=None)


def _claim() -> datetime | None:
    """The end of the lease that is ours now; None if another process has it."""
    now = database_clock.now()
    AuditProgress.objects.get_or_create(pk=1)
    free = AuditProgress.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=1)
    return now + LEASE if free.update(lease_until=now + LEASE) else None


def _work(until: float) -> None:
    while chain.link_next() == chain.BATCH and monotonic() < until:
        pass
    if settings.AUDIT_SYSLOG:
        while syslog.send_next() == syslog.BATCH and monotonic() < until:
            pass
    while segments.remove_oldest(database_clock.now()) == segments.SEGMENT and monotonic() < until:
        pass
