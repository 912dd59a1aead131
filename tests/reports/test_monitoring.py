import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import Batch, BatchState, Heartbeat, Tally
from campaigns.ledger.models import BalanceReading
from campaigns.reports.installation import readiness
from campaigns.reports.installation.figures import load_figures
from campaigns.team.models import MailState, OutgoingMail
from tests.reports.factories import make_campaign
from viberdash.observation import missing_migrations

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
    known = missing_migrations.known_migrations() | {("campaigns", "9999_newer")}
    with patch.object(missing_migrations, "known_migrations", return_value=known):
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


# /metrics


def test_metrics_are_for_the_token_alone(client: Client, settings: Settings) -> None:
    response = client.get("/metrics", REMOTE_ADDR="127.0.0.1")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"Authorization": TOKEN}).status_code == 401
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def samples(client: Client) -> dict[str, float]:
    """The samples of /metrics by name and labels."""
    response = client.get("/metrics", headers=AUTHORIZED)
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(response.content.decode())
    return {
        " ".join(
            [sample.name, *(value for _name, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.django_db
def test_metrics_have_the_figures_of_the_installation(client: Client) -> None:
    now = timezone.now()
    beat(seconds_ago=40)
    campaign = make_campaign("Now", CampaignState.SENDING, frozen_at=now - timedelta(minutes=9))
    batch = {"campaign": campaign, "size": 50}
    Batch.objects.create(number=1, **batch)
    Batch.objects.create(number=2, **batch)
    Batch.objects.create(
        number=3, state=BatchState.AMBIGUOUS, intended_at=now - timedelta(minutes=5), **batch
    )
    Batch.objects.create(
        number=4, state=BatchState.DONE, done_at=now - timedelta(minutes=2),
        held=Decimal("1.25"), held_currency="EUR", **batch,
    )  # fmt: skip
    Batch.objects.create(number=5, state=BatchState.DONE, checks=1, check_at=now, **batch)
    for shard, state, code, recipients in (
        (0, "accepted", 0, 40), (1, "accepted", 0, 9), (0, "refused", 13, 1),
    ):  # fmt: skip
        Tally.objects.create(
            campaign=campaign, send_state=state, error_code=code, shard=shard, recipients=recipients
        )
    OutgoingMail.objects.create(state=MailState.FAILED, next_try_at=now)
    BalanceReading.objects.create(
        hour=now, at=now, amount=Decimal("12.5"), currency="EUR", entered=0
    )
    measured = samples(client)
    assert 540 <= measured.pop("viberdash_oldest_ready_age_seconds") < 600
    assert 300 <= measured.pop("viberdash_oldest_request_age_seconds") < 360
    assert 40 <= measured.pop("viberdash_heartbeat_age_seconds queue@worker-1") < 100
    expected = {
        "viberdash_database_up": 1,
        "viberdash_queue_tasks": 0,
        "viberdash_campaigns sending": 1,
        "viberdash_batches ready": 2,
        "viberdash_batches leased": 0,
        "viberdash_batches sending": 0,
        "viberdash_batches ambiguous": 1,
        "viberdash_status_checks_due first": 1,
        "viberdash_status_checks_due again": 1,
        "viberdash_status_checks_due reported": 0,
        "viberdash_mails waiting": 0,
        "viberdash_mails failed": 1,
        f"viberdash_campaign_recipients {campaign.pk}  accepted": 49,
        f"viberdash_campaign_recipients {campaign.pk} 13 refused": 1,
        "viberdash_budget_held EUR": 1.25,
        "viberdash_balance EUR": 12.5,
    }
    assert expected.items() <= measured.items()


@pytest.mark.django_db
def test_metrics_count_requests_by_the_name_of_the_address(client: Client) -> None:
    names = ("GET 200 healthz", "other 405 healthz")
    before = [samples(client).get(f"viberdash_http_requests_total {name}", 0) for name in names]
    client.get("/healthz")
    client.get("/nothing-like-it")
    client.put("/healthz")
    after = samples(client)
    counted = [after.get(f"viberdash_http_requests_total {name}", 0) for name in names]
    assert counted == [number + 1 for number in before]
    assert not any("nothing-like-it" in name for name in after)


@pytest.mark.django_db
def test_metrics_without_a_database_say_so(client: Client) -> None:
    with patch("django.db.backends.utils.CursorWrapper.execute", side_effect=DatabaseError):
        measured = samples(client)
    assert {name for name in measured if "http" not in name} == {"viberdash_database_up"}
    assert measured["viberdash_database_up"] == 0


@pytest.mark.django_db
def test_figures_read_batches_by_their_partial_indexes() -> None:
    with CaptureQueriesContext(connection) as queries:
        load_figures(timezone.now())
    of_batches = [query["sql"] for query in queries if '"campaigns_batch"' in query["sql"]]
    assert len(of_batches) == 7
    assert not any("campaigns_recipient" in query["sql"] for query in queries)
    if connection.vendor == "sqlite":  # PostgreSQL scans tables that are small
        for statement in of_batches:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
                plan = [row[3] for row in cursor.fetchall()]
            assert any("INDEX batch_" in step for step in plan), plan
