"""Who has which role, and sees what."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from campaigns.team.models import Role, User

M = TypeVar("M", bound=Model)
ROLE_ORDER = [Role.VIEWER, Role.MARKETER, Role.APPROVER, Role.ADMINISTRATOR]


def has_role(user: User, role: Role) -> bool:
    """Whether `user` has `role` or a higher one."""
    return user.is_active and (
        user.is_superuser or ROLE_ORDER.index(Role(user.role)) >= ROLE_ORDER.index(role)
    )


def sees_phones(user: User) -> bool:
    """Whether `user` sees phones. Those who don't see them masked, and find nobody by a part."""
    return has_role(user, Role.MARKETER)


def users_with_role(role: Role) -> QuerySet[User]:
    """The active users who have `role` or a higher one."""
    with_role = Q(role__in=ROLE_ORDER[ROLE_ORDER.index(role) :]) | Q(is_superuser=True)
    return User.objects.filter(with_role, is_active=True)


def visible_to(user: User, objects: QuerySet[M]) -> QuerySet[M]:
    """Those of `objects` that `user` may see. All active users see everything; this decides it."""
    return objects if user.is_active else objects.none()
