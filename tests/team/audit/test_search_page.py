"""Settings -> Audit trail: filters, pages, the file, and that reading leaves an entry."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from campaigns.models import AuditEntry, Role, User
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def boss(client: Client) -> User:
    boss = make_user("boss", Role.ADMINISTRATOR, is_staff=True)
    client.force_login(boss)
    return boss


def enter(number: int = 0, **columns: Any) -> AuditEntry:
    values = {"subject": "campaign:1", "action": "launched", "at": DAY + timedelta(hours=number)}
    return AuditEntry.objects.create(**{**values, **columns})


def shown(client: Client, query: str) -> list[int]:
    """The ids on the page, without what reading it added."""
    page = client.get(f"/settings/audit/{query}")
    assert page.status_code == 200
    return [entry.pk for entry, _url in page.context["rows"] if entry.action != "read"]


def test_filters(boss: User, client: Client) -> None:
    old = enter(kind="", detail="<b>230</b>")
    mine = enter(24, actor=boss, actor_name="boss", kind="user", address="10.0.0.7")
    command = enter(48, kind="command", actor_name="root, manage.py campaign", action="paused")
    refused = enter(72, subject="page:labels", action="refused", result="refused", reason="why")
    for query, expected in (
        ("", [refused, command, mine, old]),
        (f"?who={boss.pk}", [mine]),
        ("?who=command", [command]),
        ("?who=system", [refused, old]),
        ("?action=paused", [command]),
        ("?object=page:labels", [refused]),
        ("?address=10.0.0.7", [mine]),
        ("?result=refused", [refused]),
        ("?since=2026-03-02&until=2026-03-03", [command, mine]),
        ("?action=launched&since=2026-03-02", [mine]),
        ("?who=999", []), ("?address=x", []), ("?since=0001-01-01", []), ("?action=%00", []),
    ):  # fmt: skip
        assert shown(client, query) == [entry.pk for entry in expected], query
    page = client.get("/settings/audit/?object=campaign:1").content.decode()
    assert "&lt;b&gt;230" in page
    assert 'href="/campaigns/1/"' in page
    assert "root, manage.py campaign" in page


def test_pages_by_cursor(boss: User, client: Client) -> None:
    entries = [enter(number) for number in range(120)]
    seen, at = [], ""
    while True:
        page = client.get("/settings/audit/", {"at": at, "action": "launched"})
        seen += [entry.pk for entry, _url in page.context["rows"]]
        at = page.context["slice"].after
        if not at:
            break
    assert seen == [entry.pk for entry in reversed(entries)]


def test_reading_is_recorded_once_and_each_export(boss: User, client: Client) -> None:
    enter(action="launched", detail="=1+1", address="10.0.0.7")
    for _time in range(3):
        client.get("/settings/audit/?action=launched")
    file = client.get("/settings/audit/export.csv?action=launched&address=10.0.0.7")
    lines = b"".join(file).decode().splitlines()
    assert lines[0].lstrip("\ufeff") == (
        "id,time,who,kind,role,brand,address,session,object,action,detail,result,reason"
    )
    assert lines[1].split(",", 1)[1] == (
        "2026-03-01T12:00:00+00:00,ViberDash,,,,10.0.0.7,,campaign:1,launched,'=1+1,Done,"
    )
    assert len(lines) == 2
    assert list(
        AuditEntry.objects.filter(subject="audit").order_by("pk").values_list("action", "detail")
    ) == [("read", "action"), ("exported", "audit-trail.csv, by action, address")]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER, Role.APPROVER])
def test_only_administrators_read_it(role: Role, client: Client) -> None:
    client.force_login(make_user("olena", role))
    assert client.get("/settings/audit/").status_code == 403
    assert client.get("/settings/audit/export.csv").status_code == 403
    assert b"Audit trail" not in client.get("/settings/").content
