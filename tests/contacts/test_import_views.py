"""The pages of an import, from the upload to the report."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries

from campaigns.contacts import tasks
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.models import Contact, ContactList, Import, ImportState
from campaigns.contacts.pages.imports import import_notes
from campaigns.models import User
from tests.contacts.conftest import PEOPLE

FILES = Path(__file__).parent / "files"
Write = Callable[..., Path]
pytestmark = pytest.mark.django_db


def _upload(client: Client, path: Path, **data: object) -> Import:
    with path.open("rb") as file:
        answer = client.post(
            reverse("import-new"), {"file": file, "name": "Clients", "country": "UA", **data}
        )
    assert answer.status_code == 302, answer.context["form"].errors
    made = Import.objects.latest("pk")
    assert answer["Location"] == made.get_absolute_url()
    return made


def _columns(client: Client, made: Import, **changes: str) -> None:
    page = client.get(made.get_absolute_url())
    fields = {
        name: page.context["form"][name].value() or "" for name in page.context["form"].fields
    }
    client.post(reverse("import-columns", args=[made.pk]), fields | changes)
    made.refresh_from_db()


@pytest.mark.parametrize("value", ["²", "9" * 30, "x", ""])
def test_upload_page_ignores_a_list_that_cannot_be(signed_in: Client, value: str) -> None:
    assert signed_in.get(f"{reverse('import-new')}?list={value}").status_code == 200


def test_import_from_upload_to_report(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE, encoding="cp1251", delimiter=";"))
    assert made.state == ImportState.UPLOADED
    assert (made.mapping["encoding"], made.mapping["delimiter"], made.mapping["header"]) == (
        "cp1251",
        ";",
        True,
    )
    page = signed_in.get(made.get_absolute_url())
    assert page.context["names"] == ["Телефон", "Ім'я", "Місто"]
    assert page.context["preview"][0] == ["+380 97 292 0283", "Олена", "Київ"]
    _columns(signed_in, made)
    assert made.state == ImportState.CHECKING
    tasks.check(made.pk)
    made.refresh_from_db()
    assert made.checked == {
        "rows": 7, "new": 3, "known": 0, "duplicates": 1, "stop_listed": 0,
        "rejected": {"not_a_mobile": 1, "empty": 1, "spreadsheet_number": 1},
        "countries": {"UA": 3}, "guessed": {},
    }  # fmt: skip
    assert not ContactList.objects.exists()
    assert b"Import 3 new contacts" in signed_in.get(made.get_absolute_url()).content
    signed_in.post(reverse("import-start", args=[made.pk]))
    tasks.run_import(made.pk)
    made.refresh_from_db()
    assert (made.state, made.new, made.rejected, made.list_name) == (
        ImportState.FINISHED,
        3,
        3,
        "Clients",
    )
    report = signed_in.get(made.get_absolute_url()).content.decode()
    assert "Not a mobile number" in report
    assert made.list
    assert signed_in.get(made.list.get_absolute_url()).status_code == 200


def test_start_twice_imports_once(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    _columns(signed_in, made)
    tasks.check(made.pk)
    OrmQ.objects.all().delete()
    for _ in range(3):
        signed_in.post(reverse("import-start", args=[made.pk]))
    assert OrmQ.objects.count() == 1


def test_check_counts_contacts_already_on_the_list(signed_in: Client, write: Write) -> None:
    clients = ContactList.objects.create(name="Clients", contact_count=1)
    Contact.objects.create(list=clients, msisdn="380972920283", country="UA")
    made = _upload(signed_in, write(PEOPLE), into=clients.pk)
    _columns(signed_in, made)
    tasks.check(made.pk)
    made.refresh_from_db()
    assert (made.checked["new"], made.checked["known"]) == (2, 1)


def test_layout_changes_the_preview(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    signed_in.post(
        reverse("import-layout", args=[made.pk]),
        {"encoding": "utf-8", "delimiter": "\t", "quote": '"', "header": ""},
    )
    made.refresh_from_db()
    assert (made.mapping["delimiter"], made.mapping["header"], made.mapping["phones"]) == (
        "\t",
        False,
        [],
    )
    page = signed_in.get(made.get_absolute_url())
    assert page.context["names"] == ["Column A"]
    assert page.context["preview"][1] == ["+380 97 292 0283,Олена,Київ"]


def test_another_sheet_can_be_chosen(signed_in: Client, book: Path) -> None:
    made = _upload(signed_in, book)
    page = signed_in.get(made.get_absolute_url())
    form = page.context["layout_form"]
    assert [name for name, _words in form.fields["sheet"].choices] == ["Київ", "Порожній", "Львів"]
    assert (form["sheet"].value(), next(iter(form.fields)), "encoding" in form.fields) == (
        "Київ",
        "sheet",
        False,
    )
    address, data = (
        reverse("import-layout", args=[made.pk]),
        {"delimiter": ",", "quote": '"', "header": "on"},
    )
    signed_in.post(address, data | {"sheet": "Львів"})
    page = signed_in.get(made.get_absolute_url())
    assert (page.context["names"], page.context["preview"]) == (
        ["tel", "name"],
        [["0501234567", "Іван"]],
    )
    signed_in.post(address, data | {"sheet": "Порожній"})
    page = signed_in.get(made.get_absolute_url())
    assert page.context["import"].failure == "The sheet “Порожній” is empty."
    assert (page.context["layout_form"]["sheet"].value(), page.context["names"]) == (
        "Львів",
        ["tel", "name"],
    )
    signed_in.post(address, data | {"sheet": "Other"})
    made.refresh_from_db()
    assert (made.state, made.mapping["sheet"]) == (ImportState.UPLOADED, "Львів")


def test_columns_without_a_phone_are_refused_at_once(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    data = {
        "role_0": "skip",
        "role_1": "field",
        "name_1": "first name",
        "role_2": "field",
        "name_2": "city",
    }
    answer = signed_in.post(
        reverse("import-columns", args=[made.pk]), data | {"country": "UA", "existing": "update"}
    )
    form = answer.context["form"]
    assert form.non_field_errors() == ["Choose the column with the phone numbers."]
    assert form.errors["name_1"] == ["Use letters, digits and underscores, starting with a letter."]
    made.refresh_from_db()
    assert made.state == ImportState.UPLOADED


def test_back_and_cancel(signed_in: Client, write: Write, uploads: Path) -> None:
    made = _upload(signed_in, write(PEOPLE))
    _columns(signed_in, made)
    tasks.check(made.pk)
    signed_in.post(reverse("import-back", args=[made.pk]))
    made.refresh_from_db()
    assert made.state == ImportState.UPLOADED
    signed_in.post(reverse("import-cancel", args=[made.pk]))
    made.refresh_from_db()
    assert (made.state, made.path, list(uploads.iterdir())) == (ImportState.CANCELLED, "", [])


@pytest.mark.parametrize(
    ("content", "expected_text"),
    [
        (b"", "The file is empty."),
        (b"%PDF-1.4", "This is a PDF file, not a table. Save it as CSV or XLSX and try again."),
    ],
)
def test_upload_refuses_at_the_field(
    signed_in: Client, content: bytes, expected_text: str, uploads: Path
) -> None:
    file = SimpleUploadedFile("people.csv", content)
    answer = signed_in.post(
        reverse("import-new"), {"file": file, "name": "Clients", "country": "UA"}
    )
    assert answer.status_code == 200
    assert answer.context["form"].errors["file"] == [expected_text]
    assert answer.context["form"]["name"].value() == "Clients"
    assert not Import.objects.exists()


def test_upload_preselects_the_list_of_the_link(signed_in: Client) -> None:
    clients = ContactList.objects.create(name="Clients")
    page = signed_in.get(reverse("import-new"), {"list": clients.pk})
    assert page.context["form"].initial["into"] == clients


def test_upload_refuses_the_name_of_an_existing_list(signed_in: Client, write: Write) -> None:
    ContactList.objects.create(name="Clients")
    with write(PEOPLE).open("rb") as file:
        answer = signed_in.post(
            reverse("import-new"), {"file": file, "name": "Clients", "country": "UA"}
        )
    assert list(answer.context["form"].errors) == ["name"]


def test_progress_reloads_the_page_at_the_end(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    _columns(signed_in, made)
    address = reverse("import-progress", args=[made.pk])
    assert b'id="import-progress"' in signed_in.get(address).content
    tasks.check(made.pk)
    assert signed_in.get(address)["HX-Refresh"] == "true"


def test_rejected_rows_can_be_corrected_and_uploaded(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    _columns(signed_in, made)
    tasks.check(made.pk)
    signed_in.post(reverse("import-start", args=[made.pk]))
    tasks.run_import(made.pk)
    answer = signed_in.get(reverse("import-rejected-csv", args=[made.pk]))
    text = b"".join(answer).decode("utf-8-sig")
    assert text.splitlines() == [
        "Телефон,Ім'я,Місто,viberdash_row,viberdash_reason",
        "044 123 45 67,Офіс,Київ,6,Not a mobile number",
        ",Ніхто,,7,No phone in this row",
        '3.80973E+11,Ексель,,8,"Shortened by a spreadsheet, such as 3.80973E+11"',
    ]
    corrected = io.BytesIO(text.replace("044 123 45 67", "0931234567").encode("utf-8-sig"))
    corrected.name = "corrected.csv"
    made.refresh_from_db()
    assert made.list
    signed_in.post(
        reverse("import-new"), {"file": corrected, "into": made.list.pk, "country": "UA"}
    )
    again = Import.objects.latest("pk")
    assert (again.mapping["phones"], again.mapping["fields"]) == (
        [0],
        {"1": "first_name", "2": "city"},
    )


def test_stalled_imports_are_enqueued(write: Write, marketer: User, signed_in: Client) -> None:
    made = _upload(signed_in, write(PEOPLE))
    Import.objects.filter(pk=made.pk).update(state=ImportState.QUEUED, lease_until=None)
    tasks.resume_stalled()
    assert OrmQ.objects.count() == 1


def test_abandoned_uploads_are_cancelled(signed_in: Client, write: Write, uploads: Path) -> None:
    made = _upload(signed_in, write(PEOPLE))
    (uploads / "orphan").write_text("left by a crash")
    assert lifecycle.cancel_abandoned(timezone.now() - timedelta(days=30)) is None
    assert len(list(uploads.iterdir())) == 2
    later = timezone.now() + timedelta(minutes=1)
    assert [lifecycle.cancel_abandoned(later) for _slice in range(3)] == [1, 1, None]
    made.refresh_from_db()
    assert (made.state, list(uploads.iterdir())) == (ImportState.CANCELLED, [])


@pytest.mark.parametrize(
    "name", ["import-layout", "import-columns", "import-back", "import-start", "import-cancel"]
)
def test_steps_refuse_get_and_viewers(
    signed_in: Client, viewer: Client, write: Write, name: str
) -> None:
    made = _upload(signed_in, write(PEOPLE))
    address = reverse(name, args=[made.pk])
    assert signed_in.get(address).status_code == 405
    assert viewer.post(address).status_code == 403
    assert signed_in.post(reverse(name, args=[made.pk + 1])).status_code == 404


def test_viewers_see_reports_but_no_files(viewer: Client, signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    assert viewer.get(made.get_absolute_url()).status_code == 200
    assert viewer.get(reverse("import-new")).status_code == 403
    assert viewer.get(reverse("import-rejected-csv", args=[made.pk])).status_code == 403
    assert "0972920283" not in viewer.get(made.get_absolute_url()).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_import_list_queries(
    signed_in: Client, marketer: User, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    clients = ContactList.objects.create(name="Clients")
    for number in range(count):
        Import.objects.create(
            list=clients, list_name="Clients", file_name=f"{number}.csv", created_by=marketer
        )
    with django_assert_num_queries(5):
        answer = signed_in.get(reverse("import-list"))
    assert len(answer.context["page"].object_list) == count


def test_mapping_is_stored_as_json(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    assert json.loads(json.dumps(made.mapping))["fields"] == {"1": "first_name", "2": "city"}


GUESSES = [
    ["phone", "first_name"],
    ["80671110091", "Олена"],
    ["0671110092 ::: 0501234567", "NULL"],
    ["0671110093", "#N/A"],
]


def test_the_check_says_what_was_guessed(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(GUESSES))
    _columns(signed_in, made)
    tasks.check(made.pk)
    made.refresh_from_db()
    assert made.checked["new"] == 3
    page = signed_in.get(made.get_absolute_url())
    assert [(note.text, note.more) for note in page.context["notes"]] == [
        (
            "1 cell has several numbers. The first valid one is used.",
            "Examples: 0671110092 ::: 0501234567 → 380671110092.",
        ),
        (
            "2 cells stand for no value. The fallback values will be used.",
            "Examples: NULL · #N/A.",
        ),
        (
            "1 number in an older or domestic form was read in its current form.",
            "Examples: 80671110091 → 380671110091.",
        ),
    ]
    assert "80671110091 → 380671110091" in page.content.decode()
    signed_in.post(reverse("import-start", args=[made.pk]))
    tasks.run_import(made.pk)
    made.refresh_from_db()
    assert {guess: facts["count"] for guess, facts in made.checked["guessed"].items()} == {
        "older_form": 1, "first_of_several": 1, "no_value": 2,
    }  # fmt: skip
    assert "80671110091" not in str(made.checked)  # or an erased phone would stay here
    report = signed_in.get(made.get_absolute_url())
    assert report.context["notes"][0].text.startswith("1 cell has several numbers.")


def test_guesses_can_be_switched_off(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(GUESSES))
    _columns(signed_in, made, older_form="", first_of_several="", null_words="")
    tasks.check(made.pk)
    made.refresh_from_db()
    assert (made.checked["new"], made.checked["guessed"]) == (1, {})
    assert sum(made.checked["rejected"].values()) == 2
    signed_in.post(reverse("import-start", args=[made.pk]))
    tasks.run_import(made.pk)
    assert Contact.objects.get().fields == {"first_name": "#N/A"}


def test_the_page_says_what_is_not_certain_in_a_file(signed_in: Client, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_bytes(b"title;;\n" + (FILES / "two-encodings.csv").read_bytes())
    made = _upload(signed_in, path)
    page = signed_in.get(made.get_absolute_url())
    assert [note.text for note in page.context["notes"]] == [
        "The table begins in row 2. The rows above it are not imported.",
        "1 line is not in the encoding of the others. It is read as CP1251.",
    ]
    form = page.context["layout_form"]
    assert (form["first_row"].value(), form["other_encoding"].value()) == (2, "cp1251")
    assert page.context["preview"][0][1] == "Олена Кравченко"
    data = {"encoding": "utf-8", "delimiter": ";", "quote": '"', "header": "on"}
    signed_in.post(
        reverse("import-layout", args=[made.pk]),
        data | {"first_row": "3", "other_encoding": "koi8_u", "escape": "on"},
    )
    made.refresh_from_db()
    names = ("skip_rows", "other_encoding", "escape", "header")
    assert [made.mapping[name] for name in names] == [2, "koi8_u", "\\", True]


def test_encoding_that_the_file_cannot_have_is_refused(signed_in: Client, write: Write) -> None:
    made = _upload(signed_in, write(PEOPLE))
    response = signed_in.post(
        reverse("import-layout", args=[made.pk]),
        {"encoding": "utf-16", "delimiter": ",", "quote": '"', "header": "on"},
        follow=True,
    )
    assert response.status_code == 200
    assert "The file is not in UTF-16. Choose another encoding." in response.content.decode()
    made.refresh_from_db()
    assert made.mapping["encoding"] == "utf-8"


def test_a_delimiter_that_the_file_names_can_stay(signed_in: Client, tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("sep=~\nphone~name\n0671110001~A\n")
    made = _upload(signed_in, path)
    form = signed_in.get(made.get_absolute_url()).context["layout_form"]
    assert form["delimiter"].value() == "~"
    data = {name: form[name].value() or "" for name in form.fields}
    signed_in.post(reverse("import-layout", args=[made.pk]), data)
    made.refresh_from_db()
    assert (made.mapping["delimiter"], made.mapping["skip_rows"]) == ("~", 1)


@pytest.mark.parametrize(
    ("facts", "texts"),
    [
        ({"kind": "xlsx"}, []),
        (
            {"kind": "ods", "formatted": 1},
            [
                "1 number is shown with a format. It is imported without it: 15% becomes 0.15,"
                " 1,234.50 € becomes 1234.5."
            ],
        ),
        (
            {"kind": "xlsx", "formatted": 7},
            [
                "7 numbers are shown with a format. They are imported without it: 15% becomes 0.15,"
                " 1,234.50 € becomes 1234.5."
            ],
        ),
        (
            {"kind": "xls"},
            ["In this kind of file, hidden rows and formats of numbers can't be recognised."],
        ),
    ],
)
def test_notes_of_spreadsheets(facts: dict[str, object], texts: list[str]) -> None:
    notes = import_notes.layout_notes(Import(mapping=facts))
    assert [note.text for note in notes] == texts
