"""The chain finds each entry that is missing, changed or extra."""

import hashlib
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import AuditEntry, AuditLink, AuditProgress
from campaigns.team import audit
from campaigns.team.audit import chain, job
from campaigns.team.models import AuditResult
from tests.reports.factories import make_user
from tests.team.audit.trail import as_owner, enter, link_all

pytestmark = pytest.mark.django_db


def verify(*options: str) -> list[str]:
    """The lines of `manage.py verify_audit`, those of errors first."""
    out, errors = StringIO(), StringIO()
    try:
        call_command("verify_audit", *options, stdout=out, stderr=errors)
    except CommandError as error:
        return [*errors.getvalue().splitlines(), str(error)]
    return out.getvalue().splitlines()


def test_hash_covers_the_hash_before_and_all_of_the_entry() -> None:
    olena = make_user("olena")
    AuditEntry.objects.create(
        id=7, at=datetime(2026, 3, 1, 12, tzinfo=UTC), subject="campaign:1", action="finished"
    )
    AuditEntry.objects.create(
        id=8, at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC), actor=olena, kind="user",
        actor_name="olena", role="marketer", address="10.0.0.1", session="ab", subject="campaign:1",
        action="launched", detail="“Київ”", result=AuditResult.REFUSED, reason="late",
    )  # fmt: skip
    link_all()
    texts = (
        '{"action":"finished","at":"2026-03-01T12:00:00.000000+00:00","id":7,'
        '"subject":"campaign:1"}',
        f'{{"action":"launched","actor_id":{olena.pk},"actor_name":"olena","address":"10.0.0.1",'
        '"at":"2026-03-01T12:00:00.000005+00:00","detail":"“Київ”","id":8,"kind":"user",'
        '"reason":"late","result":"refused","role":"marketer","session":"ab",'
        '"subject":"campaign:1"}',
    )
    expected, previous = [], "0" * 64
    for text in texts:
        previous = hashlib.sha256(f"{previous}{text}".encode()).hexdigest()
        expected.append(previous)
    assert list(AuditLink.objects.order_by("pk").values_list("position", "entry_id", "hash")) == [
        (1, 7, expected[0]), (2, 8, expected[1]),
    ]  # fmt: skip


def test_whole_trail_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 3)
    monkeypatch.setattr(chain, "CHUNK", 2)
    enter(7)
    link_all()
    position, head = chain.head()
    enter(2)
    assert verify() == ["7 entries in the chain, 2 waiting for it", f"head 7:{head}"]
    assert verify(f"--head=3:{AuditLink.objects.get(pk=3).hash}")[1] == f"head {position}:{head}"


def test_entries_committed_in_another_order_than_their_ids() -> None:
    entries = enter(3)
    early = entries[1]
    with as_owner():
        AuditEntry.objects.filter(pk=early.pk).delete()  # not committed yet
    link_all()
    early.save(force_insert=True)
    link_all()
    assert list(AuditLink.objects.order_by("pk").values_list("entry_id", flat=True)) == [
        entries[0].pk, entries[2].pk, early.pk,
    ]  # fmt: skip
    assert chain.verify().findings == []


@pytest.mark.parametrize("column", ["detail", "actor_name", "at", "result", "address", "actor_id"])
def test_changed_entry_is_named(column: str) -> None:
    values: dict[str, Any] = {"at": timezone.now(), "result": "refused", "actor_id": 12}
    changed = enter(5)[2]
    link_all()
    with as_owner():
        AuditEntry.objects.filter(pk=changed.pk).update(**{column: values.get(column, "x")})
    assert verify() == [
        f"entry {changed.pk}, or the link before it, was changed (position 3)",
        "The audit trail is damaged: 1 findings.",
    ]


def test_missing_entries_and_links_are_named() -> None:
    entries = enter(6)
    link_all()
    with as_owner():
        AuditEntry.objects.filter(pk=entries[1].pk).delete()
        AuditLink.objects.filter(position__in=(4, 5)).delete()
    assert verify() == [
        f"entry {entries[1].pk} is missing (position 2)",
        "links 4 to 5 are missing",
        "The audit trail is damaged: 2 findings.",
    ]


def test_entry_that_is_added_later_is_named() -> None:
    enter(3)
    link_all()
    late = enter(1, timezone.now() - chain.LATE - timedelta(hours=1))[0]
    link_all()
    assert AuditLink.objects.count() == 3
    [finding, _total] = verify()
    assert finding.startswith(f"entry {late.pk} was added later than its time says")


def test_end_that_was_cut_off_shows_against_a_head_kept_elsewhere() -> None:
    entries = enter(4)
    link_all()
    position, head = chain.head()
    with as_owner():
        AuditLink.objects.filter(position=4).delete()
        AuditEntry.objects.filter(pk=entries[3].pk).delete()
    assert len(verify()) == 2
    assert verify(f"--head={position}:{head}") == [
        f"the chain does not contain the head 4:{head}", "The audit trail is damaged: 1 findings.",
    ]  # fmt: skip
    assert verify("--head=x") == ["Write --head as POSITION:HASH."]


def test_one_process_does_the_background_work(settings: Settings) -> None:
    audit.record(None, "campaign:1", "finished")
    AuditProgress.objects.create(pk=1, lease_until=timezone.now() + timedelta(minutes=1))
    job.follow()
    assert not AuditLink.objects.exists()
    AuditProgress.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    job.follow()
    assert AuditLink.objects.count() == 1
    assert AuditProgress.objects.get().lease_until is None
