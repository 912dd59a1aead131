"""Safe mode: a database restored from a backup does not know what was sent since, so nothing is
sent until a user confirms.

Each sweep increments a number in the database and then writes it to a file outside of it
(STATE_FILE). A database whose number is below the file's is older than what this machine has seen.
A machine without an entry for the database decides by time: if no sweep has run for a while, the
database was moved here; if one has, another machine shares it.

Nobody would get a second message in any case: references repeat, and the gateway refuses them
(error 43).
"""

import json
import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from campaigns.team import audit
from campaigns.team.models import Installation, User

logger = logging.getLogger(__name__)
UNUSED_AFTER = timedelta(minutes=10)  # without a sweep: no machine uses this database
CACHED_FOR = 15.0  # seconds, for pages


@dataclass
class _Cached:
    safe: bool = False
    until: float = 0.0


_cached = _Cached()


def count_up(now: datetime, under_way: bool) -> bool:
    """Count one more sweep, after looking for a restore. Returns whether safe mode is on.

    `under_way`: whether any campaign would send by itself; without one there is nothing to stop.
    """
    if detect_restore(now, under_way):
        return True
    Installation.objects.filter(pk=1).update(number=F("number") + 1, at=now)
    _remember(_installation(now))
    return False


def detect_restore(now: datetime, under_way: bool) -> bool:
    """Turn safe mode on if the database was restored. Returns whether it is on."""
    seen = _seen()  # before the database is read: other sweeps count up meanwhile
    installation = _installation(now)
    if not installation.safe_since and _was_restored(installation, seen, now):
        if under_way:
            Installation.objects.filter(pk=1, safe_since=None).update(safe_since=now)
            audit.record(None, installation, "restored")
            logger.warning(
                "The database is older than this machine remembers: nothing is sent until a user"
                " confirms"
            )
            return True
        _remember(installation)
    return installation.safe_since is not None


def enter(now: datetime) -> None:
    """Turn safe mode on in a database that was just restored, whatever this machine has seen."""
    installation = _installation(now)
    Installation.objects.filter(pk=1, safe_since=None).update(safe_since=now)
    with suppress(DatabaseError), transaction.atomic():  # an older version had other columns
        audit.record(None, installation, "restored")
    cache_state(safe=True)


def take_over(action: str) -> None:
    """From now on this database goes on where another one stopped: it counts up, so that the other
    is older than what this machine remembers (`remember`, after the commit). Safe mode stays as it
    is. `action`: what the audit trail says.
    """
    installation = _installation(timezone.now())
    Installation.objects.filter(pk=1).update(number=F("number") + 1, at=timezone.now())
    audit.record(None, installation, action)


def remember() -> None:
    """Let this machine remember how far this database has come."""
    _remember(_installation(timezone.now()))


def in_safe_mode() -> bool:
    """Whether nothing may send, for pages: up to CACHED_FOR seconds old."""
    if time.monotonic() > _cached.until:
        cache_state(Installation.objects.filter(safe_since__isnull=False).exists())
    return _cached.safe


def notice() -> str:
    """What commands say while nothing is sent: why, and what to do; "" outside safe mode."""
    since = Installation.objects.values_list("safe_since", flat=True).first()
    if since is None:
        return ""
    return (
        f"Safe mode is on since {since:%Y-%m-%d %H:%M} UTC: nothing is sent, as this database was"
        " restored or copied, and does not know what was sent since. Look at the campaigns under"
        " way, then end it on any page or with manage.py confirm_restore."
    )


def cache_state(safe: bool) -> None:
    """Remember in this process, for CACHED_FOR seconds, whether safe mode is on."""
    _cached.safe, _cached.until = safe, time.monotonic() + CACHED_FOR


def confirm(actor: User | None) -> bool:
    """A user confirms: sending resumes. Returns whether safe mode was on."""
    with transaction.atomic():
        in_safe_mode = Installation.objects.filter(pk=1, safe_since__isnull=False)
        confirmed = in_safe_mode.update(safe_since=None)
        if confirmed:
            installation = _installation(timezone.now())
            number = max(installation.number, _seen().get(str(installation.uuid), 0)) + 1
            Installation.objects.filter(pk=1).update(number=number, at=timezone.now())
            audit.record(actor, installation, "confirmed")
    if confirmed:
        _remember(_installation(timezone.now()))
    cache_state(safe=False)
    return bool(confirmed)


def _installation(now: datetime) -> Installation:
    return Installation.objects.get_or_create(pk=1, defaults={"at": now})[0]


def _was_restored(installation: Installation, seen: dict[str, int], now: datetime) -> bool:
    number = seen.get(str(installation.uuid))
    if number is None:
        return installation.number > 0 and installation.at < now - UNUSED_AFTER
    return installation.number < number


def _seen() -> dict[str, int]:
    """The highest number of each database that this machine has seen."""
    try:
        numbers: dict[str, int] = json.loads(settings.STATE_FILE.read_text())
    except (OSError, ValueError):
        return {}
    return numbers


def _remember(installation: Installation) -> None:
    seen: dict[str, Any] = _seen()
    key = str(installation.uuid)
    seen[key] = max(installation.number, seen.get(key, 0))
    temporary = settings.STATE_FILE.with_name(f"{settings.STATE_FILE.name}.{os.getpid()}")
    try:
        settings.STATE_FILE.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(seen))
        temporary.replace(settings.STATE_FILE)
    except OSError as error:
        logger.warning(
            "Cannot write STATE_FILE, so a restored database would go unnoticed: %s", error
        )
