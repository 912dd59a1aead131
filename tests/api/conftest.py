"""Users of each role with a token, and a client of the API."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.team.models import Role, User
from campaigns.team.permissions import PERMISSIONS, Permission
from campaigns.team.tokens import tokens
from campaigns.team.tokens.models import ApiToken
from tests.api.client import ApiClient
from tests.brand_keys import ENCRYPTION_KEY
from tests.reports.factories import make_user

MakeClient = Callable[..., ApiClient]


@pytest.fixture(autouse=True)
def installation(settings: Settings, tmp_path: Path) -> None:
    """No gateway answers, unless a test has one; files go into a folder of the test."""
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.KEY_ENCRYPTION_KEYS = [ENCRYPTION_KEY]
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")


@pytest.fixture
def api_of(db: None) -> MakeClient:
    """Make a client with a token of a user with `role`; all that the role may do, or `scopes`."""

    def make(
        role: Role = Role.MARKETER, scopes: Collection[Permission] | None = None, **options: Any
    ) -> ApiClient:
        user = User.objects.filter(username=f"api-{role}").first() or make_user(f"api-{role}", role)
        return client_of(user, PERMISSIONS[role] if scopes is None else scopes, **options)

    return make


def client_of(user: User, scopes: Collection[Permission], **options: Any) -> ApiClient:
    name = f"token {ApiToken.objects.count()}"
    options = {"expires_at": None} | options
    token, text = tokens.issue(user, name, scopes, **options)
    return ApiClient(Client(), token, text)


@pytest.fixture
def api(api_of: MakeClient) -> ApiClient:
    """The client of a marketer."""
    return api_of()
