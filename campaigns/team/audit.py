"""The trail of who did what."""

from django.db import transaction
from django.db.models import Model, QuerySet

from campaigns.team.models import AuditEntry, User


def subject(thing: Model) -> str:
    """How the trail names an object, also after it is gone: "campaign:12".

    By its table, whose name stays when a model gets another one.
    """
    return f"{thing._meta.db_table.removeprefix('campaigns_')}:{thing.pk}"


def record(actor: User | None, thing: Model, action: str, detail: str = "") -> None:
    """Write down that `actor` (None: the system itself) did `action` to `thing`."""
    AuditEntry.objects.create(
        actor=actor, subject=subject(thing), action=action, detail=detail[:500]
    )


@transaction.atomic
def delete(actor: User | None, thing: Model, action: str, detail: str = "") -> None:
    """Delete `thing`, and write it down as `record` does; raises ProtectedError where something
    needs it.
    """
    record(actor, thing, action, detail)
    thing.delete()


def activity(thing: Model) -> QuerySet[AuditEntry]:
    """What was done to `thing`, newest first."""
    return AuditEntry.objects.filter(subject=subject(thing)).select_related("actor")
