"""Writing entries, each in the transaction of what it records, and finding those of an object."""

import re
from datetime import timedelta

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from campaigns.shared.brands import scope
from campaigns.team.audit import context
from campaigns.team.models import ActorKind, AuditEntry, AuditResult, User
from campaigns.team.roles import role_of

PHONE = re.compile(r"(?<!\w)(\+?\d{3})\d{4,10}(\d{2})(?!\w)")
RARELY = timedelta(minutes=10)


def subject(target: Model | str) -> str:
    """How the trail names an object, also after it is deleted: "campaign:12".

    By its table, whose name stays when its model is renamed. A text is a name already.
    """
    if isinstance(target, str):
        return target
    return f"{target._meta.db_table.removeprefix('campaigns_')}:{target.pk}"


def record(
    actor: User | None,
    target: Model | str,
    action: str,
    detail: str = "",
    *,
    result: AuditResult = AuditResult.DONE,
    reason: str = "",
) -> None:
    """Record that `actor` (None: a command or the system) did `action` to `target`, or was refused.

    `detail`: ids, counts and names of what changed. Numbers as long as phones are cut, in case a
    name has one.
    """
    origin = context.current()
    origin.entries += 1
    AuditEntry.objects.create(
        actor=actor,
        kind=ActorKind.USER if actor and origin.kind != ActorKind.TOKEN else origin.kind,
        actor_name=(actor.get_username() if actor else origin.name)[:150],
        role=(role_of(actor) or "") if actor else "",
        brand=scope.limit(),
        address=origin.address,
        session=origin.session,
        subject=subject(target)[:40],
        action=action,
        detail=_without_phones(detail)[:500],
        result=result,
        reason=_without_phones(reason)[:300],
    )


def record_rarely(
    actor: User | None,
    target: Model | str,
    action: str,
    detail: str = "",
    *,
    result: AuditResult = AuditResult.DONE,
    reason: str = "",
) -> None:
    """`record`, unless the same is recorded of the same actor and address in the last RARELY: what
    can be repeated at will must not fill the trail.
    """
    origin = context.current()
    same = AuditEntry.objects.filter(
        subject=subject(target)[:40],
        action=action,
        actor=actor,
        actor_name=actor.get_username() if actor else origin.name,
        address=origin.address,
        result=result,
        at__gt=timezone.now() - RARELY,
    )
    if not same.exists():
        record(actor, target, action, detail, result=result, reason=reason)


@transaction.atomic
def delete(actor: User | None, target: Model, action: str, detail: str = "") -> None:
    """Delete `target` and record it. Raises ProtectedError where something depends on it."""
    record(actor, target, action, detail)
    target.delete()


def activity(target: Model) -> QuerySet[AuditEntry]:
    """What was done to `target`, newest first."""
    return AuditEntry.objects.filter(subject=subject(target)).select_related("actor")


def _without_phones(text: str) -> str:
    return PHONE.sub(r"\1…\2", text)
