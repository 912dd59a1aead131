"""Test groups: phones of the team for test sends."""

from django.db import transaction

from campaigns.compose.models import TestGroup
from campaigns.team import audit
from campaigns.team.models import User


@transaction.atomic
def add(group: TestGroup, actor: User) -> None:
    """Save a new group."""
    group.created_by = actor
    group.save()
    audit.record(actor, group, "added", group.name)


def delete(group: TestGroup, actor: User) -> None:
    """Delete `group`; tests already sent to it stay."""
    audit.delete(actor, group, "removed", group.name)
