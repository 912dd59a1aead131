import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.dispatch.models import Heartbeat
from campaigns.reports.installation import readiness

TOKEN = "a-token-of-twenty-four-characters"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
STRANGER = "192.0.2.7"


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def beat(seconds_ago: float = 3) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Heartbeat.objects.update_or_create(name="queue@worker-1", defaults={"at": at})


# /readyz


@pytest.mark.django_db(transaction=True)
def test_ready_tells_a_stranger_no_more_than_that(client: Client) -> None:
    beat()
    response = client.get("/readyz", REMOTE_ADDR=STRANGER)
    assert (response.status_code, response.content) == (200, b'{"ready": true}')
    assert "no-store" in response.headers["Cache-Control"]
    Heartbeat.objects.all().delete()
    response = client.get("/readyz", REMOTE_ADDR=STRANGER)
    assert (response.status_code, response.content) == (503, b'{"ready": false}')


@pytest.mark.django_db(transaction=True)
def test_ready_tells_the_administrator_what_is_wrong(client: Client) -> None:
    response = client.get("/readyz", REMOTE_ADDR=STRANGER, headers=AUTHORIZED)
    checks = response.json()["checks"]
    assert {name for name, check in checks.items() if not check["works"]} == {"queue"}
    assert checks["queue"]["text"] == "no worker has started: run manage.py worker"
    assert checks["gateway"] == {
        "works": True, "needed": False, "text": "no answer recorded yet",
    }  # fmt: skip
    beat(seconds_ago=400)
    response = client.get("/readyz", REMOTE_ADDR=STRANGER, headers=AUTHORIZED)
    assert response.status_code == 503
    assert "ago: see the log of manage.py worker" in response.json()["checks"]["queue"]["text"]


@pytest.mark.django_db(transaction=True)
def test_details_are_shown_on_this_machine_but_not_through_its_proxy(client: Client) -> None:
    assert "checks" in client.get("/readyz", REMOTE_ADDR="127.0.0.1").json()
    assert "checks" in client.get("/readyz", REMOTE_ADDR="::1").json()
    for headers in ({"X-Forwarded-For": STRANGER}, {"Forwarded": "for=x"}, {"Via": "1.1 x"}):
        response = client.get("/readyz", REMOTE_ADDR="127.0.0.1", headers=headers)
        assert "checks" not in response.json()
    wrong = {"Authorization": "Bearer wrong"}
    assert "checks" not in client.get("/readyz", REMOTE_ADDR=STRANGER, headers=wrong).json()


@pytest.mark.django_db(transaction=True)
def test_missing_migration_is_named(client: Client) -> None:
    beat()
    known = readiness._known_migrations() | {("campaigns", "9999_newer")}
    with patch.object(readiness, "_known_migrations", return_value=known):
        response = client.get("/readyz", headers=AUTHORIZED)
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"]["text"] == (
        "1 not applied (campaigns.9999_newer): run manage.py prepare"
    )


@pytest.mark.django_db(transaction=True)
def test_error_of_the_database_is_told_without_its_text(client: Client) -> None:
    error = DatabaseError("password authentication failed for user secret")
    with patch("django.db.backends.utils.CursorWrapper.execute", side_effect=error):
        response = client.get("/readyz", headers=AUTHORIZED)
    assert response.status_code == 503
    assert response.json()["checks"]["database"]["text"] == "failed: DatabaseError"
    assert "secret" not in response.content.decode()


@pytest.fixture
def waiting_threads() -> Iterator[ThreadPoolExecutor]:
    """Threads all of which wait for a server that does not answer."""
    answer = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(answer.wait)
        yield pool
        answer.set()


def test_nobody_waits_for_a_server_that_does_not_answer(
    client: Client, waiting_threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_threads", waiting_threads)
    monkeypatch.setattr(readiness, "LIMIT", 0.05)
    response = client.get("/readyz", headers=AUTHORIZED)
    assert response.status_code == 503
    assert response.json()["checks"]["database"]["text"] == "no answer within 0.05 seconds"
