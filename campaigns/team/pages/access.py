"""How a view learns who asks, and gets the objects that this user may see."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to

M = TypeVar("M", bound=Model)
V = TypeVar("V", bound=Callable[..., HttpResponseBase])
View = Callable[..., HttpResponse]


def current_user(request: HttpRequest) -> User:
    """The signed-in user. The sign-in middleware lets nobody else reach a view."""
    return cast(User, request.user)


def require_permission(user: User, permission: Permission) -> None:
    """Raise PermissionDenied unless `user` has `permission`."""
    if not has_permission(user, permission):
        raise PermissionDenied


def get_object_for(
    user: User, objects: QuerySet[M], permission: Permission = Permission.VIEW, **lookup: Any
) -> M:
    """The object that `lookup` names: 404 where `user` sees none, 403 without `permission`."""
    target = get_object_or_404(visible_to(user, objects), **lookup)
    require_permission(user, permission)
    return target


def permission_required(permission: Permission) -> Callable[[V], V]:
    """Decorator for a view: 403 for users without `permission`."""

    def wrap(view: V) -> V:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require_permission(current_user(request), permission)
            return view(request, *args, **kwargs)

        return cast(V, guarded)

    return wrap
