"""Imports from a file to contacts on a list, on the database of the run."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from campaigns.contacts.importing import claims, contact_store, lifecycle, runner
from campaigns.contacts.importing import rows as rows_module
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import (
    Contact,
    ContactList,
    Import,
    ImportState,
    RejectedRow,
    StopListEntry,
)
from campaigns.contacts.phones.parsing import Reason
from tests.contacts.conftest import PEOPLE

Write = Callable[..., Path]
pytestmark = pytest.mark.django_db


def _import(path: Path, name: str = "Clients") -> Import:
    made = lifecycle.create_queued_import(path, name, "", "UA")
    assert runner.run(made.pk) is Outcome.DONE
    made.refresh_from_db()
    return made


def _counts(done: Import) -> dict[str, int]:
    names = ("rows", "new", "updated", "unchanged", "duplicates", "stop_listed", "rejected")
    counts = {name: getattr(done, name) for name in names}
    assert counts["rows"] == sum(value for name, value in counts.items() if name != "rows")
    return counts


def _list(name: str = "Clients") -> ContactList:
    return ContactList.objects.get(name=name)


def test_run_writes_contacts_with_merge_tags(write: Write) -> None:
    done = _import(write(PEOPLE))
    assert done.state == ImportState.FINISHED
    assert _counts(done) == {
        "rows": 7, "new": 3, "updated": 0, "unchanged": 0, "duplicates": 1, "stop_listed": 0,
        "rejected": 3,
    }  # fmt: skip
    assert done.rejected_by_reason == {"not_a_mobile": 1, "empty": 1, "spreadsheet_number": 1}
    assert list(Contact.objects.order_by("id").values_list("msisdn", "country", "fields")) == [
        ("380972920283", "UA", {"first_name": "Олена", "city": "Київ"}),
        ("380501234567", "UA", {"first_name": "Іван"}),
        ("380671112233", "UA", {"first_name": 'Марія "Мері"', "city": "Львів"}),
    ]
    assert (_list().contact_count, _list().countries, _list().fields) == (
        3,
        {"UA": 3},
        ["first_name", "city"],
    )
    assert set(Contact.objects.values_list("source", flat=True)) == {done.pk}


def test_run_keeps_rejected_rows_as_they_were(write: Write) -> None:
    done = _import(write(PEOPLE))
    rows = (
        RejectedRow.objects.filter(source=done)
        .order_by("row_number")
        .values_list("row_number", "row", "reason")
    )
    assert list(rows) == [
        (6, ["044 123 45 67", "Офіс", "Київ"], Reason.NOT_A_MOBILE),
        (7, ["", "Ніхто", ""], Reason.EMPTY),
        (8, ["3.80973E+11", "Ексель", ""], Reason.SPREADSHEET_NUMBER),
    ]


def test_run_again_changes_nothing(write: Write) -> None:
    _import(write(PEOPLE))
    again = _import(write(PEOPLE))
    assert _counts(again)["unchanged"] == 3
    assert _counts(again)["new"] == 0
    assert _list().contact_count == 3


def test_run_updates_merge_tags_and_keeps_those_not_in_the_file(write: Write) -> None:
    _import(write(PEOPLE))
    newer = [
        ["phone", "first_name", "bonus"],
        ["380972920283", "Олена", "20"],
        ["380501234567", "", ""],
    ]
    done = _import(write(newer))
    assert (_counts(done)["updated"], _counts(done)["unchanged"]) == (1, 1)
    fields = dict(Contact.objects.values_list("msisdn", "fields"))
    assert fields["380972920283"] == {"first_name": "Олена", "city": "Київ", "bonus": "20"}
    assert fields["380501234567"] == {"first_name": "Іван"}
    assert _list().fields == ["first_name", "city", "bonus"]


def test_run_keeps_existing_contacts_unchanged_when_asked(write: Write) -> None:
    _import(write(PEOPLE))
    made = lifecycle.create_queued_import(
        write([["phone", "first_name"], ["380972920283", "Інша"]]), "Clients", "", "UA"
    )
    made.mapping["existing"] = runner.KEEP_EXISTING
    made.save()
    runner.run(made.pk)
    assert Contact.objects.get(msisdn="380972920283").fields["first_name"] == "Олена"


def test_run_skips_phones_on_the_stop_list(write: Write) -> None:
    StopListEntry.objects.create(msisdn="380501234567")
    done = _import(write(PEOPLE))
    assert (_counts(done)["stop_listed"], _counts(done)["new"], _counts(done)["duplicates"]) == (
        1,
        2,
        1,
    )
    assert not Contact.objects.filter(msisdn="380501234567").exists()


def test_run_continues_where_a_killed_worker_stopped(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module.RowParser.slices, "__defaults__", (0, 2))
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    left = iter([True, False])
    assert runner.run(made.pk, lambda: next(left)) is Outcome.MORE
    made.refresh_from_db()
    assert (made.next_row, made.rows, made.state) == (4, 3, ImportState.RUNNING)
    assert runner.run(made.pk) is Outcome.DONE
    made.refresh_from_db()
    assert _counts(made)["new"] == 3
    assert _counts(made)["duplicates"] == 1
    assert _list().contact_count == Contact.objects.count() == 3


def test_run_rolls_a_slice_back_whole(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")

    class KilledError(Exception):
        pass

    def killed(*_arguments: object) -> bool:
        raise KilledError

    monkeypatch.setattr(runner, "_save_counts", killed)
    with pytest.raises(KilledError):
        runner.run(made.pk)
    assert (Contact.objects.count(), RejectedRow.objects.count(), _list().contact_count) == (
        0,
        0,
        0,
    )
    monkeypatch.undo()
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    runner.run(made.pk)
    assert _list().contact_count == 3


def test_only_one_worker_gets_the_lease(write: Write) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    assert claims.claim_list(made.pk)
    assert claims.claim_list(made.pk) == ""
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claims.claim_list(made.pk)


def test_no_lease_while_another_import_of_the_list_runs(write: Write) -> None:
    first = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    second = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    other = lifecycle.create_queued_import(write(PEOPLE), "Others", "", "UA")
    assert claims.claim_list(first.pk)
    assert not claims.claim_list(second.pk)
    assert claims.claim_list(other.pk)


def test_run_stops_when_cancelled(
    write: Write, monkeypatch: pytest.MonkeyPatch, uploads: Path
) -> None:
    monkeypatch.setattr(rows_module.RowParser.slices, "__defaults__", (0, 2))
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")

    def cancel() -> bool:
        lifecycle.cancel(made.pk)
        return True

    assert runner.run(made.pk, cancel) is Outcome.NOT_MINE
    made.refresh_from_db()
    assert (made.state, made.rows) == (ImportState.CANCELLED, 1)
    assert list(uploads.iterdir()) == []


def test_finished_import_leaves_no_file(write: Write, uploads: Path) -> None:
    _import(write(PEOPLE))
    assert list(uploads.iterdir()) == []


def test_expected_new_rows_may_exist_already(write: Write) -> None:
    _import(write(PEOPLE))
    people = contact_store.ContactRows(
        ["380972920283", "380931112233"], ["UA", "UA"], ['{"city":"Рівне"}', "{}"]
    )
    written = contact_store.write(people, _list().pk, None, update=True, expect_new=True)
    assert (written.new, written.updated, written.unchanged, written.countries) == (
        1,
        1,
        0,
        {"UA": 1},
    )


def test_write_keeps_any_text(write: Write) -> None:
    text = 'a\\b "c"\t\\N\r\nd\x00 \u2028 😀 │'
    done = _import(write([["phone", "note"], ["380972920283", text]]))
    assert done.new == 1
    assert Contact.objects.get().fields == {"note": text.replace("\x00", "")}
    stored = json.dumps(Contact.objects.get().fields, ensure_ascii=False)
    assert "\x00" not in stored


def test_several_phone_columns_give_the_first_valid_phone(write: Write) -> None:
    rows = [
        ["Mobile", "Phone 2", "name"],
        ["", "0501234567", "a"],
        ["0441234567", "", "b"],
        ["0972920283", "0501", "c"],
    ]
    done = _import(write(rows))
    assert done.mapping["phones"] == [0, 1]
    assert sorted(Contact.objects.values_list("msisdn", flat=True)) == [
        "380501234567",
        "380972920283",
    ]
    assert done.rejected_by_reason == {"not_a_mobile": 1}


def test_no_row_is_lost_between_blank_and_short_ones(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text(
        "name,phone,city\nA,0501234567\n\n,\nB,0502345678,Kyiv,extra\n", encoding="utf-8"
    )
    done = _import(path)
    assert (done.rows, done.new, done.rejected_by_reason) == (3, 2, {"empty": 1})
    assert RejectedRow.objects.get().row_number == 4


@pytest.mark.parametrize(
    ("content", "expected_text"),
    [
        (b"", "The file is empty."),
        (b"\n\n", "The file has no rows."),
        (b"name,city\nA,B\n", "No column contains phone numbers. The columns are: name, city."),
        (b"%PDF-1.7 ...", "This is a PDF file, not a table."),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "This is a PNG file, not a table."),
        (bytes(range(256)) * 4, "This is not a table."),
        (b"PK\x03\x04 broken", "The file is damaged"),
        (b'phone,name\n0501234567,"' + b"x" * 200_000, "a cell is longer"),
        (b"x" * 1_000_000, "A line is longer"),
        (
            b",".join(b"c%d" % number for number in range(10_000)),
            "The file has 10000 columns. The maximum is 500.",
        ),
    ],
)
def test_create_queued_import_refuses(
    content: bytes, expected_text: str, tmp_path: Path, uploads: Path
) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    with pytest.raises(ContactsError, match=expected_text):
        lifecycle.create_queued_import(path, "Clients", "", "UA")
    assert not ContactList.objects.exists()
    assert list(uploads.iterdir()) == []


def test_create_queued_import_uses_the_named_column(write: Write) -> None:
    path = write([["a", "b"], ["0501234567", "0972920283"]])
    assert lifecycle.create_queued_import(path, "One", "b", "UA").mapping["phones"] == [1]
    assert lifecycle.create_queued_import(path, "Two", "A", "UA").mapping["phones"] == [0]
    assert lifecycle.create_queued_import(path, "Three", "2", "UA").mapping["phones"] == [1]
    with pytest.raises(ContactsError, match="There is no column “z”"):
        lifecycle.create_queued_import(path, "Four", "z", "UA")


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_import_the_same_rows(write: Write) -> None:
    made = lifecycle.create_queued_import(write(PEOPLE), "Clients", "", "UA")
    barrier = threading.Barrier(4)

    def work() -> None:
        from django.db import connection

        barrier.wait()
        runner.run(made.pk)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    made.refresh_from_db()
    assert made.state == ImportState.FINISHED
    assert _counts(made)["rows"] == 7
    assert _list().contact_count == Contact.objects.count() == 3


def test_seen_phones_recognises_duplicates_of_any_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = rows_module.SeenPhones()
    close = [str(380500000000 + number) for number in range(5_000)]
    spread = [str(10_000_000 + number * 7_654_321) for number in range(500)]
    for _ in range(2):  # as a set, then as bits
        assert seen.new(close) == [True] * 5_000
        assert seen.new([*spread, *spread]) == [True] * 500 + [False] * 500
        assert seen.new([*close, "380500005000", "380500005000"]) == [False] * 5_000 + [True, False]
        monkeypatch.setattr(rows_module, "MAX_SET_SIZE", 0)
        assert seen.new(spread) == [False] * 500
        seen = rows_module.SeenPhones()
