"""Imports by the API: from a file to an undo, with the same steps and counts as on the pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from campaigns.api.v1 import openapi
from campaigns.contacts import tasks
from campaigns.contacts.fetching import unattended
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.lists import stop_list
from campaigns.models import ApiAnswer, AuditEntry, Contact, ContactList, Import, ImportState, Role
from campaigns.team.pages import body_limits
from campaigns.team.permissions import Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient

pytestmark = pytest.mark.django_db
CSV = (
    "Мобільний;Ім'я;Місто;Сума\n"
    "0971110001;Олена;Київ;12,5\n"
    "+380971110002;Іван;Львів;7\n"
    "097 111 00 01;Ще раз;;1\n"
    "0971110009;Стоп;Київ;1\n"
    "12;Короткий;Рим;0\n"
).encode()
FILE = ("clients.csv", CSV)
COLUMNS = [
    {"column": "Мобільний", "use": "phone"},
    {"column": "B", "name": "name"},
    {"column": "4", "name": "sum", "format": "comma"},
]
TASKS = {
    ImportState.READING: tasks.open_file,
    ImportState.CHECKING: tasks.check,
    ImportState.QUEUED: tasks.run_import,
    ImportState.RUNNING: tasks.run_import,
    ImportState.UNDOING: tasks.undo_import,
}


@pytest.fixture(autouse=True)
def stopped(db: None) -> None:
    stop_list.add_phones(["380971110009"], "", None)


def work(import_id: int) -> None:
    """Do what workers do, until nothing is left."""
    while task := TASKS.get(ImportState(Import.objects.get(pk=import_id).state)):
        task(import_id)


def upload(api: ApiClient, key: str = "", **values: Any) -> Any:
    headers = {"Idempotency_Key": key} if key else {}
    return api.upload("imports/file", FILE, {"list_name": "Clients", **values}, **headers)


def test_a_nightly_list_takes_one_request(api: ApiClient) -> None:
    made = upload(api, start="true", columns=json.dumps(COLUMNS), key="night")
    assert made.status_code == 201
    assert made.json()["state"] == "checking"
    assert (made.json()["is_under_way"], made.headers["Retry-After"]) == (True, "2")
    address = f"imports/{made.json()['id']}"
    work(made.json()["id"])
    answer = api.get(address)
    over = answer.json()
    assert "Retry-After" not in answer.headers
    assert (over["state"], over["is_under_way"], over["problem"]) == ("finished", False, "")
    counts = ("rows", "new", "updated", "unchanged", "duplicates", "stop_listed", "rejected")
    assert [over[name] for name in counts] == [5, 2, 0, 0, 1, 1, 1]
    assert over["rejected_by_reason"] == {"too_short": 1}
    assert over["countries"] == {"UA": 3}  # with that on the stop list
    contacts = Contact.objects.filter(list=over["list_id"]).order_by("pk")
    assert [(contact.msisdn, contact.fields) for contact in contacts] == [
        ("380971110001", {"name": "Олена", "sum": "12.5"}),
        ("380971110002", {"name": "Іван", "sum": "7"}),
    ]
    rejected = api.get(f"{address}/rejected-rows").json()["items"]
    assert rejected == [
        {
            "row_number": 6,
            "reason": "too_short",
            "reason_text": rejected[0]["reason_text"],
            "cells": ["12", "Короткий", "Рим", "0"],
        }
    ]
    assert api.get(f"{address}/undo").json() == {
        "removed": 2, "restored": 0, "changed": 0, "sent": 0, "gone": 0, "consents": 0
    }  # fmt: skip
    undoing = api.post(f"{address}/undo", None)
    assert (undoing.json()["state"], undoing.json()["is_under_way"]) == ("undoing", True)
    work(over["id"])
    undone = api.get(address).json()
    assert (undone["state"], undone["undo"]["removed"]) == ("undone", 2)
    assert not Contact.objects.exists()
    again = api.post(f"{address}/undo", None)
    assert (again.status_code, again.json()["code"]) == (409, "refused")
    trail = AuditEntry.objects.values_list("subject", "action", "detail")
    assert not [entry for entry in trail if "97111" in str(entry)]


def test_consents_are_written_from_columns(api: ApiClient) -> None:
    rows = "phone,agreed\n0971110001,yes\n0971110002,no\n0971110003,so\n"
    consent = {
        "columns": {"consent": "agreed"}, "day": "2026-01-05", "source": "shop",
        "wording": "I agree.",
    }  # fmt: skip
    body = {"list_name": "Clients", "text": rows, "consent": consent, "start": True}
    made = api.post("imports", body).json()
    work(made["id"])
    address = f"imports/{made['id']}"
    over = api.get(address).json()
    assert over["state"] == "finished", over["problem"]
    counts = {"given": 1, "withdrawn": 1, "unread": 1}
    assert over["consents"] == over["check"]["consents"] == counts
    [row] = api.get(f"{address}/rejected-rows").json()["items"]
    assert (row["row_number"], row["reason"]) == (4, "consent")
    assert api.get(f"{address}/undo").json()["consents"] == 2
    found = api.get("people?phone=380971110001").json()
    assert (found["consent"], found["consent_wording"]) == ("given", "I agree.")
    api.post(f"{address}/undo", None)
    work(made["id"])
    assert api.get(address).json()["undo"]["consents"] == 2
    assert api.get("people?phone=380971110001").json()["consent"] == "unknown"


def test_everybody_in_a_file_agreed(api: ApiClient) -> None:
    consent = {"day": "2026-01-05", "source": "shop"}
    made = upload(api, consent=json.dumps(consent), columns=json.dumps(COLUMNS), start="true")
    work(made.json()["id"])
    over = api.get(f"imports/{made.json()['id']}").json()
    assert over["consents"] == {"given": 2}
    without = upload(api, start="true", list_name="Others").json()  # a file alone says nothing
    work(without["id"])
    assert api.get(f"imports/{without['id']}").json()["consents"] is None


@pytest.mark.parametrize(
    ("consent", "field"),
    [
        ({"source": "shop"}, "consent.day"),
        ({"day": "2026-01-05"}, "consent.source"),
        ({"day": "2999-01-05", "source": "shop"}, "consent.day"),
        ({"columns": {"consent": "Q"}, "source": "shop"}, "consent.columns.consent"),
        ({"columns": {"phone": "A"}, "source": "shop"}, "consent.columns.phone"),
    ],
)
def test_wrong_consents_are_named(api: ApiClient, consent: dict[str, Any], field: str) -> None:
    body = {"list_name": "Clients", "text": "phone\n0971110001\n", "consent": consent}
    answer = api.post("imports", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Import.objects.exclude(state=ImportState.CANCELLED).exists()


def test_an_upload_that_is_sent_again_is_made_once(api: ApiClient) -> None:
    first = upload(api, key="once")
    again = upload(api, key="once")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert Import.objects.count() == ApiAnswer.objects.count() == 1
    other = api.upload(
        "imports/file",
        ("clients.csv", CSV + b"1\n"),
        {"list_name": "Clients"},
        Idempotency_Key="once",
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_step_by_step(api: ApiClient) -> None:
    made = upload(api).json()
    address = f"imports/{made['id']}"
    assert (made["state"], made["is_under_way"]) == ("uploaded", False)
    uses = [(column["column"], column["use"], column["name"]) for column in made["columns"]]
    assert uses == [
        ("Мобільний", "phone", ""),
        ("Ім'я", "field", "first_name"),
        ("Місто", "field", "city"),
        ("Сума", "field", "suma"),
    ]
    assert made["columns"][0]["examples"][:2] == ["0971110001", "+380971110002"]
    assert (made["layout"]["delimiter"], made["layout"]["header"]) == (";", True)
    without = api.patch(address, {"header": False}).json()
    assert without["layout"]["header"] is False
    api.patch(address, {"header": True})
    wrong = api.patch(address, {"encoding": "klingon"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "encoding")
    early = api.post(f"{address}/start", None)
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")
    api.put(f"{address}/columns", {"columns": COLUMNS})
    work(made["id"])
    checked = api.get(address).json()
    assert checked["state"] == "checked"
    assert checked["check"] == {
        "rows": 5, "new": 2, "known": 0, "duplicates": 1, "stop_listed": 1,
        "rejected": {"too_short": 1}, "countries": {"UA": 2}, "consents": None,
    }  # fmt: skip
    assert api.post(f"{address}/start", None).json()["state"] == "queued"
    work(made["id"])
    assert api.get(address).json()["new"] == 2
    assert api.put(f"{address}/columns", {"columns": COLUMNS}).json()["code"] == "wrong_state"


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ([{"column": "Phone", "use": "phone"}], "columns.0.column"),
        ([{"column": "A", "use": "phone"}, {"column": "1"}], "columns.1.column"),
        ([{"column": "A", "use": "phone"}, {"column": "B", "name": "1st"}], "columns.1.name"),
        (
            [
                {"column": "A", "use": "phone"},
                {"column": "B", "name": "x"},
                {"column": "C", "name": "x"},
            ],
            "columns.2.name",
        ),
        ([{"column": "B"}], "columns"),
        ([{"column": "A", "use": "mobile"}], "columns.0.use"),
    ],
)
def test_columns_that_do_not_fit_are_named(
    api: ApiClient, columns: list[dict[str, str]], field: str
) -> None:
    made = upload(api).json()
    answer = api.put(f"imports/{made['id']}/columns", {"columns": columns})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    answer = upload(api, columns=json.dumps(columns), start="true")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Import.objects.filter(state=ImportState.CHECKING).exists()


def test_the_type_of_a_field_on_the_list_stays(api: ApiClient) -> None:
    fields = [{"name": "sum", "type": "date"}]
    clients = api.post("lists", {"name": "Typed", "fields": fields}).json()
    answer = upload(
        api, list_name="", list_id=clients["id"], columns=json.dumps(COLUMNS), start="true"
    )
    assert answer.json()["errors"][0]["field"] == "columns.2.format"


def test_a_file_with_too_many_rejected_rows_waits_for_a_user(api: ApiClient) -> None:
    made = upload(api, start="true", max_rejected_percent=10).json()
    work(made["id"])
    waiting = api.get(f"imports/{made['id']}").json()
    assert (waiting["state"], waiting["is_under_way"]) == ("checked", False)
    assert "1 of 5 rows" in waiting["problem"]
    unattended.advance_all()
    assert not Contact.objects.exists()
    assert api.post(f"imports/{made['id']}/start", None).json()["state"] == "queued"


def test_without_columns_new_fields_are_texts(api: ApiClient) -> None:
    made = upload(api, start="true").json()
    work(made["id"])
    target = ContactList.objects.get(name="Clients")
    assert (target.fields, target.field_types) == (["first_name", "city", "suma"], None)
    assert Contact.objects.order_by("pk")[0].fields["suma"] == "12,5"


def test_a_large_file_is_opened_by_a_worker(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MAX_OPENED_AT_ONCE", 10)
    made = upload(api, columns=json.dumps(COLUMNS), start="true").json()
    assert (made["state"], made["columns"], made["layout"]) == ("reading", [], None)
    work(made["id"])
    assert api.get(f"imports/{made['id']}").json()["state"] == "finished"
    wrong = upload(api, list_name="B", columns=json.dumps([{"column": "X"}]), start="1").json()
    work(wrong["id"])
    stuck = api.get(f"imports/{wrong['id']}").json()
    assert (stuck["state"], stuck["is_under_way"]) == ("uploaded", False)
    assert "“X”" in stuck["problem"]


def test_text_is_imported_too_and_its_owner_has_to_be_allowed_to(api: ApiClient) -> None:
    text = "phone,city\n0971110001,Kyiv\n"
    made = api.post("imports", {"list_name": "Pasted", "text": text, "start": True}).json()
    api.token.owner.role = Role.VIEWER
    api.token.owner.save()
    work(made["id"])
    stuck = Import.objects.get(pk=made["id"])
    assert (stuck.state, "may no longer import" in stuck.failure) == (ImportState.CHECKED, True)


def test_a_sheet_that_is_not_there_fails(api: ApiClient) -> None:
    content = Path("tests/contacts/files/balances.xlsx").read_bytes()
    made = api.upload(
        "imports/file", ("a.xlsx", content), {"list_name": "A", "sheet": "Nowhere", "start": "1"}
    ).json()
    assert (made["state"], made["is_under_way"]) == ("failed", False)
    assert "Nowhere" in made["problem"]


def test_an_address_is_fetched_and_shown_in_part(api: ApiClient) -> None:
    body = {"list_name": "Table", "address": "https://tables.example.com/secret/people.csv"}
    made = api.post("imports", body).json()
    assert (made["state"], made["is_under_way"]) == ("reading", True)
    assert "secret" not in json.dumps(made)
    both = api.post("imports", body | {"text": "x"})
    assert both.json()["errors"][0]["field"] == "address"
    bad = api.post("imports", body | {"address": "ftp://x"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "address")
    cancelled = api.post(f"imports/{made['id']}/cancel", None)
    assert cancelled.json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("values", "field", "status"),
    [
        ({"list_id": 10**9}, "list_id", 422),
        ({"list_name": "Taken"}, "list_name", 409),
        ({"country": "XX"}, "country", 422),
        ({"start": "maybe"}, "start", 422),
        ({"columns": "[{]"}, "columns", 422),
        ({"colums": "[]"}, "colums", 422),
    ],
)
def test_bad_values_are_named(
    api: ApiClient, values: dict[str, Any], field: str, status: int
) -> None:
    api.post("lists", {"name": "Taken"})
    answer = upload(api, **values)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    assert not Import.objects.exists()


def test_files_that_are_none(api: ApiClient) -> None:
    empty = api.upload("imports/file", ("a.csv", b""), {})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "file")
    page = api.upload("imports/file", ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(99)), {})
    assert (page.status_code, page.json()["errors"][0]["field"]) == (422, "file")
    assert not Import.objects.exists()
    as_json = api.post("imports/file", {"list_name": "A"})
    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_media_type")
    elsewhere = api.upload("lists", FILE, {})
    assert elsewhere.status_code == 415


def test_phones_are_masked_without_the_permission(api_of: MakeClient) -> None:
    api = api_of(scopes={Permission.VIEW, Permission.EDIT_CONTACTS})
    made = upload(api).json()
    assert made["columns"][0]["examples"][:2] == ["••••••••••", "+••••••••••••"]
    api.put(f"imports/{made['id']}/columns", {"columns": COLUMNS, "start": True})
    work(made["id"])
    Import.objects.get(pk=made["id"]).rejected_rows.update(row=["097-111", "x"])
    [row] = api.get(f"imports/{made['id']}/rejected-rows").json()["items"]
    assert row["cells"] == ["•••-•••", "x"]
    assert api.get(f"imports/{made['id']}/rejected-rows.csv").status_code == 403
    assert "97111" not in api.get(f"imports/{made['id']}").content.decode()


def test_an_import_of_a_command_has_no_check(api: ApiClient) -> None:
    made = Import.objects.create(
        file_name="a.csv", state=ImportState.FINISHED, checked={"guessed": {}}
    )
    assert api.get(f"imports/{made.pk}").json()["check"] is None


def test_the_list_of_imports(api: ApiClient) -> None:
    first, second = upload(api).json(), upload(api, list_name="B").json()
    api.post(f"imports/{first['id']}/cancel", None)
    answer = api.get("imports")
    assert answer.status_code == 200, answer.content
    ids = [row["id"] for row in answer.json()["items"]]
    assert ids == [second["id"], first["id"]]
    [row] = api.get("imports?state=cancelled").json()["items"]
    assert row["id"] == first["id"]
    assert api.get("imports?state=lost").status_code == 422


def test_a_schedule_from_its_beginning_to_its_end(api: ApiClient) -> None:
    made = api.post(
        "imports", {"list_name": "Table", "address": "https://tables.example.com/people.csv"}
    ).json()
    body = {"import_id": made["id"], "rhythm": "weekly", "weekday": 2, "at": "06:30"}
    early = api.post("import-schedules", body)
    assert (early.status_code, early.json()["code"]) == (409, "refused")
    target = ContactList.objects.create(name="Table")
    Import.objects.filter(pk=made["id"]).update(
        state=ImportState.FINISHED, list=target, rows=10, rejected=1
    )
    without_time = api.post("import-schedules", {"import_id": made["id"]})
    assert without_time.json()["errors"][0]["field"] == "at"
    schedule = api.post("import-schedules", body).json()
    assert (schedule["at"], schedule["weekday"]) == ("06:30:00", 2)
    assert (schedule["max_rejected_percent"], schedule["list_name"]) == (20, "Table")
    address = f"import-schedules/{schedule['id']}"
    assert api.patch(address, {"paused": True}).json()["paused"] is True
    assert api.post(f"{address}/run", None).json()["code"] == "wrong_state"
    assert api.patch(address, {"paused": False}).json()["paused"] is False
    assert api.post(f"{address}/run", None).json()["next_run_at"] < schedule["next_run_at"]
    assert [row["id"] for row in api.get("import-schedules").json()["items"]] == [schedule["id"]]
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_only_operations_with_files_take_large_bodies(api: ApiClient) -> None:
    mark = f"Bearer {api.text}"
    assert body_limits.limit("/api/v1/imports/file", "", mark) == body_limits.FILE
    assert body_limits.limit("/api/v1/pictures", "", mark) == body_limits.IMAGE
    assert body_limits.limit("/api/v1/imports", "", mark) == body_limits.API
    assert body_limits.limit("/api/v1/imports/file", "", "") == body_limits.ANONYMOUS


def test_the_operations_with_files_are_known() -> None:
    with_files = {
        path
        for path, operations in openapi()["paths"].items()
        for operation in operations.values()
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }
    assert with_files == set(body_limits.API_FILES)
