"""The first page of an import: addresses and pasted rows; files are in test_import_views."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.contacts import tasks
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.models import User
from tests.file_server import FileServer

pytestmark = pytest.mark.django_db
PASTED = "Phone\tName\n0671112233\tОлена\n\tNobody\n"


def test_pasted_rows_become_an_import_like_a_file(signed_in: Client, uploads: Path) -> None:
    answer = signed_in.post(
        reverse("import-paste"), {"rows": PASTED, "name": "Clients", "country": "UA"}
    )
    made = Import.objects.get()
    assert answer["Location"] == made.get_absolute_url()
    assert (made.state, made.file_name, made.address) == ("uploaded", "Pasted rows", "")
    assert (made.mapping["delimiter"], made.mapping["phones"]) == ("\t", [0])
    page = signed_in.get(made.get_absolute_url())
    assert page.context["preview"] == [["0671112233", "Олена"], ["", "Nobody"]]


def test_pasted_csv_keeps_an_empty_first_cell(signed_in: Client) -> None:
    rows = ",Phone\nОлена,0671112233\n"
    signed_in.post(reverse("import-paste"), {"rows": rows, "name": "Clients", "country": "UA"})
    assert Import.objects.get().mapping["phones"] == [1]


@pytest.mark.parametrize(
    ("rows", "name", "field", "error"),
    [
        (" \n", "Clients", "rows", "Paste at least one row."),
        (PASTED, "", "name", "Choose a list or enter a name for a new one."),
        (PASTED, "Taken", "name", "A list with this name already exists. Choose it above or enter"
         " another name."),
        ("x" * 2_000_001, "Clients", "rows",
         "These are more than 2,000,000 characters. Upload them as a file."),
        ("\x00\x01\x02\x03" * 9, "Clients", "rows", "Null characters are not allowed."),
        ("%PDF-1.7 x", "Clients", "rows",
         "This is a PDF file, not a table. Save it as CSV or XLSX and try again."),
    ],
)  # fmt: skip
def test_error_keeps_what_was_pasted(
    signed_in: Client, rows: str, name: str, field: str, error: str
) -> None:
    ContactList.objects.create(name="Taken")
    answer = signed_in.post(reverse("import-paste"), {"rows": rows, "name": name, "country": "RO"})
    form = answer.context["form"]
    assert form.errors == {field: [error]}
    assert (form["rows"].value(), form["name"].value()) == (rows, name)
    assert form["country"].value() == "RO"
    assert not Import.objects.exists()


def test_rows_of_many_bytes_are_taken(signed_in: Client) -> None:
    """Two million letters of Cyrillic are four million bytes, more than Django's own limit."""
    rows = "Phone,Name\n" + "0671112233,Олена Олена Олена\n" * 60_000
    data = {"rows": rows, "name": "Clients", "country": "UA"}
    assert len(rows.encode()) > 2_621_440
    assert signed_in.post(reverse("import-paste"), data).status_code == 302


def test_address_is_fetched_by_a_worker(signed_in: Client, file_server: FileServer) -> None:
    file_server.files["/t0ken/clients.csv?key=s3cret"] = b"phone\n0671112233\n"
    address = file_server.url("/t0ken/clients.csv?key=s3cret")
    answer = signed_in.post(
        reverse("import-address"), {"address": address, "name": "Clients", "country": "UA"}
    )
    made = Import.objects.get()
    assert answer["Location"] == made.get_absolute_url()
    assert (made.state, file_server.requests) == (ImportState.READING, [])
    assert "Fetching file" in signed_in.get(made.get_absolute_url()).content.decode()
    for _ in range(2):
        tasks.open_file(made.pk)
    page = signed_in.get(made.get_absolute_url())
    assert page.context["part"] == "columns"
    assert "s3cret" not in page.content.decode()


def test_share_link_is_kept_as_the_address_of_the_table(signed_in: Client) -> None:
    link = "https://docs.google.com/spreadsheets/d/1AbC/edit#gid=5"
    signed_in.post(reverse("import-address"), {"address": link, "name": "C", "country": "UA"})
    assert Import.objects.get().address == (
        "https://docs.google.com/spreadsheets/d/1AbC/export?format=csv&gid=5"
    )


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("", "This field is required."),
        ("clients.csv", "Enter an address that begins with https:// or http://."),
        ("file:///etc/passwd", "Enter an address that begins with https:// or http://."),
        ("http://x.test:22/", "The port 22 is not allowed."),
        (
            "https://marta:secret@x.test/",
            "Addresses with a user name and password are not supported. Use a share link.",
        ),
    ],
)
def test_address_that_cannot_be_is_refused_at_once(
    signed_in: Client, address: str, error: str
) -> None:
    answer = signed_in.post(
        reverse("import-address"), {"address": address, "name": "Clients", "country": "UA"}
    )
    assert answer.context["form"].errors == {"address": [error]}
    assert answer.context["form"]["name"].value() == "Clients"
    assert not Import.objects.exists()


def test_failed_fetch_can_be_tried_again_by_its_user_alone(
    signed_in: Client, viewer: Client, file_server: FileServer, marketer: User
) -> None:
    address = file_server.url("/secret/none.csv")
    signed_in.post(
        reverse("import-address"), {"address": address, "name": "Clients", "country": "RO"}
    )
    made = Import.objects.get()
    tasks.open_file(made.pk)
    report = signed_in.get(made.get_absolute_url()).content.decode()
    assert "There is no file at this address (404)." in report
    assert "files.test/…/none.csv" in report
    assert "/secret/" not in report
    retry = f"{reverse('import-address')}?retry={made.pk}"
    assert retry in report
    assert retry not in viewer.get(made.get_absolute_url()).content.decode()
    form = signed_in.get(retry).context["form"]
    assert (form["address"].value(), form["name"].value()) == (address, "Clients")
    assert form["country"].value() == "RO"
    other = Client()
    other.force_login(User.objects.create_user("oleh", password="x", role=marketer.role))
    assert other.get(retry).context["form"]["address"].value() is None


@pytest.mark.parametrize("name", ["import-new", "import-address", "import-paste"])
def test_each_source_keeps_the_list_that_was_asked_for(
    signed_in: Client, viewer: Client, name: str
) -> None:
    clients = ContactList.objects.create(name="Clients")
    page = signed_in.get(f"{reverse(name)}?list={clients.pk}")
    assert page.context["form"]["into"].value() == clients.pk
    assert [source["here"] for source in page.context["sources"]].count(True) == 1
    assert all(f"?list={clients.pk}" in source["url"] for source in page.context["sources"])
    assert viewer.get(reverse(name)).status_code == 403
