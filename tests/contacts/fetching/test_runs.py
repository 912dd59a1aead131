"""Runs of a schedule: imported, unchanged, refused and failed, with the e-mails about them."""

from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.contacts import tasks
from campaigns.contacts.consent.mapping import ConsentMapping
from campaigns.contacts.fetching import runs, schedules
from campaigns.contacts.fetching.models import ImportSchedule
from campaigns.contacts.importing import dry_run, lifecycle, runner
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.reading.cell_values import EVERY_RULE
from campaigns.contacts.models import Contact, Import, ImportState, Person
from campaigns.models import OutgoingMail, Role, User
from tests.contacts.fetching.conftest import PHONES, table
from tests.file_server import FileServer, reply

pytestmark = pytest.mark.django_db
Run = Callable[[], ImportSchedule]
SUBJECTS = {
    "trouble": "ViberDash: the scheduled import into “Clients” needs your attention",
    "end": "ViberDash: the scheduled import into “Clients” works again",
}


def result(schedule: ImportSchedule) -> tuple[str, str]:
    return schedule.last_result, schedule.last_text


def subjects() -> list[str]:
    return list(OutgoingMail.objects.order_by("pk").values_list("subject", flat=True))


def test_new_content_is_imported(
    run: Run, file_server: FileServer, owner: User, uploads: Path
) -> None:
    file_server.files["/clients.csv"] = table(12)
    schedule = run()
    assert (result(schedule), schedule.rows) == (("imported", ""), 12)
    latest = schedule.latest_import
    assert latest
    assert (latest.state, latest.new, latest.unchanged) == (ImportState.FINISHED, 2, 10)
    assert (latest.created_by, latest.list) == (owner, schedule.list)
    assert Contact.objects.filter(list=schedule.list).count() == 12
    assert subjects() == []
    assert not list(uploads.iterdir())


def test_same_content_is_imported_once(run: Run, file_server: FileServer, uploads: Path) -> None:
    assert result(run()) == ("imported", "")
    for _ in range(2):
        assert result(run()) == ("unchanged", "")
    assert Import.objects.count() == 2
    assert not list(uploads.iterdir())


def test_server_is_asked_for_changes_only(run: Run, file_server: FileServer) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("If-None-Match") == '"v1"':
            reply(request, 304, b"")
        else:
            date = "Wed, 25 Mar 2026 10:00:00 GMT"
            reply(request, 200, table(11), ETag='"v1"', Last_Modified=date)

    file_server.pages["/clients.csv"] = page
    assert result(run()) == ("imported", "")
    assert result(run()) == ("unchanged", "")
    assert "if-none-match" not in file_server.headers[-2]
    assert file_server.headers[-1]["if-modified-since"] == "Wed, 25 Mar 2026 10:00:00 GMT"
    assert Import.objects.count() == 2


def test_run_now_imports_unchanged_content(run: Run, file_server: FileServer, owner: User) -> None:
    run()
    schedules.run_now(run(), owner)
    assert OrmQ.objects.filter(payload__isnull=False).exists()
    assert result(run()) == ("imported", "")
    assert Import.objects.count() == 3


def test_columns_may_move_and_be_added(run: Run, file_server: FileServer) -> None:
    rows = [f"Kyiv,Ivan,{phone}" for phone in PHONES[50:60]]
    file_server.files["/clients.csv"] = "\n".join(["city,name,phone", *rows]).encode()
    assert result(run()) == ("imported", "")
    contact = Contact.objects.get(msisdn=PHONES[50])
    assert contact.fields == {"name": "Ivan"}


