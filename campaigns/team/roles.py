"""Who has which role in which brand, and sees what."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from campaigns.shared.brands.scope import MAIN, brand_of_new
from campaigns.team.models import Brand, Membership, Role, User
from campaigns.team.permissions import PERMISSIONS, Permission, roles_with

M = TypeVar("M", bound=Model)
# the id of the user whose token a request has, and what the token allows
_token_scopes: ContextVar[tuple[int, Collection[Permission]] | None] = ContextVar(
    "scopes of the token", default=None
)


@contextmanager
def limited_to(user: User, scopes: Collection[Permission]) -> Iterator[None]:
    """Within it, `user` has no other permissions than `scopes`; those of other users stay."""
    token = _token_scopes.set((user.pk, scopes))
    try:
        yield
    finally:
        _token_scopes.reset(token)


def role_of(user: User) -> Role | None:
    """The role of `user` in the brand that is acted for; None: none. Administrators are in all."""
    if user.is_superuser or user.role == Role.ADMINISTRATOR:
        return Role.ADMINISTRATOR
    brand = brand_of_new()
    role = user.role if brand == MAIN else user.other_roles.get(brand, "")
    return Role(role) if role else None


def role_name(user: User) -> str:
    """What pages call the role of `user` in the brand that is acted for; "–" if there is none."""
    role = role_of(user)
    return str(role.label) if role else "–"


def has_permission(user: User, permission: Permission) -> bool:
    """Whether `user` has `permission` in the brand that is acted for."""
    role = role_of(user) if user.is_active else None
    limits = _token_scopes.get()
    if limits and limits[0] == user.pk and permission not in limits[1]:
        return False
    return role is not None and permission in PERMISSIONS[role]


def brands_of(user: User, brands: Sequence[Brand]) -> list[Brand]:
    """Those of all `brands` in which `user` has a role."""
    if user.is_superuser or user.role == Role.ADMINISTRATOR:
        return list(brands)
    return [
        brand
        for brand in brands
        if (user.role if brand.pk == MAIN else user.other_roles.get(brand.pk))
    ]


def sees_phones(user: User) -> bool:
    """Whether `user` sees phones. Those who don't see them masked, and find nobody by a part."""
    return has_permission(user, Permission.SEE_PHONES)


def users_with_permission(*permissions: Permission) -> QuerySet[User]:
    """The active users who have all `permissions` in the brand that is acted for."""
    sufficient = roles_with(*permissions)
    with_role = Q(role=Role.ADMINISTRATOR) | Q(is_superuser=True)
    if brand_of_new() == MAIN:
        with_role |= Q(role__in=sufficient)
    else:
        members = Membership.objects.filter(brand=brand_of_new(), role__in=sufficient)
        with_role |= Q(pk__in=members.values("user"))
    return User.objects.filter(with_role, is_active=True)


def visible_to(user: User, objects: QuerySet[M]) -> QuerySet[M]:
    """Those of `objects` that `user` may see. All active users see everything; this decides it."""
    return objects if user.is_active else objects.none()
