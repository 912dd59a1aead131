"""A worker whose import was cancelled, or taken over by another one, writes nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from campaigns.contacts.importing import claims, lifecycle, runner, uploads
from campaigns.contacts.importing.rows import ParsedSlice
from campaigns.contacts.models import IMPORTING, Contact, ContactList, Import, ImportState
from tests.contacts.conftest import PEOPLE
from tests.stored import changes, everything

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LEASED = {"state": "running", "lease_until": NOW + claims.LEASE}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def queued(write: Callable[..., Path]) -> Import:
    return lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")


def slice_of(contact_import: Import) -> ParsedSlice:
    path = uploads.locate(contact_import.path)
    return next(iter(runner.parser_for(contact_import).slices(path, 0)))


def assert_unchanged(act: Callable[[], Any]) -> Any:
    before = everything()
    answer = act()
    assert everything() == before
    return answer


def lose(how: str) -> None:
    if how == "taken over":
        Import.objects.update(lease_token="theirs")
    else:
        Import.objects.update(state=how)


LOST = pytest.mark.parametrize(
    "how", ["taken over", *sorted(set(ImportState) - {ImportState.RUNNING})]
)


@LOST
def test_slice_of_a_lost_import_is_not_written(queued: Import, how: str) -> None:
    token = claims.claim_list(queued.pk)
    queued.refresh_from_db()
    parsed = slice_of(queued)
    lose(how)
    before = everything()
    with pytest.raises(claims.LeaseLost):
        runner._commit_slice(queued, parsed, token)
    assert everything() == before


@LOST
def test_end_of_a_lost_import_changes_nothing(queued: Import, how: str) -> None:
    token = claims.claim_list(queued.pk)
    queued.refresh_from_db()
    path = uploads.locate(queued.path)
    lose(how)
    assert_unchanged(lambda: claims.end_as_finished(runner._held(queued, token), 7))
    assert path.exists()


def test_lease_of_another_worker_is_not_given_back(queued: Import) -> None:
    claims.claim_list(queued.pk)
    Import.objects.update(lease_token="theirs")
    assert_unchanged(lambda: claims.release(queued.pk, "ours"))
    before = everything()
    claims.release(queued.pk, "theirs")
    freed = {"lease_token": "", "lease_until": None}
    assert changes(Import, before) == {queued.pk: freed}


@pytest.mark.parametrize("state", sorted(set(ImportState) - set(IMPORTING)))
def test_import_that_does_not_run_is_not_claimed(queued: Import, state: str) -> None:
    Import.objects.update(state=state)
    assert assert_unchanged(lambda: claims.claim_list(queued.pk)) == ""


def test_lease_ends_at_its_moment_and_not_before(queued: Import) -> None:
    token = claims.claim_list(queued.pk)
    before = everything()
    assert before["Import"][queued.pk] | LEASED == before["Import"][queued.pk]
    assert before["Import"][queued.pk]["started_at"] == NOW
    with time_machine.travel(NOW + claims.LEASE - TICK, tick=False):
        assert assert_unchanged(lambda: claims.claim_list(queued.pk)) == ""
    with time_machine.travel(NOW + claims.LEASE, tick=False):
        second = claims.claim_list(queued.pk)
    assert second not in ("", token)
    assert changes(Import, before) == {
        queued.pk: {"lease_token": second, "lease_until": NOW + 2 * claims.LEASE}
    }


def test_import_into_a_deleted_list_fails(queued: Import) -> None:
    ContactList.objects.all().delete()
    assert claims.claim_list(queued.pk) == ""
    queued.refresh_from_db()
    assert (queued.state, queued.failure, queued.path) == (
        ImportState.FAILED,
        "The list was deleted. Upload the file again and choose another list.",
        "",
    )
    assert assert_unchanged(lambda: claims.claim_list(queued.pk + 1)) == ""


def test_slice_renews_the_lease_and_counts_once(queued: Import) -> None:
    token = claims.claim_list(queued.pk)
    queued.refresh_from_db()
    before = everything()
    with time_machine.travel(NOW + claims.LEASE, tick=False):
        runner._commit_slice(queued, slice_of(queued), token)
    changed = changes(Import, before)[queued.pk]
    newest = Contact.objects.latest("pk").pk
    assert changed == {
        "lease_until": NOW + 2 * claims.LEASE, "next_row": 8, "rows": 7, "new": 3, "duplicates": 1,
        "last_contact": newest, "rejected": 3, "countries": {"UA": 3},
        "rejected_by_reason": {"not_a_mobile": 1, "empty": 1, "spreadsheet_number": 1},
    }  # fmt: skip
    contacts = ContactList.objects.get()
    assert (contacts.contact_count, contacts.countries) == (3, {"UA": 3})
