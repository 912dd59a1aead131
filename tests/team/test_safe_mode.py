"""A database that was restored from a backup is noticed, and nothing sends until a person
confirms.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.dispatch import sweep
from campaigns.results.gateway_check import checks
from campaigns.team import safe_mode
from campaigns.team.models import AuditEntry, Installation, Role, User
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def state_file(settings: Any, tmp_path: Path) -> Path:
    settings.STATE_FILE = tmp_path / "var" / "state.json"
    return tmp_path / "var" / "state.json"


def count_up(times: int = 1, under_way: bool = True) -> bool:
    return [safe_mode.count_up(timezone.now(), under_way) for _time in range(times)][-1]


def restore(number: int, hours: float = 0) -> None:
    """The database as it was when it had come to `number`, some hours ago."""
    Installation.objects.update(number=number, at=timezone.now() - timedelta(hours=hours))


def test_new_database_sends(state_file: Path) -> None:
    assert not count_up(3)
    assert Installation.objects.get().number == 3
    assert state_file.read_text() == f'{{"{Installation.objects.get().uuid}": 3}}'


def test_database_that_stood_still_sends() -> None:
    count_up(3)
    restore(3, hours=50)
    assert not count_up()


def test_database_that_is_behind_is_held_back_until_it_is_confirmed() -> None:
    count_up(9)
    restore(5)
    assert count_up()
    assert count_up()
    assert safe_mode.confirm(None)
    assert not safe_mode.confirm(None)
    assert not count_up()
    assert Installation.objects.get().number == 11
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "restored",
        "confirmed",
    ]


def test_database_that_is_behind_and_has_nothing_under_way_is_not_held_back() -> None:
    count_up(9)
    restore(5)
    assert not count_up(under_way=False)
    restore(5)
    assert count_up(under_way=True)


@pytest.mark.parametrize("read_by", ["_installation", "_seen"])
def test_sweep_of_another_process_in_between_is_not_taken_for_a_restore(
    monkeypatch: pytest.MonkeyPatch, read_by: str
) -> None:
    """Its number is committed and written to the file right after this process has read one."""
    count_up(3)
    read = getattr(safe_mode, read_by)

    def read_before_another_sweep(*arguments: Any) -> Any:
        result = read(*arguments)
        monkeypatch.undo()
        Installation.objects.update(number=F("number") + 1)
        safe_mode._remember(Installation.objects.get())
        return result

    monkeypatch.setattr(safe_mode, read_by, read_before_another_sweep)
    assert not safe_mode.detect_restore(timezone.now(), under_way=True)
    assert Installation.objects.get().safe_since is None


def test_machine_that_joins_is_not_taken_for_a_restore(state_file: Path) -> None:
    count_up(9)
    state_file.unlink()
    assert not count_up()


def test_database_restored_on_another_machine_is_held_back(state_file: Path) -> None:
    count_up(9)
    state_file.unlink()
    restore(9, hours=1)
    assert count_up()


def test_file_that_cannot_be_written_holds_nobody_back(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.STATE_FILE = tmp_path / "file" / "state.json"
    assert not count_up(3)


@pytest.mark.parametrize(("role", "status"), [(Role.MARKETER, 403), (Role.ADMINISTRATOR, 302)])
def test_page_says_so_and_administrators_confirm(client: Client, role: Role, status: int) -> None:
    count_up(9)
    restore(5)
    count_up()
    safe_mode.cache_state(safe=True)
    client.force_login(User.objects.create_user("ann", role=role))
    page = client.get(reverse("settings")).content.decode()
    assert "restored from a backup" in page
    assert ("Resume sending" in page) == (role == Role.ADMINISTRATOR)
    assert client.post(reverse("confirm-restore")).status_code == status
    assert Installation.objects.filter(safe_since=None).exists() == (status == 302)
    assert client.get(reverse("confirm-restore")).status_code == 405


def test_command_confirms(capsys: pytest.CaptureFixture[str]) -> None:
    count_up(9)
    restore(5)
    count_up()
    call_command("confirm_restore")
    call_command("confirm_restore")
    assert capsys.readouterr().out == (
        "Safe mode is off. Campaigns send again.\nSafe mode was off already.\n"
    )
    assert not count_up()


def test_restored_database_is_in_safe_mode_whatever_this_machine_knows() -> None:
    safe_mode.enter(timezone.now())
    assert safe_mode.in_safe_mode()
    assert count_up(under_way=False)
    assert [entry.action for entry in AuditEntry.objects.all()] == ["restored"]
    assert safe_mode.confirm(None)
    assert not count_up()


@pytest.mark.parametrize("command", [("sweep",), ("campaign", "status", "ID"), ("check_gateway",)])
def test_commands_say_why_nothing_is_sent(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = str(make_campaign("Spring", CampaignState.SENDING).pk)
    monkeypatch.setattr(checks, "run", lambda check, request: checks.Findings())
    count_up()
    Installation.objects.update(safe_since=datetime(2026, 11, 1, 9, 30, tzinfo=UTC))
    call_command(*(pk if word == "ID" else word for word in command))
    notice = (
        "Safe mode is on since 2026-11-01 09:30 UTC: nothing is sent, as this database was restored"
        " or copied, and does not know what was sent since. Look at the campaigns under way, then"
        " end it on any page or with manage.py confirm_restore.\n"
    )
    assert capsys.readouterr().err == notice
    Installation.objects.update(safe_since=None)
    call_command(*(pk if word == "ID" else word for word in command))
    assert capsys.readouterr().err == ""


def test_log_says_now_and_then_why_nothing_is_sent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_told_at", -sweep.TELL_EVERY)
    count_up()
    Installation.objects.update(safe_since=timezone.now())
    for _time in range(3):
        sweep.sweep()
    assert [line[:20] for line in caplog.messages if "afe mode" in line] == ["Safe mode is on sinc"]