def test_columns_that_move_keep_their_types(
    run: Run, schedule: ImportSchedule, file_server: FileServer
) -> None:
    assert schedule.list
    formats = {str(place): "day_first" for place in schedule.mapping["fields"]}
    ImportSchedule.objects.update(mapping=schedule.mapping | {"formats": formats})
    schedule.list.field_types = {"name": "date"}
    schedule.list.save()
    rows = [f"31.12.1990,{phone}" for phone in PHONES[50:60]]
    file_server.files["/clients.csv"] = "\n".join(["name,phone", *rows]).encode()
    assert result(run()) == ("imported", "")
    assert Contact.objects.get(msisdn=PHONES[50]).fields == {"name": "1990-12-31"}


def test_import_that_was_undone_at_once_does_not_stop_the_schedule(
    run: Run, schedule: ImportSchedule, file_server: FileServer
) -> None:
    """It was imported, and the task that goes on with the schedule was lost."""
    file_server.files["/clients.csv"] = table(12)
    latest = run().latest_import
    assert latest
    for state in (ImportState.UNDOING, ImportState.UNDONE):
        Import.objects.filter(pk=latest.pk).update(state=state)
        ImportSchedule.objects.update(is_importing=True)
        tasks.resume_stalled()
        schedule.refresh_from_db()
        assert (result(schedule), schedule.is_importing) == (("imported", ""), False)


@pytest.mark.parametrize(
    ("content", "reason", "state"),
    [
        (table(10, "phone,client"), "The columns have changed: “name” is missing.", "uploaded"),
        (table(10, "tel,client"), "The columns have changed: “phone”, “name” are missing.",
         "uploaded"),
        (table(10, "phone,name,name"), "The columns have changed: “name” is missing.", "uploaded"),
        (table(10, bad=2), "2 of 10 rows would be rejected, which is more than 10%.", "checked"),
        (table(4), "The file has only 4 rows. The last one had 10.", "checked"),
        (b"phone,name\n", "The file has no contacts that can be imported.", "checked"),
    ],
)  # fmt: skip
def test_file_that_does_not_fit_is_reported_and_not_imported(
    run: Run, file_server: FileServer, content: bytes, reason: str, state: str
) -> None:
    file_server.files["/clients.csv"] = content
    schedule = run()
    assert result(schedule) == ("refused", reason)
    assert schedule.latest_import
    assert schedule.latest_import.state == state
    assert Contact.objects.count() == 10
    message = OutgoingMail.objects.get()
    assert (message.address, message.subject) == ("marta@example.com", SUBJECTS["trouble"])
    assert f"From files.test/clients.csv into “Clients”:\n{reason}\n" in message.body
    assert schedule.latest_import.get_absolute_url() in message.body
    assert result(run()) == ("refused", reason)  # the same content: neither imported nor mailed
    assert Import.objects.count() == 2
    assert subjects() == [SUBJECTS["trouble"]]


def test_limits_of_rejected_and_missing_rows_are_inclusive(
    run: Run, file_server: FileServer
) -> None:
    file_server.files["/clients.csv"] = table(10, bad=1)
    assert result(run()) == ("imported", "")
    file_server.files["/clients.csv"] = table(5)
    assert result(run()) == ("imported", "")


def test_newer_file_takes_the_place_of_a_refused_one(run: Run, file_server: FileServer) -> None:
    file_server.files["/clients.csv"] = table(2)
    refused = run().latest_import
    file_server.files["/clients.csv"] = table(11)
    assert result(run()) == ("imported", "")
    assert refused
    refused.refresh_from_db()
    assert refused.state == ImportState.CANCELLED
    assert subjects() == [SUBJECTS["trouble"], SUBJECTS["end"]]


