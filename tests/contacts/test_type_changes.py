"""Typed fields of a list: imported, changed, edited, copied and exported."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing import lifecycle, runner
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists, type_changes
from campaigns.contacts.lists.type_changes import change_types
from campaigns.contacts.models import Contact, ContactList, Import, ImportState
from campaigns.contacts.tasks import check
from campaigns.models import User

pytestmark = pytest.mark.django_db
V = ValueFormat
ROWS = [
    ["phone", "birthday", "bonus", "vip", "postcode", "note"],
    ["0501110001", "31.12.1990", "1.200,50", "так", "01001", "31.12.1990"],
    ["0501110002", "01.02.1991", "7", "ні", "65000", '"x"\\'],
    ["0501110003", "soon \"or\"", "many", "maybe", "79005", ""],
    ["0501110004", "", "", "", "", ""],
    *[[f"05011101{n:02}", "05.06.1992", "12,5", "так", "79005", ""] for n in range(30)],
]  # fmt: skip
TYPES = {"birthday": "date", "bonus": "number", "vip": "yes_no"}


def values_of(contact_list: ContactList, name: str) -> list[str]:
    contacts = Contact.objects.filter(list=contact_list).order_by("msisdn")
    return [fields.get(name, "") for fields in contacts.values_list("fields", flat=True)]


@pytest.fixture
def uploaded(signed_in: Client, write: Callable[..., Path]) -> Import:
    with write(ROWS).open("rb") as file:
        signed_in.post(reverse("import-new"), {"file": file, "name": "Clients", "country": "UA"})
    return Import.objects.get()


def posted(made: Import, **changes: str) -> dict[str, str]:
    """The form of the columns as the page offers it."""
    mapping = made.mapping
    form = {"country": "UA", "existing": "update", "null_words": "on"}
    for column in range(len(ROWS[0])):
        field = mapping["fields"].get(str(column))
        form[f"role_{column}"] = "field" if field else "phone"
        form[f"name_{column}"] = field or ""
        form[f"format_{column}"] = mapping["formats"].get(str(column), "text")
    return form | changes


def imported(client: Client, made: Import, **changes: str) -> ContactList:
    client.post(reverse("import-columns", args=[made.pk]), posted(made, **changes))
    check(made.pk)
    client.post(reverse("import-start", args=[made.pk]))
    runner.run(made.pk)
    made.refresh_from_db()
    assert made.state == ImportState.FINISHED
    return ContactList.objects.get()


def test_types_are_proposed_shown_in_the_check_and_kept_by_the_list(
    signed_in: Client, uploaded: Import
) -> None:
    assert uploaded.mapping["formats"] == {"1": "day_first", "2": "comma", "3": "yes_no"}
    signed_in.post(reverse("import-columns", args=[uploaded.pk]), posted(uploaded))
    check(uploaded.pk)
    page = signed_in.get(uploaded.get_absolute_url()).content.decode()
    assert "“birthday” is read as: Date, day before month." in page
    assert "31.12.1990 → 31 Dec 1990" in page
    assert "1 value of “birthday” is not a date. It stays as it is." in page
    assert "soon &quot;or&quot;" in page
    assert "“bonus” is read as: Number, as in 1.234,5." in page
    assert "1.200,50 → 1200.5" in page
    assert "1 value of “vip” is neither yes nor no. It stays as it is." in page
    clients = imported(signed_in, uploaded)
    assert clients.field_types == TYPES
    assert values_of(clients, "birthday")[:5] == [
        "1990-12-31", "1991-02-01", 'soon "or"', "", "1992-06-05",
    ]  # fmt: skip
    assert values_of(clients, "bonus")[:5] == ["1200.5", "7", "many", "", "12.5"]
    assert values_of(clients, "vip")[:5] == ["yes", "no", "maybe", "", "yes"]
    assert values_of(clients, "postcode")[:3] == ["01001", "65000", "79005"]
    assert values_of(clients, "note")[:2] == ["31.12.1990", '"x"\\']


def test_the_counts_of_the_check_and_of_the_import_are_the_same_and_keep_no_values(
    signed_in: Client, uploaded: Import
) -> None:
    signed_in.post(reverse("import-columns", args=[uploaded.pk]), posted(uploaded))
    check(uploaded.pk)
    uploaded.refresh_from_db()
    counts = [(each["name"], each["read"], each["unread"]) for each in uploaded.checked["typed"]]
    assert counts == [("birthday", 32, 1), ("bonus", 32, 1), ("vip", 32, 1)]
    imported(signed_in, uploaded)
    assert [
        (each["name"], each["read"], each["unread"], each["examples"], each["unread_examples"])
        for each in uploaded.checked["typed"]
    ] == [(*each, [], []) for each in counts]


def test_another_decision_than_the_proposal_counts(signed_in: Client, uploaded: Import) -> None:
    clients = imported(signed_in, uploaded, format_1="text", format_2="point", format_3="text")
    assert clients.field_types == {"bonus": "number"}
    assert values_of(clients, "birthday")[0] == "31.12.1990"


def test_month_first_leaves_what_it_cannot_be(signed_in: Client, uploaded: Import) -> None:
    clients = imported(signed_in, uploaded, format_1="month_first")
    assert values_of(clients, "birthday")[:2] == ["31.12.1990", "1991-01-02"]


def test_the_type_of_a_list_is_proposed_and_another_refused(
    signed_in: Client, uploaded: Import, write: Callable[..., Path]
) -> None:
    clients = imported(signed_in, uploaded)
    rows = [["phone", "birthday"], ["0501110009", "05/06/1993"], ["0501110008", "12/31/1993"]]
    with write(rows).open("rb") as file:
        form = {"file": file, "into": clients.pk, "country": "UA"}
        signed_in.post(reverse("import-new"), form)
    second = Import.objects.order_by("pk").last()
    assert second is not None
    assert second.mapping["formats"] == {"1": "month_first"}
    form = {"country": "UA", "existing": "update", "role_0": "phone", "role_1": "field",
            "name_1": "birthday", "format_1": "text"}  # fmt: skip
    page = signed_in.post(reverse("import-columns", args=[second.pk]), form)
    assert "On this list the type is: Date." in page.content.decode()
    second.refresh_from_db()
    assert second.state == ImportState.UPLOADED


def test_a_type_that_changed_since_the_check_sends_back_to_the_columns(
    signed_in: Client, uploaded: Import
) -> None:
    signed_in.post(reverse("import-columns", args=[uploaded.pk]), posted(uploaded))
    check(uploaded.pk)
    other = ContactList.objects.create(name="Clients", fields=["bonus"])
    signed_in.post(reverse("import-start", args=[uploaded.pk]))
    uploaded.refresh_from_db()
    assert (uploaded.state, uploaded.list) == (ImportState.UPLOADED, other)
    assert uploaded.failure == ("“bonus” on this list is: Text. Choose that, or another merge tag.")


def test_a_command_guesses_no_types_but_keeps_those_of_the_list(
    write: Callable[..., Path], marketer: User
) -> None:
    path = write(ROWS)
    runner.run(lifecycle.create_queued_import(path, "New", "", "UA").pk)
    new = ContactList.objects.get()
    assert (new.field_types, values_of(new, "birthday")[0]) == (None, "31.12.1990")
    typed = ContactList.objects.create(name="Typed", fields=["bonus"])
    change_types(typed, {"bonus": V.POINT}, marketer)
    runner.run(lifecycle.create_queued_import(path, "Typed", "", "UA").pk)
    assert values_of(typed, "bonus")[:3] == ["1200.5", "7", "many"]
    assert values_of(typed, "birthday")[0] == "31.12.1990"


@pytest.fixture
def clients(marketer: User) -> ContactList:
    made = ContactList.objects.create(name="Clients", fields=["day", "sum"], contact_count=5)
    values = ["31.12.1990", "1.2.1991", "later", "", "2026-11-30"]
    Contact.objects.bulk_create(
        Contact(
            list=made,
            msisdn=f"38050111000{place}",
            country="UA",
            fields={"day": value, "sum": "1,5", "x": "ї"} if value else {"x": "ї"},
        )
        for place, value in enumerate(values)
    )
    return made


def test_changing_a_type_converts_the_values(
    clients: ContactList, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type_changes, "SLICE_ROWS", 2)
    before = clients.updated_at
    address = reverse("list-types", args=[clients.pk])
    assert "Date, day before month" in signed_in.get(address).content.decode()
    form = {"type_day": "day_first", "type_sum": "text"}
    page = signed_in.post(address, form, follow=True).content.decode()
    assert "The types were saved." in page
    assert "1 value of “day” is not a date. It stays as it is." in page
    assert "31/12/1990" in page
    clients.refresh_from_db()
    assert clients.field_types == {"day": "date"}
    assert clients.updated_at > before  # counted audiences are counted again
    expected = ["1990-12-31", "1991-02-01", "later", "", "2026-11-30"]
    assert values_of(clients, "day") == expected
    assert values_of(clients, "sum") == ["1,5", "1,5", "1,5", "", "1,5"]
    assert values_of(clients, "x") == ["ї"] * 5
    signed_in.post(address, {"type_day": "text", "type_sum": "comma"})
    clients.refresh_from_db()
    assert clients.field_types == {"sum": "number"}
    assert values_of(clients, "day") == expected
    assert values_of(clients, "sum") == ["1.5", "1.5", "1.5", "", "1.5"]


def test_a_list_that_is_too_large_or_imported_into_keeps_its_types(
    clients: ContactList, marketer: User
) -> None:
    Import.objects.create(list=clients, list_name="x", file_name="x", state=ImportState.QUEUED)
    with pytest.raises(ContactsError, match="A file is being imported into this list"):
        change_types(clients, {"day": V.DAY_FIRST}, marketer)
    Import.objects.all().delete()
    ContactList.objects.update(contact_count=50_001)
    with pytest.raises(ContactsError, match="on lists of up to 50,000 contacts"):
        change_types(clients, {"day": V.DAY_FIRST}, marketer)
    assert values_of(clients, "day")[0] == "31.12.1990"


def test_a_contact_is_edited_in_the_language_of_the_page(
    clients: ContactList, signed_in: Client, marketer: User
) -> None:
    change_types(clients, {"day": V.DAY_FIRST, "sum": V.COMMA}, marketer)
    first, _second, third = Contact.objects.order_by("msisdn")[:3]
    address = reverse("contact-edit", args=[first.pk])
    assert 'value="31/12/1990"' in signed_in.get(address).content.decode()
    form = {"tag_day": "30.11.1991", "seen_day": "31/12/1990", "tag_sum": "12,500.25",
            "seen_sum": "1.5", "tag_x": "ї", "seen_x": "ї"}  # fmt: skip
    signed_in.post(address, form)
    first.refresh_from_db()
    assert first.fields == {"day": "1991-11-30", "sum": "12500.25", "x": "ї"}
    form |= {"tag_day": "tomorrow", "seen_day": "30/11/1991"}
    page = signed_in.post(address, form).content.decode()
    assert "Enter a date such as 31/12/2026." in page
    address = reverse("contact-edit", args=[third.pk])  # whose "later" may stay
    form = {"tag_day": "later", "seen_day": "later", "tag_sum": "2", "seen_sum": "1.5",
            "tag_x": "", "seen_x": "ї"}  # fmt: skip
    assert signed_in.post(address, form).status_code == 302
    third.refresh_from_db()
    assert third.fields == {"day": "later", "sum": "2"}


def test_exports_have_real_dates_and_numbers(
    clients: ContactList, signed_in: Client, marketer: User
) -> None:
    change_types(clients, {"day": V.DAY_FIRST, "sum": V.COMMA}, marketer)
    Contact.objects.filter(msisdn="380501110003").update(
        fields={"day": "1899-12-31", "sum": "-12500.25"}
    )
    answer = signed_in.get(reverse("list-export-csv", args=[clients.pk]))
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert [",".join(line.split(",")[2:4]) for line in lines] == [
        "day,sum", "1990-12-31,1.5", "1991-02-01,1.5", "later,1.5", "1899-12-31,-12500.25",
        "2026-11-30,1.5",
    ]  # fmt: skip
    answer = signed_in.get(reverse("list-export-xlsx", args=[clients.pk]))
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert [tuple(cell.value for cell in row[2:4]) for row in sheet.iter_rows(min_row=2)] == [
        (datetime(1990, 12, 31), 1.5),  # noqa: DTZ001 - a day
        (datetime(1991, 2, 1), 1.5),  # noqa: DTZ001
        ("later", 1.5),
        ("1899-12-31", -12500.25),
        (datetime(2026, 11, 30), 1.5),  # noqa: DTZ001
    ]


def test_copying_takes_the_types_along_and_refuses_others(
    clients: ContactList, marketer: User
) -> None:
    change_types(clients, {"day": V.DAY_FIRST}, marketer)
    clients.refresh_from_db()
    new = ContactList.objects.create(name="New")
    assert contact_lists.copy_contacts(clients, new) == 5
    new.refresh_from_db()
    assert new.field_types == {"day": "date"}
    texts = ContactList.objects.create(name="Texts", fields=["day"])
    with pytest.raises(ContactsError, match="“day” has another type on “Texts”"):
        contact_lists.copy_contacts(clients, texts)
    assert values_of(texts, "day") == []
