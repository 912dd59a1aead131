"""Closing an account hands on what runs in the user's name, or pauses it."""

import re
from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns.contacts.fetching.models import ImportSchedule
from campaigns.models import AuditEntry, Role, User
from campaigns.reports.models import SavedReport
from campaigns.shared.brands.scope import MAIN, all_brands
from campaigns.team import brands
from campaigns.team.models import Membership
from campaigns.team.sign_in import members

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)


def make(name: str, role: str, zone: str = "") -> User:
    user: User = User.objects.create_user(name, role=role, time_zone=zone)
    user.is_staff = user.is_superuser = role == Role.ADMINISTRATOR
    user.save()
    return user


@pytest.fixture
def boss(client: Client) -> User:
    boss = make("boss", Role.ADMINISTRATOR)
    client.force_login(boss)
    return boss


@pytest.fixture
def olena(boss: User) -> User:
    """Has a daily import at 10:00 UTC, an hourly one that is due, and two reports, of which one is
    never mailed.
    """
    olena = make("olena", Role.MARKETER, "Europe/Kyiv")
    for name, rhythm, due in (("Daily", "daily", 26), ("Hourly", "hourly", 25)):
        ImportSchedule.objects.create(
            address="https://example.com/a.csv",
            list_name=name,
            rhythm=rhythm,
            at=time(12),
            owner=olena,
            next_run_at=datetime(2026, 3, due, 10, tzinfo=UTC),
        )
    SavedReport.objects.create(owner=olena, name="Spend", rhythm="daily")
    SavedReport.objects.create(owner=olena, name="View")
    return olena


def what_runs() -> list[tuple[str, str, bool]]:
    with all_brands():
        rows: list[Any] = [
            *ImportSchedule.objects.order_by("pk"),
            *SavedReport.objects.order_by("pk"),
        ]
    return [(str(row), str(row.owner), row.paused) for row in rows]


def trail() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "detail"))


@time_machine.travel(NOON, tick=False)
def test_page_names_what_runs_and_the_chosen_user_gets_it(client: Client, olena: User) -> None:
    make("viewer", Role.VIEWER)
    make("gone", Role.APPROVER)
    User.objects.filter(username="gone").update(is_active=False)
    ivan = make("ivan", Role.MARKETER, "America/New_York")
    page = client.get(f"/settings/team/{olena.pk}/").content.decode()
    for name in ("Daily", "Hourly", "Spend", "View"):
        assert f"“{name}”" in page
    choices = re.search(r'name="taker_1".*?</select>', page, re.S)
    assert choices is not None
    offered = re.findall(r'<option value="([^"]*)"', choices[0])
    boss = User.objects.get(username="boss")
    assert offered == ["", "pause", str(boss.pk), str(ivan.pk)]  # nobody who may not import
    client.post(f"/settings/team/{olena.pk}/close", {"taker_1": ivan.pk})
    olena.refresh_from_db()
    assert not olena.is_active
    assert what_runs() == [
        (name, "ivan", False) for name in ("Daily", "Hourly", "Spend", "View")
    ]  # fmt: skip
    assert list(ImportSchedule.objects.order_by("pk").values_list("next_run_at", flat=True)) == [
        datetime(2026, 3, 25, 16, tzinfo=UTC),  # noon in New York
        datetime(2026, 3, 25, 10, tzinfo=UTC),  # still due
    ]
    assert trail() == [("handed over", "from olena to ivan")] * 4 + [("closed", "")]


def test_what_is_paused_stays_with_the_user(client: Client, olena: User) -> None:
    client.post(f"/settings/team/{olena.pk}/close", {"taker_1": "pause"})
    assert what_runs() == [
        ("Daily", "olena", True), ("Hourly", "olena", True), ("Spend", "olena", True),
        ("View", "olena", False),
    ]  # fmt: skip
    assert [action for action, _detail in trail()] == ["paused"] * 3 + ["closed"]
    client.post(f"/settings/team/{olena.pk}/reopen")
    assert SavedReport.objects.filter(owner__is_active=True).count() == 2


@pytest.mark.parametrize("taker", ["", "0", "nobody", "viewer", "olena"])
def test_nothing_is_closed_before_it_is_decided(client: Client, olena: User, taker: str) -> None:
    make("viewer", Role.VIEWER)
    user = User.objects.filter(username=taker).first()
    before = what_runs()
    page = client.post(f"/settings/team/{olena.pk}/close", {"taker_1": user.pk if user else taker})
    assert "invalid-feedback" in page.content.decode()
    olena.refresh_from_db()
    assert (olena.is_active, what_runs(), trail()) == (True, before, [])


def test_role_is_checked_again_when_the_account_is_closed(boss: User, olena: User) -> None:
    """Of an open page whose user lost the role meanwhile, and of objects made since."""
    viewer, before = make("viewer", Role.VIEWER), what_runs()
    for takers in ({}, {MAIN: viewer.pk}, {MAIN + 1: boss.pk}):
        with pytest.raises(members.Refused, match="Choose who takes over"):
            members.close(boss, olena.pk, takers)
    assert (what_runs(), trail()) == (before, [])


def test_each_brand_has_users_of_its_own(client: Client, boss: User, olena: User) -> None:
    second = brands.make(boss, "Second")
    SavedReport.objects.create(owner=olena, name="Other", rhythm="daily", brand=second)
    ivan, vira = make("ivan", Role.MARKETER), make("vira", "")
    Membership.objects.create(user=vira, brand=second, role=Role.VIEWER)
    address = f"/settings/team/{olena.pk}/close"
    client.post(address, {"taker_1": ivan.pk, f"taker_{second.pk}": ivan.pk})
    assert User.objects.get(pk=olena.pk).is_active  # Ivan has no role in the second brand
    client.post(address, {"taker_1": ivan.pk, f"taker_{second.pk}": vira.pk})
    assert [owner for _name, owner, _paused in what_runs()] == ["ivan"] * 4 + ["vira"]
    entry = AuditEntry.objects.filter(action="handed over").latest("pk")
    assert entry.brand == second.pk
