"""Who may see and do what. Pages get their objects here and nowhere else."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from campaigns.team.models import Role, User

M = TypeVar("M", bound=Model)
View = Callable[..., HttpResponse]
ROLE_ORDER = [Role.VIEWER, Role.MARKETER, Role.APPROVER, Role.ADMINISTRATOR]


def current_user(request: HttpRequest) -> User:
    """The signed-in user. The sign-in middleware lets nobody else reach a view."""
    return cast(User, request.user)


def has_role(user: User, role: Role) -> bool:
    """Whether `user` has `role` or a higher one."""
    return user.is_active and (
        user.is_superuser or ROLE_ORDER.index(Role(user.role)) >= ROLE_ORDER.index(role)
    )


def users_with_role(role: Role) -> QuerySet[User]:
    """The active users who have `role` or a higher one."""
    with_role = Q(role__in=ROLE_ORDER[ROLE_ORDER.index(role) :]) | Q(is_superuser=True)
    return User.objects.filter(with_role, is_active=True)


def require_role(user: User, role: Role) -> None:
    """Raise PermissionDenied unless `user` has `role`."""
    if not has_role(user, role):
        raise PermissionDenied


def visible_to(user: User, objects: QuerySet[M]) -> QuerySet[M]:
    """Those of `objects` that `user` may see. All active users see everything; this decides it."""
    return objects if user.is_active else objects.none()


def get_object_for(user: User, objects: QuerySet[M], role: Role = Role.VIEWER, **lookup: Any) -> M:
    """The object that `lookup` names: 404 where `user` sees none, 403 where they lack `role`."""
    target = get_object_or_404(visible_to(user, objects), **lookup)
    require_role(user, role)
    return target


def role_required(role: Role) -> Callable[[View], View]:
    """Decorator for a view: 403 for users without `role`."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require_role(current_user(request), role)
            return view(request, *args, **kwargs)

        return guarded

    return wrap
