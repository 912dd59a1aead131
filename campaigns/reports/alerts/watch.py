"""Looks at everything that is watched, and tells what changed.

The queue calls it each minute, and so does each round of `manage.py sweep`, as a queue that stands
can't tell that it stands. One process at a time looks, over all machines: of two, the one whose
look is older must not begin again what the other has ended.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from campaigns.dispatch.models import Heartbeat
from campaigns.reports.alerts import changes
from campaigns.reports.alerts.each_account import EachAccount
from campaigns.reports.alerts.findings import Finding
from campaigns.reports.alerts.kinds import KINDS
from campaigns.shared import database_clock
from campaigns.shared.brands.scope import all_brands
from campaigns.team.alerts import posts

logger = logging.getLogger(__name__)
NAME = "alerts"  # of the heartbeat
LEASE = timedelta(minutes=1)  # far longer than a look
SECONDS = 20.0  # for posts, in one task


def watch(post_seconds: float = SECONDS) -> None:
    """Look once, unless another process is looking, and post what is due."""
    with all_brands(), timezone.override(settings.SITE_ZONE):
        now = database_clock.now()
        if token := _claim(now):
            try:
                look(now)
            finally:
                Heartbeat.objects.filter(name=NAME, token=token).update(until=None)
    posts.deliver_due(post_seconds)


def look(now: datetime) -> changes.Changes:
    """Detect each kind, and change and tell the alerts. Returns what was told."""
    return changes.apply(detect(now), now)


def detect(now: datetime) -> dict[str, Sequence[Finding]]:
    """What is wrong now, by kind. A kind that can't be detected is left out."""
    findings: dict[str, Sequence[Finding]] = {}
    of_each_account = EachAccount()
    for kind in KINDS:
        try:
            findings[kind.name] = (
                of_each_account.detect(kind.detect, now) if kind.of_account else kind.detect(now)
            )
        except Exception:  # the others are to be told all the same
            logger.exception("The alert %s could not be looked for", kind.name)
    return findings


def _claim(now: datetime) -> str:
    """A token, if this process may look now; else ""."""
    Heartbeat.objects.get_or_create(name=NAME, defaults={"at": now})
    free = Heartbeat.objects.filter(Q(until=None) | Q(until__lte=now), name=NAME)
    token = secrets.token_hex(16)
    return token if free.update(at=now, until=now + LEASE, token=token) else ""
