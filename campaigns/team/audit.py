"""The trail of who did what."""

from django.db import transaction
from django.db.models import Model, QuerySet

from campaigns.team.models import AuditEntry, User


def subject(target: Model | str) -> str:
    """How the trail names an object, also after it is deleted: "campaign:12".

    By its table, whose name stays when its model is renamed. A text is a name already.
    """
    if isinstance(target, str):
        return target
    return f"{target._meta.db_table.removeprefix('campaigns_')}:{target.pk}"


def record(actor: User | None, target: Model | str, action: str, detail: str = "") -> None:
    """Record that `actor` (None: a command or the system) did `action` to `target`."""
    AuditEntry.objects.create(
        actor=actor, subject=subject(target), action=action, detail=detail[:500]
    )


@transaction.atomic
def delete(actor: User | None, target: Model, action: str, detail: str = "") -> None:
    """Delete `target` and record it. Raises ProtectedError where something depends on it."""
    record(actor, target, action, detail)
    target.delete()


def activity(target: Model) -> QuerySet[AuditEntry]:
    """What was done to `target`, newest first."""
    return AuditEntry.objects.filter(subject=subject(target)).select_related("actor")
