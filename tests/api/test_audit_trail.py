"""The audit trail by the API: the entries, filters and file of the page; reading it is recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from campaigns.models import AuditEntry, Role
from campaigns.team.permissions import Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def boss(api_of: MakeClient) -> ApiClient:
    return api_of(Role.ADMINISTRATOR)


def enter(hours: int = 0, **columns: Any) -> AuditEntry:
    values = {"subject": "campaign:1", "action": "launched", "at": DAY + timedelta(hours=hours)}
    return AuditEntry.objects.create(**{**values, **columns})


def ids(answer: Any) -> list[int]:
    return [row["id"] for row in answer.json()["items"]]


def test_filters(boss: ApiClient) -> None:
    user = boss.token.owner
    old = enter(kind="")
    mine = enter(24, actor=user, actor_name="boss", kind="user", address="10.0.0.7", brand=1)
    command = enter(48, kind="command", actor_name="root, manage.py campaign", action="paused")
    refused = enter(72, subject="page:labels", action="refused", result="refused", reason="why")
    for query, expected in (
        (f"who={user.pk}&until=2026-03-31", [mine]),
        ("who=command", [command]),
        ("who=system&until=2026-03-31", [refused, old]),
        ("action=paused", [command]),
        ("object=page:labels", [refused]),
        ("address=10.0.0.7", [mine]),
        ("result=refused", [refused]),
        ("since=2026-03-02&until=2026-03-03", [command, mine]),
    ):
        assert ids(boss.get(f"audit-trail?{query}")) == [entry.pk for entry in expected], query
    assert boss.get("audit-trail?object=campaign:1&address=10.0.0.7").json()["items"] == [
        {
            "id": mine.pk, "at": "2026-03-02T12:00:00Z", "user_id": user.pk, "who": "boss",
            "kind": "user", "role": "", "brand_id": 1, "address": "10.0.0.7", "session": "",
            "object": "campaign:1", "action": "launched", "detail": "", "result": "done",
            "reason": "",
        }
    ]  # fmt: skip
    for query, field in (
        ("address=x", "address"),
        ("who=999", "who"),
        ("since=2026-02-30", "since"),
    ):
        answer = boss.get(f"audit-trail?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_pages_follow_each_other(boss: ApiClient) -> None:
    made = [enter(hours // 2, action="paused").pk for hours in range(5)]  # two at the same time
    found, path = [], "audit-trail?action=paused&limit=2"
    while path:
        answer = boss.get(path)
        found += ids(answer)
        path = (answer.json()["next"] or "").removeprefix("/api/v1/")
    assert found == made[::-1]
    assert boss.get("audit-trail?cursor=2026-99-99 10:00:00.0%2B00:00.1").status_code == 200
    assert boss.get("audit-trail?cursor=0001-01-01 00:00:00%2B23:59.1").status_code == 422


def test_the_file_is_that_of_the_page(boss: ApiClient) -> None:
    enter(detail="=1+1")
    enter(24, action="paused")
    page = Client()
    page.force_login(boss.token.owner)
    query = "until=2026-03-31"
    by_page = b"".join(page.get(f"/settings/audit/export.csv?{query}"))
    assert b"".join(boss.get(f"audit-trail.csv?{query}")) == by_page
    assert by_page.count(b"\r\n") == 3
    assert b",'=1+1," in by_page
    taken = AuditEntry.objects.filter(action="exported").order_by("id")
    assert [(row.kind, row.subject, row.detail) for row in taken] == [
        ("user", "audit", "audit-trail.csv, by until"),
        ("token", "audit", "audit-trail.csv, by until"),
    ]


def test_reading_is_recorded_and_takes_the_permission(
    boss: ApiClient, api: ApiClient, api_of: MakeClient
) -> None:
    for _ in range(2):
        assert boss.get("audit-trail?action=paused").status_code == 200
    entry = AuditEntry.objects.get(subject="audit", action="read")
    assert (entry.detail, entry.session) == ("action", boss.token.prefix)
    blind = api_of(Role.ADMINISTRATOR, scopes=set(Permission) - {Permission.READ_AUDIT_TRAIL})
    for client in (api, blind):
        for path in ("audit-trail", "audit-trail.csv"):
            assert client.get(path).status_code == 403
