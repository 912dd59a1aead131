"""`manage.py import_contacts`."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from campaigns.contacts.models import Contact, ContactList, Import
from tests.contacts.conftest import PEOPLE

FILES = Path(__file__).parent / "files"
Write = Callable[..., Path]
pytestmark = pytest.mark.django_db


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_contacts", *arguments, stdout=out)
    return out.getvalue()


def test_json_report_adds_up(write: Write) -> None:
    answer = json.loads(_run(str(write(PEOPLE)), "--list", "Clients", "--json"))
    assert answer == {
        "rows": 7, "new": 3, "updated": 0, "unchanged": 0, "duplicates": 1, "stop_listed": 0,
        "rejected": {"not_a_mobile": 1, "empty": 1, "spreadsheet_number": 1}, "guessed": {},
        "total_in_list": 3,
    }  # fmt: skip
    again = json.loads(_run(str(write(PEOPLE)), "--list", "Clients", "--json"))
    assert (again["new"], again["unchanged"], again["total_in_list"]) == (0, 3, 3)
    assert Import.objects.count() == 2


def test_uses_the_named_column_and_country(write: Write) -> None:
    path = write([["a", "b"], ["0721234567", "0501234567"]])
    _run(str(path), "--list", "Clients", "--phone-column", "a", "--country", "RO")
    assert Contact.objects.get().msisdn == "40721234567"


def test_uses_the_named_sheet(book: Path) -> None:
    _run(str(book), "--list", "Clients", "--sheet", "Львів")
    assert [(one.msisdn, one.fields) for one in Contact.objects.all()] == [
        ("380501234567", {"name": "Іван"})
    ]
    with pytest.raises(CommandError, match="no visible sheet “lviv”"):
        _run(str(book), "--list", "Clients", "--sheet", "lviv")


def test_prints_the_report(write: Write) -> None:
    lines = _run(str(write(PEOPLE)), "--list", "Clients").splitlines()
    assert lines[:2] == ["rows: 7", "new: 3"]
    assert "rejected, not_a_mobile: 1" in lines


def test_keep_does_not_change_existing_contacts(write: Write) -> None:
    _run(str(write(PEOPLE)), "--list", "Clients")
    _run(str(write([["phone", "first_name"], ["0972920283", "X"]])), "--list", "Clients", "--keep")
    assert Contact.objects.get(msisdn="380972920283").fields["first_name"] == "Олена"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "The file is empty."),
        ("name,city\nA,B\n", "No column contains phone numbers. The columns are: name, city."),
        ("%PDF-1.4", "This is a PDF file, not a table. Save it as CSV or XLSX and try again."),
    ],
)
def test_refuses_with_one_line(content: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(content)
    with pytest.raises(CommandError) as refused:
        _run(str(path), "--list", "Clients")
    assert str(refused.value) == text
    assert not ContactList.objects.exists()


def test_refuses_a_missing_file() -> None:
    with pytest.raises(CommandError, match="There is no file"):
        _run("/nowhere/people.csv", "--list", "Clients")


def test_refuses_an_unknown_country(write: Write) -> None:
    with pytest.raises(CommandError, match="Unknown country XX"):
        _run(str(write(PEOPLE)), "--list", "Clients", "--country", "XX")


def test_takes_the_layout_from_its_options(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("title\na^b\n0671110001^'Ол^ена'\n".encode("koi8_u"))
    layout = ("--delimiter", "^", "--quote", "single", "--encoding", "koi8_u", "--header-row", "2")
    answer = json.loads(_run(str(path), "--list", "Clients", "--json", *layout))
    assert (answer["rows"], answer["new"]) == (1, 1)
    assert Contact.objects.get().fields == {"b": "Ол^ена"}


def test_a_title_and_the_line_of_the_delimiter_are_no_rows() -> None:
    for number, name in enumerate(("sep-line.csv", "title-rows.csv", "title-rows.xlsx")):
        answer = json.loads(_run(str(FILES / name), "--list", f"List {number}", "--json"))
        assert (answer["rows"], answer["new"], answer["rejected"]) == (2, 2, {})
        fields = Contact.objects.filter(list__name=f"List {number}").order_by("msisdn")[0].fields
        assert fields["first_name"]


@pytest.mark.parametrize(
    "options",
    [
        ("--delimiter", "ab"),
        ("--encoding", "utf-9"),
        ("--encoding", "base64"),
        ("--header-row", "-1"),
        ("--header-row", "1000"),
        ("--quote", "x"),
    ],
)
def test_refuses_options_that_mean_nothing(options: tuple[str, str], write: Write) -> None:
    with pytest.raises(CommandError, match=options[0]):
        _run(str(write(PEOPLE)), "--list", "Clients", *options)


def test_guesses_in_cells_unless_told_otherwise() -> None:
    files = [str(FILES / "null.csv"), str(FILES / "old-forms.csv")]
    for path in files:
        assert "guessed, " in _run(path, "--list", "Guessed")
        _run(path, "--list", "As written", "--as-written")
    fields = Contact.objects.order_by("msisdn").values_list("fields", flat=True)
    guessed, written = fields.filter(list__name="Guessed"), fields.filter(list__name="As written")
    assert [names.get("first_name") for names in guessed][:5] == [None] * 5
    assert len(guessed) == 10
    assert [names["first_name"] for names in written] == ["NULL", "\\N", "#N/A", "N/A", "nan"]
