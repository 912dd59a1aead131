"""A database that came back from a backup does not know what was sent since. Until a person
confirms, nothing sends.

Each sweep counts one up in the database and then writes the number into a file that is not part of
it (STATE_FILE). A database that is behind its file is older than what this machine has seen. On a
machine that does not know the database yet, one that nobody has counted in for a while was brought
there; one that somebody counts in just now is only shared with another machine.

Nobody would get a second message in any case: references repeat, and the gateway refuses them
(error 43).
"""

import json
import logging
import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from campaigns.team import audit
from campaigns.team.models import Installation, User

logger = logging.getLogger(__name__)
FORSAKEN = timedelta(minutes=10)  # nobody has counted for so long: no machine uses this database
KNOWN_FOR = 15.0  # seconds in which pages do not ask the database again


@dataclass
class _Known:
    safe: bool = False
    until: float = 0.0


_known = _Known()


def count_up(now: datetime, under_way: bool) -> bool:
    """One more sweep: look for a restore, and remember how far the database has come. Whether
    nothing may send.

    `under_way`: whether any campaign would go on by itself; without one there is nothing to be kept
    from sending.
    """
    if look(now, under_way):
        return True
    Installation.objects.filter(pk=1).update(number=F("number") + 1, at=now)
    _remember(_installation(now))
    return False


def look(now: datetime, under_way: bool) -> bool:
    """Whether nothing may send: the database was restored, and no person has confirmed it. Finds
    that out, too.
    """
    installation = _installation(now)
    if not installation.safe_since and _was_restored(installation, now):
        if under_way:
            Installation.objects.filter(pk=1, safe_since=None).update(safe_since=now)
            audit.record(None, installation, "restored")
            logger.warning(
                "The database is older than this machine remembers: nothing is sent until a person"
                " confirms"
            )
            return True
        _remember(installation)
    return installation.safe_since is not None


def in_safe_mode() -> bool:
    """Whether nothing may send, for pages: what was true within the last seconds."""
    if time.monotonic() > _known.until:
        note(Installation.objects.filter(safe_since__isnull=False).exists())
    return _known.safe


def note(safe: bool) -> None:
    """Keep for a while, in this process, whether nothing may send."""
    _known.safe, _known.until = safe, time.monotonic() + KNOWN_FOR


def confirm(actor: User | None) -> bool:
    """A person has looked: campaigns go on. Whether nothing could send until now."""
    confirmed = Installation.objects.filter(pk=1, safe_since__isnull=False).update(safe_since=None)
    if confirmed:
        installation = _installation(timezone.now())
        number = max(installation.number, _seen().get(str(installation.uuid), 0)) + 1
        Installation.objects.filter(pk=1).update(number=number, at=timezone.now())
        audit.record(actor, installation, "confirmed")
        _remember(_installation(timezone.now()))
    note(False)
    return bool(confirmed)


def _installation(now: datetime) -> Installation:
    return Installation.objects.get_or_create(pk=1, defaults={"at": now})[0]


def _was_restored(installation: Installation, now: datetime) -> bool:
    seen = _seen().get(str(installation.uuid))
    if seen is None:
        return installation.number > 0 and installation.at < now - FORSAKEN
    return installation.number < seen


def _seen() -> dict[str, int]:
    """The highest number of each database that this machine has seen."""
    try:
        found: dict[str, int] = json.loads(settings.STATE_FILE.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _remember(installation: Installation) -> None:
    seen: dict[str, Any] = _seen()
    key = str(installation.uuid)
    seen[key] = max(installation.number, seen.get(key, 0))
    beside = settings.STATE_FILE.with_name(f"{settings.STATE_FILE.name}.{os.getpid()}")
    try:
        settings.STATE_FILE.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(seen))
        beside.replace(settings.STATE_FILE)
    except OSError as error:
        logger.warning(
            "STATE_FILE cannot be written, so a restored database would not be noticed: %s", error
        )
