"""Imports of one list take turns, and every error ends in a state that the page shows."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import DataError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.contacts import tasks
from campaigns.contacts.importing import claims, contact_store, dry_run, lifecycle, runner, uploads
from campaigns.contacts.importing import rows as rows_module
from campaigns.contacts.models import Contact, ContactList, Import, ImportState
from tests.contacts.conftest import PEOPLE

pytestmark = pytest.mark.django_db
Write = Callable[..., Path]
FILE_GONE = "The file is no longer on the server. Upload it again."
OLDER = [["phone", "name"], ["0972920283", "old"], ["0501234567", "old"], ["0671112233", "old"]]
NEWER = [["phone", "name"], ["0972920283", "new"], ["0501234567", "new"], ["0671112233", "new"]]


@pytest.fixture
def two(write: Write) -> tuple[Import, Import]:
    """Two queued imports into one list, the older file first."""
    older = lifecycle.create_queued_import(write(OLDER, "older.csv"), "Clients", "", "UA")
    newer = lifecycle.create_queued_import(write(NEWER, "newer.csv"), "Clients", "", "UA")
    return older, newer


def parts() -> Callable[[], bool]:
    """For `keep_going`: work for one slice."""
    left: Iterator[bool] = iter([False])
    return lambda: next(left)


def waiting() -> list[tuple[str, tuple[int, ...]]]:
    """The tasks in the queue: function and arguments."""
    tasks_in_queue: list[Any] = list(OrmQ.objects.all())
    return [(task.func(), task.args()) for task in tasks_in_queue]


def state_of(contact_import: Import) -> tuple[str, str]:
    contact_import.refresh_from_db()
    return contact_import.state, contact_import.failure


def test_task_of_a_waiting_import_does_not_enqueue_itself(two: tuple[Import, Import]) -> None:
    older, newer = two
    assert claims.claim_list(older.pk)
    tasks.run_import(newer.pk)
    tasks.resume_stalled()
    assert not OrmQ.objects.exists()
    assert state_of(newer)[0] == ImportState.QUEUED


def test_end_of_an_import_wakes_the_next_one_by_age(
    two: tuple[Import, Import], write: Write
) -> None:
    older, newer = two
    other = lifecycle.create_queued_import(write(OLDER), "Others", "", "UA")
    for end in (lambda: runner.run(older.pk), lambda: lifecycle.cancel(newer.pk)):
        third = lifecycle.create_queued_import(write(OLDER), "Clients", "", "UA")
        end()
        assert waiting() == [(claims.RUN, (claims.next_in_line(third.list_id or 0),))]
        OrmQ.objects.all().delete()
    tasks.resume_stalled()
    oldest = Import.objects.filter(list_name="Clients", state=ImportState.QUEUED).last()
    assert oldest
    woken = sorted(args for func, args in waiting() if func == claims.RUN)
    assert woken == sorted([(oldest.pk,), (other.pk,)])


def test_later_upload_does_not_run_between_two_parts(
    two: tuple[Import, Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = two
    monkeypatch.setattr(rows_module.RowParser.slices, "__defaults__", (0, 2))
    assert runner.run(newer.pk) is claims.Outcome.NOT_MINE  # not its turn yet
    assert runner.run(older.pk, parts()) is claims.Outcome.MORE
    assert runner.run(newer.pk) is claims.Outcome.NOT_MINE
    assert runner.run(older.pk) is claims.Outcome.DONE
    assert runner.run(newer.pk) is claims.Outcome.DONE
    assert [contact.fields["name"] for contact in Contact.objects.all()] == ["new"] * 3


def test_import_that_has_begun_keeps_its_turn(two: tuple[Import, Import]) -> None:
    older, newer = two
    Import.objects.filter(pk=newer.pk).update(state=ImportState.RUNNING)  # its worker has died
    assert runner.run(older.pk) is claims.Outcome.NOT_MINE
    assert runner.run(newer.pk) is claims.Outcome.DONE
    assert runner.run(older.pk) is claims.Outcome.DONE


def test_page_says_what_an_import_waits_for(two: tuple[Import, Import], signed_in: Client) -> None:
    older, newer = two
    page = signed_in.get(newer.get_absolute_url()).content.decode()
    link = f'<a href="{older.get_absolute_url()}">older.csv</a>'
    assert f"Waiting for another import into this list: {link}" in " ".join(page.split())
    assert "Waiting for another" not in signed_in.get(older.get_absolute_url()).content.decode()


@pytest.mark.parametrize("state", ["reading", "checking", "queued", "running"])
def test_import_whose_file_is_gone_fails(write: Write, state: str) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    Import.objects.filter(pk=made.pk).update(state=state)
    uploads.locate(made.path).unlink()
    work = {"reading": tasks.open_file, "checking": tasks.check}
    work.get(state, tasks.run_import)(made.pk)
    assert state_of(made) == (ImportState.FAILED, FILE_GONE)
    OrmQ.objects.all().delete()
    tasks.resume_stalled()
    assert not OrmQ.objects.exists()


def test_pages_of_an_import_whose_file_is_gone(write: Write, signed_in: Client) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    uploads.locate(made.path).unlink()
    Import.objects.update(state=ImportState.UPLOADED)
    layout = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "header": "on"}
    for name, data in (("import-layout", layout), ("import-columns", {"role_0": "phone"})):
        answer = signed_in.post(reverse(name, args=[made.pk]), data, follow=True)
        assert FILE_GONE in answer.content.decode()


def test_upload_to_a_full_disk_is_refused_at_the_field(
    write: Write, signed_in: Client, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings.UPLOAD_ROOT = tmp_path / "file"  # no folder can be made there, as on a full disk
    with write(PEOPLE).open("rb") as file:
        data = {"file": file, "name": "Clients", "country": "UA"}
        answer = signed_in.post(reverse("import-new"), data)
    assert answer.context["form"].errors["file"] == [
        "The server cannot read or write the file (File exists). Upload it again later."
    ]


@pytest.mark.parametrize("step", ["checking", "queued"])
def test_database_that_does_not_answer_is_asked_again_and_then_given_up(
    write: Write, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    Import.objects.update(state=step)
    work = tasks.check if step == "checking" else tasks.run_import

    def refuse(_msisdns: list[str]) -> set[str]:
        raise OperationalError("disk is full")

    monkeypatch.setattr(contact_store, "find_stop_listed", refuse)
    work(made.pk)
    state, failure = state_of(made)
    assert state in ("checking", "running")
    assert failure == "The database did not answer. The import continues in a minute."
    assert (made.lease_until, made.failures) == (None, 1)
    assert not OrmQ.objects.exists()  # the next sweep wakes it, no sooner
    for _again in range(claims.MAX_FAILURES - 1):
        work(made.pk)
    assert state_of(made) == (
        ImportState.FAILED,
        "The database did not answer. Start the import again later.",
    )
    monkeypatch.undo()
    assert not Contact.objects.exists()


def test_row_that_the_database_refuses_ends_the_import(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")

    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise DataError("value too long")

    monkeypatch.setattr(contact_store, "write", refuse)
    runner.run(made.pk)
    assert state_of(made) == (
        ImportState.FAILED,
        "The database refused a row. The error was logged.",
    )


def test_file_is_opened_and_checked_by_one_worker(write: Write) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    for state, work in (
        (ImportState.READING, lifecycle.open_file),
        (ImportState.CHECKING, dry_run.run),
    ):
        later = timezone.now() + timedelta(seconds=30)
        Import.objects.update(state=state, lease_token="theirs", lease_until=later)
        assert work(made.pk) is claims.Outcome.NOT_MINE
        Import.objects.update(lease_token="")  # the lease of a task that was just enqueued
        assert work(made.pk) is claims.Outcome.DONE


def test_list_deleted_meanwhile_frees_nobody_elses_turn(two: tuple[Import, Import]) -> None:
    ContactList.objects.all().delete()
    tasks.resume_stalled()
    assert waiting() == [(claims.RUN, (made.pk,)) for made in reversed(two)]
    for made in two:
        tasks.run_import(made.pk)
        assert state_of(made)[0] == ImportState.FAILED
