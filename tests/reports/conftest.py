"""Who looks at the pages, and a gateway that nobody answers at unless a test has one."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from campaigns.team.models import Role, User
from tests.reports.factories import make_user


@pytest.fixture(autouse=True)
def nowhere(settings: Settings) -> Iterator[None]:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def olena(db: None) -> User:
    return make_user("olena", first_name="Olena", last_name="Koval")


@pytest.fixture
def marketer(client: Client, olena: User) -> Client:
    client.force_login(olena)
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(make_user("victor", Role.VIEWER))
    return client
