"""Whoever is signed in carries a cookie that says how much they may send; nobody else does."""

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from campaigns.team.models import Role
from campaigns.team.pages import body_limits
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


def limit_of(client: Client, path: str = "/contacts/import") -> int:
    cookie = client.cookies.get(settings.BODY_LIMIT_COOKIE_NAME)
    return body_limits.limit(
        path, f"{settings.BODY_LIMIT_COOKIE_NAME}={cookie.value}" if cookie else ""
    )


@pytest.mark.parametrize(
    ("role", "limit"),
    [
        (Role.VIEWER, body_limits.FORM),
        (Role.MARKETER, body_limits.FILE),
        (Role.ADMINISTRATOR, body_limits.FILE),
    ],
)
def test_limit_follows_the_role(client: Client, role: Role, limit: int) -> None:
    user = make_user("olena", role)
    client.get("/sign-in/")
    assert limit_of(client) == body_limits.ANONYMOUS
    client.force_login(user)
    client.get("/contacts/")
    assert limit_of(client) == limit
    user.role = Role.VIEWER
    user.save()
    client.get("/contacts/")
    assert limit_of(client) == body_limits.FORM
    client.post("/sign-out/")
    assert limit_of(client) == body_limits.ANONYMOUS


def test_cookie_is_kept_from_scripts_and_renewed_only_when_needed(client: Client) -> None:
    client.force_login(make_user("olena", Role.MARKETER))
    assert client.get("/contacts/").cookies[settings.BODY_LIMIT_COOKIE_NAME]["httponly"]
    assert settings.BODY_LIMIT_COOKIE_NAME not in client.get("/contacts/").cookies


def test_cookie_ends_with_the_longest_session() -> None:
    with time_machine.travel("2026-11-01", tick=False) as clock:
        cookies = f"{settings.BODY_LIMIT_COOKIE_NAME}={body_limits.cookie_of(is_editor=True)}"
        clock.shift(settings.SESSION_COOKIE_AGE)
        assert body_limits.limit("/contacts/import", cookies) == body_limits.FILE
        clock.shift(1)
        assert body_limits.limit("/contacts/import", cookies) == body_limits.ANONYMOUS
