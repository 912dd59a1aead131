"""Settings, Status: the state of the installation in words, for administrators alone."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import Batch, BatchState, Heartbeat
from campaigns.gateway.balance import CachedBalance
from campaigns.gateway.types import Balance
from campaigns.ledger.models import Channel, Kind, LedgerTotal
from campaigns.reports.installation import status
from campaigns.reports.installation.figures import load_figures
from campaigns.reports.installation.status import (
    StatusRow,
    money_rows,
    process_rows,
    storage_rows,
    work_rows,
)
from campaigns.shared.days import site_today
from campaigns.team.alerts import records
from campaigns.team.models import MailState, OutgoingMail, Role
from tests.reports.factories import make_campaign, make_user
from viberdash import __version__
from viberdash.installed import RUNNING

pytestmark = pytest.mark.django_db


def by_label(rows: list[StatusRow]) -> dict[str, tuple[str, str]]:
    return {row.label: (row.word, row.text) for row in rows}


def test_nothing_runs_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    rows = by_label([*process_rows([], now)])
    assert rows["Queue"] == (
        "Failed",
        "No worker has done anything for a day. Check that manage.py worker runs, and its log.",
    )
    assert rows["Sweep"][0] == "Failed"
    assert rows["Sweep"][1].startswith("It has never run.")
    monkeypatch.setattr(status, "load_balance", lambda: CachedBalance(None, 0.0, "timeout"))
    rows = by_label([*money_rows(load_figures(now), now)])
    assert rows["Gateway"][0] == "Failed"
    assert rows["Balance"] == ("Not known", "Only the gateway knows it.")


def test_each_queue_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "commit", lambda: RUNNING)  # whoever commits meanwhile
    now = timezone.now()
    for name, seconds in (("queue@a", 5), ("queue@b", 300), ("queue@gone", 90_000), ("sweep", 20)):
        Heartbeat.objects.create(name=name, at=now - timedelta(seconds=seconds))
    rows = by_label([*process_rows([], now)])
    states = {label: word for label, (word, _text) in rows.items()}
    assert states == {
        "Web server": "OK", "Installed": "OK",
        "Queue of a": "OK", "Queue of b": "Failed", "Sweep": "OK",
    }  # fmt: skip


def test_work_has_the_figures_in_words() -> None:
    now = timezone.now()
    campaign = make_campaign(state=CampaignState.SENDING)
    for number, (state, age) in enumerate(
        [(BatchState.READY, 0), (BatchState.READY, 0), (BatchState.AMBIGUOUS, 3600)], 1
    ):
        Batch.objects.create(
            campaign=campaign, number=number, size=50, state=state,
            intended_at=now - timedelta(seconds=age) if age else None,
        )  # fmt: skip
    OutgoingMail.objects.create(state=MailState.FAILED, next_try_at=now)
    rows = by_label([*work_rows(load_figures(now))])
    assert rows["Batches"] == (
        "Warning",
        "2 ready to send, 1 with a request whose outcome is open. The oldest request left 1 hour"
        " ago.",
    )
    assert rows["E-mails"] == ("Warning", "0 to be delivered, 1 failed.")


@pytest.mark.parametrize(
    ("amount", "word", "text"), [("100", "OK", "lasts 12 days"), ("7", "Warning", "lasts 0 days")]
)
def test_balance_says_how_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch, amount: str, word: str, text: str
) -> None:
    LedgerTotal.objects.create(
        day=site_today(), channel=Channel.VIBER, kind=Kind.CHARGE, currency="EUR",
        amount=Decimal(8), entries=100,
    )  # fmt: skip
    now = timezone.now()
    reading = CachedBalance(Balance(Decimal(amount), "EUR", Decimal(0)), now.timestamp())
    monkeypatch.setattr(status, "load_balance", lambda: reading)
    rows = by_label([*money_rows(load_figures(now), now)])
    assert rows["Balance"][0] == word
    assert text in rows["Balance"][1]


def test_storage_names_free_space_and_the_last_backup(settings: Settings) -> None:
    settings.S3_BUCKET = "bucket"
    rows = by_label([*storage_rows()])
    assert "Pictures" not in rows
    assert "are free on this machine" in rows["Contact files"][1]
    assert rows["Backups"][0] == "Not known"
    records.record_backup("viberdash-20261118T020000Z")
    assert by_label([*storage_rows()])["Backups"][0] == "OK"
    records.record_failed_backup("No space left")
    word, text = by_label([*storage_rows()])["Backups"]
    assert (word, "No space left" in text) == ("Failed", True)


def test_what_is_installed_and_that_it_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "RUNNING", "e" * 40)
    monkeypatch.setattr(status, "commit", lambda: "e" * 40)
    row = status.installed_row()
    version = re.escape(f"ViberDash {__version__}")
    engine = r"(SQLite 3\.\d+\.\d+|PostgreSQL \d+\.\d+)"
    assert re.fullmatch(
        rf"{version} \(e{{10}}\), Python 3\.\d+\.\S+, Django 5\.2\.\d+, {engine}\.", row.text
    )
    assert row.word == "OK"
    monkeypatch.setattr(status, "commit", lambda: "f" * 40)
    row = status.installed_row()
    assert row.word == "Warning"
    assert row.text.endswith("installed since: restart web, worker and sweep.")


def test_page_updates_itself_and_is_for_administrators(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_user(role=Role.ADMINISTRATOR))
    page = client.get("/settings/status/").content.decode()
    assert 'hx-get="/settings/status/now"' in page
    with django_assert_max_num_queries(35):
        fragment = client.get("/settings/status/now").content.decode()
    assert "<html" not in fragment
    assert "Queue" in fragment
    client.force_login(make_user("viewer", Role.APPROVER))
    assert client.get("/settings/status/").status_code == 403
    assert client.get("/settings/status/now").status_code == 403
