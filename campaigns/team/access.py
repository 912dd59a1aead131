"""The one way to an object from a page: who asks is part of the question."""

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
    """The signed-in person. The login middleware lets nobody else reach a view."""
    return cast(User, request.user)


def has_role(user: User, role: Role) -> bool:
    """Whether `user` may do what `role` may."""
    return user.is_active and (
        user.is_superuser or ROLE_ORDER.index(Role(user.role)) >= ROLE_ORDER.index(role)
    )


def users_with_role(role: Role) -> QuerySet[User]:
    """Everybody who may do what `role` may."""
    able = Q(role__in=ROLE_ORDER[ROLE_ORDER.index(role) :]) | Q(is_superuser=True)
    return User.objects.filter(able, is_active=True)


def require_role(user: User, role: Role) -> None:
    """Raises PermissionDenied unless `user` may do what `role` may."""
    if not has_role(user, role):
        raise PermissionDenied


def visible_to(user: User, objects: QuerySet[M]) -> QuerySet[M]:
    """Those of `objects` that `user` may see: in one company everybody sees everything, which is
    decided here alone.
    """
    return objects if user.is_active else objects.none()


def get_object_for(user: User, objects: QuerySet[M], role: Role = Role.VIEWER, **lookup: Any) -> M:
    """The one object that `lookup` names, for somebody who may do at least what `role` may; 404 or
    403 otherwise.
    """
    found = get_object_or_404(visible_to(user, objects), **lookup)
    require_role(user, role)
    return found


def role_required(role: Role) -> Callable[[View], View]:
    """A view for those who may do what `role` may; 403 for others."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require_role(current_user(request), role)
            return view(request, *args, **kwargs)

        return guarded

    return wrap
