"""Removing the oldest entries, after AUDIT_KEEP_DAYS: a segment of the chain is verified, a seal
keeps its last hash, count and period, and then the triggers let it go.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from campaigns.team.audit import chain
from campaigns.team.models import AuditEntry, AuditLink, AuditProgress, AuditSeal

logger = logging.getLogger(__name__)
SEGMENT = 10_000  # entries at most
EVERY = timedelta(days=1)  # between segments that are not full


def remove_oldest(now: datetime) -> int:
    """Seal and remove the oldest segment, if its time has come; return how many entries.

    A segment that has been tampered with stays, and is logged.
    """
    if not settings.AUDIT_KEEP_DAYS:
        return 0
    cutoff = now - timedelta(days=settings.AUDIT_KEEP_DAYS)
    links = _due_links(cutoff)
    if not links or (len(links) < SEGMENT and _was_sealed_since(now - EVERY)):
        return 0
    with transaction.atomic():
        return _remove(links, now)


def _due_links(cutoff: datetime) -> list[chain.Link]:
    """The first links in a row whose entries are older than `cutoff`; with syslog, those sent."""
    position = chain.start()[0]
    oldest = AuditLink.objects.filter(position__gt=position).order_by("position")
    if settings.AUDIT_SYSLOG:
        progress = AuditProgress.objects.first()
        oldest = oldest.filter(position__lte=progress.streamed if progress else 0)
    due = []
    for number, entry_id, stored, at in oldest.values_list(
        "position", "entry_id", "hash", "entry__at"
    )[:SEGMENT]:
        if at is None or at >= cutoff:
            break
        due.append((number, entry_id, stored))
    return due


def _was_sealed_since(moment: datetime) -> bool:
    return AuditSeal.objects.filter(sealed_at__gt=moment).exists()


def _remove(links: list[chain.Link], now: datetime) -> int:
    rows = chain.entries_of(links)
    if problem := next(chain.compare(links, rows, chain.start()), ""):
        logger.error("The audit trail is damaged, so its oldest entries stay: %s", problem)
        return 0
    last_position, last_hash = links[-1][0], links[-1][2]
    times = [row[1] for row in rows.values()]
    AuditSeal.objects.create(
        last_position=last_position,
        hash=last_hash,
        entries=len(links),
        first_at=min(times),
        last_at=max(times),
        sealed_at=now,
    )
    sealed = AuditLink.objects.filter(position__lte=last_position)
    AuditEntry.objects.filter(pk__in=sealed.values("entry")).delete()
    sealed.delete()
    return len(links)
