"""Hold and release all sending of a brand, or of all brands.

The states of campaigns stay. Nothing is claimed, and no request gets its intent, while a row says
that sending is held: the statements of dispatch/send/leases.py ask for it themselves. A sender
takes the lock shared before its intents, whoever holds takes it alone. So when `hold` returns,
each intent is either committed, and counted as under way, or refused.

Rehearsals send nothing, and go on.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.team import audit
from campaigns.team.holds.models import NOTE_MAX, SendingHold
from campaigns.team.models import User

LOCK = 0x686F6C64  # of PostgreSQL's advisory locks


def hold(actor: User | None, brand_id: int | None, note: str = "") -> tuple[SendingHold, bool]:
    """Stop sending of a brand, of all brands for None. Returns the hold, and whether it is new: it
    may be held already, and then nothing changes.

    When the transaction is committed, only messages leave that were under way before.
    """
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        if held := _current().filter(brand=brand_id).first():
            return held, False
        now, note = timezone.now(), " ".join(note.split())[:NOTE_MAX]
        made = SendingHold(brand_id=brand_id, held_at=now, held_by=actor, note=note)
        made.save(force_insert=True)
        audit.record(actor, made, "held sending", f"{scope_name(brand_id)} {note}".strip())
    return made, True


def release(actor: User | None, brand_id: int | None) -> bool:
    """End the hold of a brand, or that of all brands for None. Returns whether there was one.

    What other holds concern stays held.
    """
    with transaction.atomic():
        held = _current().filter(brand=brand_id).first()
        if held is None:
            return False
        current, now = _current().filter(pk=held.pk), timezone.now()
        if not current.update(released_at=now, released_by=actor):
            return False
        audit.record(actor, held, "released sending", scope_name(brand_id))
    return True


def scope_name(brand_id: int | None) -> str:
    """How the audit trail names what is held."""
    return "all brands" if brand_id is None else f"brand:{brand_id}"


def wait_for_hold() -> None:
    """For a transaction that commits intents: wait for whoever is holding now, and keep others
    waiting until the transaction ends.
    """
    _lock("pg_advisory_xact_lock_shared")


def _lock(function: str) -> None:
    """Take a lock of PostgreSQL; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [LOCK])


def _current() -> QuerySet[SendingHold]:
    return SendingHold._base_manager.filter(released_at__isnull=True)


def current_holds(brand_id: int | None) -> list[SendingHold]:
    """What holds the sending of a brand now, that of all brands first; for None, the hold of all
    brands alone. One query.
    """
    concerns = Q(brand=None) | Q(brand=brand_id) if brand_id else Q(brand=None)
    rows = _current().filter(concerns).select_related("held_by")
    return list(rows.order_by(F("brand_id").asc(nulls_first=True)))


def is_held(brand: str = "brand") -> Exists:
    """The condition on rows whose brand, in the field `brand`, is held now."""
    return Exists(_current().filter(Q(brand=None) | Q(brand=OuterRef(brand))))


def was_held(brand_id: int | None, start: datetime, end: datetime) -> bool:
    """Whether sending of the brand was held at any moment from `start` to `end`."""
    concerns = Q(brand=None) | Q(brand=brand_id)
    over = Q(released_at__isnull=True) | Q(released_at__gte=start)
    return SendingHold._base_manager.filter(concerns, over, held_at__lte=end).exists()


def refusal(brand_id: int | None) -> str:
    """Why nothing of the brand can be started now; "" if it can."""
    if not current_holds(brand_id):
        return ""
    return _("Sending is held. It can be launched or resumed when sending is released.")
