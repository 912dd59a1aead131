"""Who looks at the pages, and a gateway that nobody answers at unless a test has one."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.workers.health import QUEUE
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
def works(db: None) -> None:
    """A queue that has just done something, so that pages say of campaigns that they are sent."""
    Heartbeat.objects.create(name=f"{QUEUE}one", at=timezone.now())


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(make_user("victor", Role.VIEWER))
    return client
