"""A database that was restored from a backup is noticed, and nothing sends until a person
confirms.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.team import safe_mode
from campaigns.team.models import AuditEntry, Installation, Role, User

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