def test_schedule_goes_on_with_the_columns_that_a_user_chose(
    run: Run, file_server: FileServer, owner: User
) -> None:
    file_server.files["/clients.csv"] = table(10, "tel,client")
    schedule = run()
    made = schedule.latest_import
    assert made
    lifecycle.choose_columns(made.pk, ColumnMapping([0], {1: "client"}), "UA", "keep", EVERY_RULE)
    lifecycle.start_check(made.pk)
    tasks.check(made.pk)
    lifecycle.start(made.pk, owner)
    tasks.run_import(made.pk)
    schedule.refresh_from_db()
    assert result(schedule) == ("imported", "")
    assert subjects() == [SUBJECTS["trouble"], SUBJECTS["end"]]
    file_server.files["/clients.csv"] = table(11, "tel,client")
    schedule = run()
    assert result(schedule) == ("imported", "")
    assert schedule.latest_import
    assert schedule.latest_import.mapping["fields"] == {"1": "client"}
    assert schedule.latest_import.mapping["existing"] == "keep"


def test_file_that_cannot_be_opened_is_refused(run: Run, file_server: FileServer) -> None:
    file_server.files["/clients.csv"] = b"%PDF-1.7 " + b"x" * 100
    schedule = run()
    assert schedule.last_result == "refused"
    assert schedule.last_text.startswith("This is a PDF file, not a table.")
    assert "It is tried again at" in OutgoingMail.objects.get().body
    run()
    assert Import.objects.count() == 2


def test_failures_wait_longer_each_time_and_are_reported_once(
    run: Run, file_server: FileServer
) -> None:
    del file_server.files["/clients.csv"]
    waits, mails = [], []
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(6):
            schedule = run()
            waits.append((schedule.next_run_at - timezone.now()) // timedelta(minutes=1))
            mails.append(len(subjects()))
    assert result(schedule) == ("failed", "There is no file at this address (404).")
    assert waits == [5, 10, 20, 40, 60, 60]  # at its own time at the latest
    assert mails == [0, 0, 1, 1, 1, 1]
    assert schedule.failures == 6
    file_server.files["/clients.csv"] = table(11)
    schedule = run()
    assert (result(schedule), schedule.failures) == (("imported", ""), 0)
    run()
    assert subjects() == [SUBJECTS["trouble"], SUBJECTS["end"]]


def test_web_page_instead_of_a_table_is_a_failure(run: Run, file_server: FileServer) -> None:
    file_server.files["/clients.csv"] = b"<html>Sign in</html>"
    assert result(run()) == (
        "failed",
        "The address answers with a web page. Publish the sheet, or share it with everybody who has"
        " the link.",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_active": False}, "marta may no longer import contacts."),
        ({"role": Role.VIEWER}, "marta may no longer import contacts."),
    ],
)
def test_schedule_stops_when_its_owner_may_not_import(
    run: Run, file_server: FileServer, owner: User, change: dict[str, object], reason: str
) -> None:
    file_server.requests.clear()
    User.objects.filter(pk=owner.pk).update(**change)
    schedule = run()
    assert (schedule.paused, schedule.pause_reason) == (True, reason)
    assert file_server.requests == []
    run()
    assert file_server.requests == []


def test_schedule_stops_when_its_list_is_deleted(run: Run, schedule: ImportSchedule) -> None:
    assert schedule.list
    schedule.list.delete()
    stopped = run()
    assert (stopped.paused, stopped.pause_reason) == (True, "The list was deleted.")


def test_only_due_schedules_are_run(
    schedule: ImportSchedule, file_server: FileServer, owner: User
) -> None:
    file_server.requests.clear()
    tasks.run_import_schedule(schedule.pk)
    OrmQ.objects.all().delete()
    runs.enqueue_due()
    assert (file_server.requests, OrmQ.objects.count()) == ([], 0)
    ImportSchedule.objects.update(next_run_at=timezone.now())
    runs.enqueue_due()
    assert OrmQ.objects.count() == 1
    schedules.pause(schedule, owner)
    tasks.run_import_schedule(schedule.pk)
    assert file_server.requests == []


def test_two_workers_fetch_once(
    schedule: ImportSchedule, file_server: FileServer, run: Run
) -> None:
    ImportSchedule.objects.update(
        next_run_at=schedule.created_at,
        lease_until=timezone.now() + timedelta(minutes=1),
        lease_token="other",
    )
    file_server.requests.clear()
    tasks.run_import_schedule(schedule.pk)
    assert file_server.requests == []
    ImportSchedule.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert result(run()) == ("imported", "")


