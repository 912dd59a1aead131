"""The room Contacts in a real Chromium: a file from the upload to the list, the people, the stop
list.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.contacts import tasks
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.models import Contact, ContactList, Import

Look = Callable[[Page, str], None]
NAMES = ("Олена", "Іван", "Марія", "Stefan", "Ioana")


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> Path:
    settings.UPLOAD_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "clients of spring.csv"
    with path.open("w", encoding="cp1251", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Телефон", "Ім'я", "Місто", "Бонусна картка"])
        for number in range(120):
            writer.writerow(
                [f"097 292 {number:04d}", NAMES[number % 5], "Київ", f"VD-{number:06d}"]
            )
        writer.writerows(
            [
                ["044 123 45 67", "Офіс", "Київ", ""],
                ["3.80973E+11", "Ексель", "", ""],
                ["", "", "", "1"],
            ]
        )
        writer.writerow(["+40 721 234 567", "Ioana", "Iași".replace("ș", "s"), ""])
    return path


def test_empty_pages(signed_in: Page, look: Look) -> None:
    for address, name in (
        ("/contacts/", "lists"),
        ("/contacts/stop-list/", "stop"),
        ("/contacts/imports/", "imports"),
    ):
        signed_in.goto(address)
        look(signed_in, f"contacts-{name}-empty")
    signed_in.goto("/contacts/people/")
    look(signed_in, "contacts-people-empty")


def test_a_segment_is_counted_as_it_is_described(signed_in: Page, look: Look) -> None:
    made = ContactList.objects.create(name="Club", fields=["city"], countries={"UA": 3})
    for number, city in enumerate(("Kyiv", "Lviv", "Kyiv")):
        Contact.objects.create(
            list=made, msisdn=f"38097292000{number}", country="UA", fields={"city": city}
        )
    page = signed_in
    page.goto("/contacts/segments/")
    look(page, "segments-empty")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name").fill("Kyiv")
    page.get_by_label("Value").fill("Kyiv")
    expect(page.get_by_text("2 contacts meet the conditions now")).to_be_visible()
    page.get_by_role("button", name="Country").click()
    page.get_by_label("Ukraine").check()
    expect(page.get_by_text("2 contacts meet the conditions now")).to_be_visible()
    look(page, "segment-form")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_text("city is “Kyiv”")).to_be_visible()
    look(page, "segment")


def test_a_file_becomes_a_list(signed_in: Page, people: Path, look: Look) -> None:
    page = signed_in
    page.goto("/contacts/")
    page.get_by_role("link", name="Import contacts").first.click()
    look(page, "import-new")
    page.get_by_label("File").set_input_files(people)
    page.get_by_label("Name of the new list").fill("Spring")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="clients of spring.csv")).to_be_visible()
    expect(page.get_by_label("Encoding")).to_have_value("cp1251")
    look(page, "import-columns")
    page.get_by_role("button", name="Check file").click()
    expect(page.get_by_text("Checking")).to_be_visible()
    look(page, "import-progress")
    tasks.check(Import.objects.get().pk)
    expect(page.get_by_role("button", name="Import 121 new contacts")).to_be_visible()
    look(page, "import-checked")
    page.get_by_role("button", name="Import 121 new contacts").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    tasks.run_import(Import.objects.get().pk)
    expect(page.get_by_role("link", name="Rejected rows as XLSX")).to_be_visible()
    look(page, "import-report")
    page.get_by_role("link", name="Undo import").click()
    expect(page.get_by_text("New contacts, will be removed")).to_be_visible()
    look(page, "import-undo")
    page.get_by_role("link", name="Go back").click()
    page.get_by_role("link", name="Open list").click()
    expect(page.get_by_text("121 contacts · Ukraine, Romania")).to_be_visible()
    look(page, "list-detail")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("link", name="Previous")).to_be_visible()
    page.goto("/contacts/")
    look(page, "contacts-lists")
    page.goto("/contacts/imports/")
    look(page, "contacts-imports")


def test_layout_is_read_again_at_once(signed_in: Page, people: Path) -> None:
    signed_in.goto("/contacts/import")
    signed_in.get_by_label("File").set_input_files(people)
    signed_in.get_by_role("button", name="Upload").click()
    expect(signed_in.get_by_role("columnheader", name="Телефон").first).to_be_visible()
    signed_in.get_by_label("Encoding").select_option("koi8_u")
    expect(signed_in.get_by_role("columnheader", name="Телефон").first).not_to_be_visible()


def test_a_refused_file_says_why_at_the_field(signed_in: Page, tmp_path: Path, look: Look) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"%PDF-1.7 of a brochure")
    signed_in.goto("/contacts/import")
    signed_in.get_by_label("File").set_input_files(path)
    signed_in.get_by_label("Name of the new list").fill("Kept")
    signed_in.get_by_role("button", name="Upload").click()
    expect(signed_in.get_by_text("This is a PDF file, not a table.")).to_be_visible()
    expect(signed_in.get_by_label("Name of the new list")).to_have_value("Kept")
    look(signed_in, "import-refused")


def test_people_and_the_stop_list(signed_in: Page, look: Look) -> None:
    page = signed_in
    clients = ContactList.objects.create(
        name="Clients", fields=["first_name", "city"], contact_count=1
    )
    Contact.objects.create(
        list=clients, msisdn="380972920283", country="UA", fields={"first_name": "Олена"}
    )
    page.goto(f"/contacts/{clients.pk}/add")
    look(page, "list-add")
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Too few digits")).to_be_visible()
    page.goto(f"/contacts/{clients.pk}/paste")
    page.get_by_label("Phones, one per line").fill("0501234567\nabc\n12")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Letters in the number")).to_be_visible()
    look(page, "list-paste")
    page.goto(f"/contacts/{clients.pk}/")
    page.get_by_role("button", name="Actions for +380 97 292 0283").click()
    page.get_by_role("button", name="Add to stop list").click()
    expect(page.get_by_text("+380 97 292 0283 is on the stop list.")).to_be_visible()
    page.goto("/contacts/stop-list/")
    look(page, "contacts-stop")
    page.get_by_role("link", name="+380 97 292 0283").click()
    look(page, "person")
    page.goto(f"/contacts/{clients.pk}/")
    page.get_by_role("button", name="Actions for Clients").click()
    page.get_by_role("button", name="Delete list").click()
    expect(page.get_by_role("dialog")).to_contain_text("Deletes 2 contacts.")
    look(page, "list-delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete list").click()
    expect(page.get_by_text("“Clients” was deleted with 2 contacts.")).to_be_visible()


def test_an_import_is_undone(signed_in: Page, people: Path, look: Look) -> None:
    made = lifecycle.create_queued_import(people, "Spring", "", "UA")
    tasks.run_import(made.pk)
    page = signed_in
    page.goto(f"/contacts/imports/{made.pk}/undo")
    page.get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("The undo continues in the background")).to_be_visible()
    look(page, "import-undoing")
    tasks.undo_import(made.pk)
    expect(page.get_by_text("Removed from the list")).to_be_visible()
    look(page, "import-undone")
    page.get_by_role("link", name="Open list").click()
    expect(page.get_by_text("097 292")).to_have_count(0)
