"""What an operation asks of the token, and the token and user of a request."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from campaigns.team.models import User
from campaigns.team.pages.body_limits import API_FILES
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.tokens.models import ApiToken

NAMESPACE = "api-v1"  # of the operations
F = TypeVar("F", bound=Callable[..., Any])


class Needs:
    """The `auth` of an operation: the permission without which it answers 403."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, request: HttpRequest) -> ApiToken:
        token = token_of(request)
        if not has_permission(token.owner, self.permission):
            raise PermissionDenied(self.permission.value)
        return token


def token_of(request: HttpRequest) -> ApiToken:
    """The token of a request; the middleware lets none without one reach an operation."""
    return cast(ApiToken, request.api_token)  # type: ignore[attr-defined]


def actor(request: HttpRequest) -> User:
    """The user in whose name the request is done."""
    return token_of(request).owner


def has_file(request: HttpRequest) -> bool:
    """Whether the body is a form around a file, which is never held in memory as a whole."""
    is_form = request.content_type == "multipart/form-data"
    return is_form and request.method == "POST" and request.path_info in API_FILES


def own_transactions(operation: F) -> F:
    """Decorator for an operation whose work can't be done within one transaction.

    If a process dies in the midst of it, nobody knows what was done, and a repeated request is told
    so (answers.py).
    """
    operation.own_transactions = True  # type: ignore[attr-defined]
    return operation


def has_secret(operation: F) -> F:
    """Decorator for an operation whose answer has a secret, for which KEY_ENCRYPTION_KEYS must be
    set: the answer is stored encrypted (answers.py).
    """
    operation.has_secret = True  # type: ignore[attr-defined]
    return operation
