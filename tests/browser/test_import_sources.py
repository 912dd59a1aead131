"""Pasted rows and addresses in a real Chromium, up to an import on a schedule."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.contacts import tasks
from campaigns.contacts.fetching.models import ImportSchedule
from campaigns.contacts.models import Contact, Import
from tests.file_server import FileServer

Look = Callable[[Page, str], None]
ROWS = "Phone\tName\n" + "".join(f"067000{number:04}\tОлена\n" for number in range(30))


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> Path:
    settings.UPLOAD_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


def test_pasted_rows_are_imported_like_a_file(signed_in: Page, look: Look) -> None:
    page = signed_in
    page.goto("/contacts/import")
    page.get_by_role("link", name="Pasted rows").click()
    page.get_by_label("Rows").fill(ROWS)
    look(page, "import-paste")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Choose a list or enter a name for a new one.")).to_be_visible()
    expect(page.get_by_label("Rows")).to_have_value(ROWS)
    look(page, "import-paste-refused")
    page.get_by_label("Name of the new list").fill("Spring")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Pasted rows")).to_be_visible()
    expect(page.get_by_role("cell", name="Олена").first).to_be_visible()


def test_an_address_is_imported_and_put_on_a_schedule(
    signed_in: Page, file_server: FileServer, look: Look
) -> None:
    page = signed_in
    page.goto("/contacts/imports/schedules/")
    look(page, "import-schedules-empty")
    page.get_by_role("link", name="Import from an address").click()
    page.get_by_label("Address").fill(file_server.url("/t0ken/clients.csv?key=s3cret"))
    page.get_by_label("Name of the new list").fill("Clients")
    look(page, "import-address")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Fetching file")).to_be_visible()
    look(page, "import-fetching")
    tasks.open_file(Import.objects.get().pk)
    expect(page.get_by_text("There is no file at this address (404).")).to_be_visible()
    look(page, "import-fetch-failed")
    page.get_by_role("link", name="Try again").click()
    file_server.files["/t0ken/clients.csv?key=s3cret"] = ROWS.encode()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Fetching file")).to_be_visible()
    made = Import.objects.latest("pk")
    for _ in range(2):
        tasks.open_file(made.pk)
    page.get_by_role("button", name="Check file").click()
    expect(page.get_by_text("Checking")).to_be_visible()
    tasks.check(made.pk)
    page.get_by_role("button", name="Import 30 new contacts").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    tasks.run_import(made.pk)
    expect(page.get_by_text("files.test/…/clients.csv")).to_be_visible()
    look(page, "import-address-report")
    page.get_by_role("link", name="Import this address on a schedule").click()
    look(page, "import-schedule-new")
    page.get_by_label("Repeat").select_option("weekly")
    page.get_by_role("button", name="Create scheduled import").click()
    expect(page.get_by_text("Every Monday at 08:00")).to_be_visible()
    _run_with_other_columns(page, file_server)
    expect(page.get_by_text("The columns have changed: “Name” is missing.")).to_be_visible()
    look(page, "import-schedules")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    assert Contact.objects.count() == 30


def _run_with_other_columns(page: Page, file_server: FileServer) -> None:
    file_server.files["/t0ken/clients.csv?key=s3cret"] = ROWS.replace("Name", "Client").encode()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("The file is being fetched.")).to_be_visible()
    schedule = ImportSchedule.objects.get()
    tasks.run_import_schedule(schedule.pk)
    schedule.refresh_from_db()
    assert schedule.latest_import_id
    tasks.open_file(schedule.latest_import_id)
    page.reload()