def test_sweep_goes_on_where_a_task_was_lost(
    schedule: ImportSchedule, file_server: FileServer
) -> None:
    """Each step is done by hand, as by a worker that dies right after it."""
    file_server.files["/clients.csv"] = table(11)
    ImportSchedule.objects.update(next_run_at=schedule.created_at)
    tasks.run_import_schedule(schedule.pk)
    schedule.refresh_from_db()
    assert schedule.latest_import_id
    lifecycle.open_file(schedule.latest_import_id)
    tasks.resume_stalled()
    states = [Import.objects.get(pk=schedule.latest_import_id).state]
    dry_run.run(schedule.latest_import_id)
    tasks.resume_stalled()
    states.append(Import.objects.get(pk=schedule.latest_import_id).state)
    runner.run(schedule.latest_import_id)
    for _ in range(2):
        tasks.resume_stalled()
    schedule.refresh_from_db()
    assert states == [ImportState.CHECKING, ImportState.QUEUED]
    assert (result(schedule), schedule.is_importing) == (("imported", ""), False)


def test_paused_schedule_does_not_start_an_import(
    schedule: ImportSchedule, file_server: FileServer, owner: User
) -> None:
    file_server.files["/clients.csv"] = table(11)
    ImportSchedule.objects.update(next_run_at=schedule.created_at)
    tasks.run_import_schedule(schedule.pk)
    schedules.pause(schedule, owner)
    schedule.refresh_from_db()
    assert schedule.latest_import_id
    tasks.open_file(schedule.latest_import_id)
    tasks.resume_stalled()
    assert Import.objects.get(pk=schedule.latest_import_id).state == ImportState.UPLOADED


def test_cancelled_import_of_a_schedule_is_not_repeated(
    schedule: ImportSchedule, file_server: FileServer, run: Run
) -> None:
    file_server.files["/clients.csv"] = table(11)
    ImportSchedule.objects.update(next_run_at=schedule.created_at)
    tasks.run_import_schedule(schedule.pk)
    schedule.refresh_from_db()
    assert schedule.latest_import_id
    lifecycle.cancel(schedule.latest_import_id)
    tasks.resume_stalled()
    schedule.refresh_from_db()
    assert result(schedule) == ("refused", "The import was cancelled.")
    run()
    assert Import.objects.count() == 2


def test_sheet_that_is_gone_is_refused(
    run: Run, schedule: ImportSchedule, file_server: FileServer, book: Path
) -> None:
    ImportSchedule.objects.update(mapping=schedule.mapping | {"sheet": "Одеса"})
    file_server.files["/clients.csv"] = book.read_bytes()
    ran = run()
    assert result(ran) == ("refused", "The file has no visible sheet “Одеса”.")
    assert ran.latest_import
    assert ran.latest_import.state == ImportState.FAILED


def test_consents_are_imported_from_their_columns(
    run: Run, schedule: ImportSchedule, file_server: FileServer
) -> None:
    consent = ConsentMapping({"consent": 2, "day": 3}, source="shop")
    schedule.mapping |= {
        "consent": consent.as_json(), "columns": ["phone", "name", "agreed", "since"],
    }  # fmt: skip
    schedule.save()
    rows = [f"{phone},2026-01-05,Olena,yes" for phone in PHONES[:9]]
    file_server.files["/clients.csv"] = "\n".join(["phone,since,name,agreed", *rows, ""]).encode()
    assert result(run()) == ("imported", "")
    latest = Import.objects.latest("pk")
    assert latest.consents == {"given": 9}
    assert set(Person.objects.values_list("consent", "consent_source")) == {("given", "shop")}
    file_server.files["/clients.csv"] = table(10)
    assert "are missing" in result(run())[1]
