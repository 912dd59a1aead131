"""The oldest entries go as a sealed segment, and the database lets nothing else go."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import AuditEntry, AuditLink, AuditProgress, AuditSeal
from campaigns.team.audit import chain, segments
from campaigns.team.audit.append_only import ensure_append_only
from tests.team.audit.trail import as_owner, enter, link_all

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OLD = NOW - timedelta(days=100)


@pytest.fixture(autouse=True)
def ninety_days(settings: Settings) -> None:
    settings.AUDIT_KEEP_DAYS = 90
    settings.AUDIT_SYSLOG = ""
    ensure_append_only()


def test_oldest_entries_are_sealed_and_removed() -> None:
    first, last = enter(5, OLD)[0], enter(2, NOW - timedelta(days=89))[-1]
    link_all()
    before = AuditLink.objects.get(pk=5).hash
    head = chain.head()
    assert segments.remove_oldest(NOW) == 5
    seal = AuditSeal.objects.get()
    assert (seal.last_position, seal.hash, seal.entries) == (5, before, 5)
    assert (seal.first_at, seal.last_at) == (first.at, first.at + timedelta(seconds=4))
    assert list(AuditLink.objects.values_list("pk", flat=True).order_by("pk")) == [6, 7]
    assert AuditEntry.objects.order_by("-pk")[0].pk == last.pk
    assert AuditEntry.objects.count() == 2
    result = chain.verify()
    assert (result.findings, result.linked, (result.position, result.head)) == ([], 2, head)
    assert (chain.has_hash(5, before), chain.has_hash(5, "x"), chain.has_hash(3, "x")) == (
        True, False, None,
    )  # fmt: skip


def test_chain_goes_on_after_everything_was_removed() -> None:
    enter(3, OLD)
    link_all()
    head = chain.head()
    assert segments.remove_oldest(NOW) == 3
    assert (chain.head(), AuditEntry.objects.count()) == (head, 0)
    enter(1)
    link_all()
    assert (AuditLink.objects.get().position, chain.verify().findings) == (4, [])


def test_small_segments_are_sealed_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT", 2)
    enter(5, OLD)
    link_all()
    removed = [segments.remove_oldest(NOW) for _run in range(3)]
    assert removed == [2, 2, 0]  # two full ones; the rest waits
    assert segments.remove_oldest(NOW + timedelta(days=1, seconds=1)) == 1


def test_nothing_goes_before_syslog_has_it_or_if_all_is_kept(settings: Settings) -> None:
    enter(3, OLD)
    link_all()
    settings.AUDIT_SYSLOG = "udp://127.0.0.1:9"
    AuditProgress.objects.update(streamed=2)
    assert segments.remove_oldest(NOW) == 2
    settings.AUDIT_SYSLOG, settings.AUDIT_KEEP_DAYS = "", 0
    assert segments.remove_oldest(NOW + timedelta(days=2)) == 0


def test_damaged_segment_stays(caplog: pytest.LogCaptureFixture) -> None:
    entries = enter(3, OLD)
    link_all()
    with as_owner():
        AuditEntry.objects.filter(pk=entries[1].pk).update(detail="another")
    assert segments.remove_oldest(NOW) == 0
    assert f"entry {entries[1].pk}" in caplog.text
    assert AuditEntry.objects.count() == 3


def test_only_what_a_seal_covers_can_be_deleted() -> None:
    enter(3, OLD)
    enter(3)
    link_all()
    hashes = dict(AuditLink.objects.values_list("position", "hash"))

    def seal(position: int, stored: str) -> AuditSeal:
        return AuditSeal(
            last_position=position, hash=stored, entries=1, first_at=OLD, last_at=OLD,
            sealed_at=NOW,
        )  # fmt: skip

    refused: list[Callable[[], object]] = [
        lambda: seal(2, hashes[1]).save(force_insert=True),  # not its hash
        lambda: seal(9, hashes[1]).save(force_insert=True),  # no such link
        lambda: seal(5, hashes[5]).save(force_insert=True),  # covers entries of today
    ]
    for change in refused:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    seal(2, hashes[2]).save(force_insert=True)
    refused = [
        lambda: AuditLink.objects.filter(position=3).delete(),
        lambda: AuditEntry.objects.filter(link__position=3).delete(),
        lambda: AuditLink.objects.update(hash="x"),
        lambda: AuditSeal.objects.all().delete(),
        lambda: AuditSeal.objects.update(hash="x"),
    ]
    for change in refused:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert AuditEntry.objects.filter(link__position__lte=2).delete()[0] == 2
