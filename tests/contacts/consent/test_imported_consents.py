"""Imports with consents: what is written, what is left, what is counted, and the undo."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.contacts.consent import wordings
from campaigns.contacts.consent.mapping import ConsentMapping
from campaigns.contacts.importing import dry_run, lifecycle, runner
from campaigns.contacts.importing.reading.consent_columns import ConsentChoice, propose_consent
from campaigns.contacts.lists import stop_list
from campaigns.contacts.models import (
    ConsentRecord,
    ConsentWording,
    Contact,
    Import,
    Person,
    RejectedRow,
    StopListEntry,
)
from campaigns.contacts.people import person
from campaigns.contacts.undo import lifecycle as undo_lifecycle
from campaigns.contacts.undo import runner as undo_runner
from tests.contacts.consent.records import differing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db")]
Write = Callable[..., Path]
WORDING = "Yes, send me offers."
EVERYBODY = ConsentChoice(day="2026-03-01", source="shop", wording=WORDING)
COLUMNS = ConsentChoice(
    {"consent": "agreed", "day": "day", "source": "how", "wording": "text"}, source="file"
)
HEAD = ["phone", "agreed", "day", "how", "text"]
NOW = "2026-03-31T12:00Z"
PHONES = [f"38050123456{digit}" for digit in range(10)]


def queue(path: Path, choice: ConsentChoice | None) -> Import:
    return lifecycle.create_queued_import(path, "Clients", "phone", "UA", consent=choice)


def run(path: Path, choice: ConsentChoice | None) -> Import:
    made = queue(path, choice)
    runner.run(made.pk)
    made.refresh_from_db()
    assert made.state == "finished", made.failure
    return made


def consents() -> dict[str, tuple[str, str, str, str]]:
    """Phone -> consent, day, source, wording."""
    rows = Person.objects.select_related("consent_wording").order_by("msisdn")
    return {
        row.msisdn: (
            row.consent,
            str(row.consent_on or ""),
            row.consent_source,
            row.consent_wording.text if row.consent_wording else "",
        )
        for row in rows
    }


def enter(msisdn: str, **values: str) -> None:
    seen = person.values_of(person.find(msisdn))
    assert person.change(msisdn, seen | values, seen, None) == {}


def test_everybody_in_a_file_agreed(write: Write) -> None:
    made = run(write([["phone"], [PHONES[0]], [PHONES[1]], [PHONES[0]], ["12"]]), EVERYBODY)
    given = ("given", "2026-03-01", "shop", WORDING)
    assert consents() == {PHONES[0]: given, PHONES[1]: given}
    assert made.consents == {"given": 2}
    assert (made.new, made.duplicates, made.rejected) == (2, 1, 1)
    assert ConsentWording.objects.count() == 1
    assert set(ConsentRecord.objects.values_list("imported", "is_undo")) == {(made.pk, False)}
    assert set(Person.objects.values_list("version", flat=True)) == {1}
    assert differing() == []


@time_machine.travel(NOW)
def test_columns_say_who_agreed_when_how_and_to_what(write: Write) -> None:
    rows = [
        HEAD,
        [PHONES[0], "так", "31.12.2025", "form", "I agree."],
        [PHONES[1], "ні", "2026-01-05T10:20:30Z", "", "I agree."],
        [PHONES[2], "", "05.01.2026", "form", ""],
        [PHONES[3], "N/A", "", "", ""],
        [PHONES[4], "maybe", "05.01.2026", "form", ""],
        [PHONES[5], "yes", "01.04.2026", "form", ""],
        [PHONES[6], "given", "", "", ""],
        [PHONES[7], "yes", "soon", "", ""],
    ]
    made = run(write(rows), COLUMNS)
    assert consents() == {
        PHONES[0]: ("given", "2025-12-31", "form", "I agree."),
        PHONES[1]: ("withdrawn", "2026-01-05", "file", ""),
        PHONES[6]: ("given", "2026-03-31", "file", ""),
    }
    assert made.consents == {"given": 2, "withdrawn": 1, "unread": 3}
    assert list(RejectedRow.objects.order_by("row_number").values_list("row_number", "reason")) == [
        (6, "consent"),
        (7, "consent_day"),
        (9, "consent_day"),
    ]
    assert (made.new, made.rejected, Contact.objects.count()) == (8, 0, 8)
    entry = StopListEntry.objects.get()
    assert (entry.msisdn, entry.reason) == (
        PHONES[1],
        "Consent withdrawn, by the file people.csv",
    )
    assert differing() == []


def test_withdrawn_consent_is_not_given_back(write: Write) -> None:
    enter(PHONES[0], consent="withdrawn", consent_on="2026-01-01")
    made = run(write([["phone"], [PHONES[0]], [PHONES[1]]]), EVERYBODY)
    assert consents()[PHONES[0]] == ("withdrawn", "2026-01-01", "", "")
    assert made.consents == {"given": 1, "kept_withdrawn": 1}
    assert made.stop_listed == 1


def test_an_older_day_replaces_no_newer_one(write: Write) -> None:
    enter(PHONES[0], consent="given", consent_on="2026-03-02", consent_source="phone")
    enter(PHONES[1], consent="given", consent_on="2026-02-28", consent_source="phone")
    enter(PHONES[2], consent="given", consent_on="2026-03-01", consent_source="phone")
    made = run(write([["phone"], PHONES[:1], PHONES[1:2], PHONES[2:3]]), EVERYBODY)
    given = ("given", "2026-03-01", "shop", WORDING)
    assert consents() == {
        PHONES[0]: ("given", "2026-03-02", "phone", ""),
        PHONES[1]: given,
        PHONES[2]: given,
    }
    assert made.consents == {"given": 2, "older": 1}
    assert differing() == []


def test_a_withdrawal_of_an_older_day_is_left(write: Write) -> None:
    enter(PHONES[0], consent="given", consent_on="2026-03-02", consent_source="phone")
    made = run(write([HEAD, [PHONES[0], "no", "2026-03-01", "", ""]]), COLUMNS)
    assert made.consents == {"older": 1}
    assert not StopListEntry.objects.exists()


@time_machine.travel(NOW)
def test_the_same_file_again_records_nothing(write: Write) -> None:
    path = write([HEAD, [PHONES[0], "yes", "", "", ""], [PHONES[1], "no", "", "", ""]])
    run(path, COLUMNS)
    with time_machine.travel("2026-04-05T12:00Z"):
        again = run(path, COLUMNS)
    assert again.consents == {"unchanged": 2}
    assert ConsentRecord.objects.count() == 2
    assert StopListEntry.objects.count() == 1


def test_a_phone_on_the_stop_list_gets_no_row(write: Write) -> None:
    """It may be one that was erased."""
    stop_list.add_phones(PHONES[:2], "Erased", None)
    Person.objects.create(msisdn=PHONES[1], notes="VIP")
    rows = [HEAD, [PHONES[0], "yes", "", "", ""], [PHONES[1], "no", "2026-01-05", "", ""]]
    made = run(write(rows), COLUMNS)
    assert consents() == {PHONES[1]: ("withdrawn", "2026-01-05", "file", "")}
    assert (made.consents, made.stop_listed) == ({"withdrawn": 1}, 2)
    assert set(StopListEntry.objects.values_list("reason", flat=True)) == {"Erased"}


@pytest.mark.parametrize("killed_after", [1, 2])
def test_an_import_that_was_killed_has_the_same_result(
    write: Write, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    monkeypatch.setattr("campaigns.contacts.importing.rows.FIRST_ROWS", 3)
    monkeypatch.setattr("campaigns.contacts.importing.rows.RowParser.slices.__defaults__", (0, 3))
    rows = [
        HEAD,
        *([phone, "no" if phone in PHONES[:2] else "yes", "", "", ""] for phone in PHONES),
    ]
    made = queue(write(rows), COLUMNS)
    runner.run(made.pk, iter([True] * (killed_after - 1) + [False]).__next__)
    runner.run(made.pk)
    made.refresh_from_db()
    assert made.consents == {"given": 8, "withdrawn": 2}
    assert ConsentRecord.objects.count() == 10
    assert differing() == []


def test_an_import_without_consent_asks_for_no_person(write: Write) -> None:
    made = queue(write([["phone"], PHONES[:1]]), None)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        runner.run(made.pk)
    assert not [query["sql"] for query in queries if "person" in query["sql"].lower()]
    assert not [query["sql"] for query in queries if '"consents" =' in query["sql"]]
    made.refresh_from_db()
    assert made.consents is None


def undo(made: Import) -> Import:
    undo_lifecycle.start(made.pk, None)
    undo_runner.run(made.pk)
    made.refresh_from_db()
    assert made.state == "undone"
    return made


@time_machine.travel(NOW)
def test_undo_sets_consents_back_unless_somebody_changed_them(write: Write) -> None:
    enter(PHONES[0], consent="given", consent_on="2025-01-01", consent_source="phone")
    enter(PHONES[3], consent="given", consent_on="2025-01-01", consent_source="phone")
    rows = [HEAD, *([phone, "yes", "2026-01-05", "", "I agree."] for phone in PHONES[:3])]
    made = run(write([*rows, [PHONES[3], "no", "2026-01-05", "", ""]]), COLUMNS)
    enter(PHONES[2], consent="given", consent_on="2026-02-02", consent_source="by phone")
    assert undo_lifecycle.preview(made).consents == 3
    undone = undo(made)
    assert undone.undo.consents == 3
    assert consents() == {
        PHONES[0]: ("given", "2025-01-01", "phone", ""),
        PHONES[1]: ("unknown", "", "", ""),
        PHONES[2]: ("given", "2026-02-02", "by phone", "I agree."),
        PHONES[3]: ("given", "2025-01-01", "phone", ""),
    }
    assert StopListEntry.objects.get().msisdn == PHONES[3]
    assert ConsentRecord.objects.filter(imported=made, is_undo=True).count() == 3
    assert differing() == []


def test_an_import_of_consents_alone_can_be_undone(write: Write) -> None:
    path = write([["phone"], PHONES[:1]])
    run(path, None)
    made = run(path, EVERYBODY)
    assert (made.new, made.updated, made.unchanged) == (0, 0, 1)
    undo(made)
    assert consents() == {PHONES[0]: ("unknown", "", "", "")}
    assert Contact.objects.count() == 1


def test_columns_are_proposed_by_their_names() -> None:
    names = [
        "Телефон",
        "Згода",
        "Дата згоди",
        "Джерело згоди",
        "Consent wording",
        "Opt-in",
        "Місто",
    ]
    assert propose_consent(names) == {"consent": 1, "day": 2, "source": 3, "wording": 4}
    assert propose_consent(["phone", "Opt-in"]) == {"consent": 1}
    assert propose_consent(["phone", "consent", "consent_on", "consent_source"]) == {
        "consent": 1, "day": 2, "source": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "stored"),
    [(["05.01.2026", "13.01.2026"], date(2026, 1, 5)), (["01/13/2026"] * 2, date(2026, 1, 13))],
)
def test_order_of_days_is_that_of_the_values(write: Write, days: list[str], stored: date) -> None:
    rows = [HEAD, *([phone, "yes", day, "", ""] for phone, day in zip(PHONES, days, strict=False))]
    run(write(rows), COLUMNS)
    assert Person.objects.get(msisdn=PHONES[0]).consent_on == stored


def test_a_column_of_names_is_refused_as_wordings(write: Write) -> None:
    rows = [HEAD, *([PHONES[0], "yes", "", "", f"Text {number}"] for number in range(501))]
    rows = [
        HEAD,
        *([f"38050{number:07}", "yes", "", "", f"Name {number}"] for number in range(501)),
    ]
    made = queue(write(rows), COLUMNS)
    runner.run(made.pk)
    made.refresh_from_db()
    assert made.failure == "The column of wordings has more than 500 different texts."


@time_machine.travel(NOW)
def test_a_check_says_what_the_import_does(write: Write) -> None:
    run(write([["phone"], PHONES[:1], PHONES[1:2]]), EVERYBODY)
    enter(PHONES[2], consent="withdrawn")
    rows = [
        [phone, "yes", "2026-03-01", "", text] for phone, text in zip(PHONES, "abcd", strict=False)
    ]
    rows[1][4] = WORDING
    path = write([HEAD, *rows, [PHONES[4], "no", "", "", ""]])
    made = queue(path, ConsentChoice({**COLUMNS.columns}, source="shop"))
    Import.objects.filter(pk=made.pk).update(state="checking")
    dry_run.run(made.pk)
    checked = Import.objects.get(pk=made.pk).checked["consents"]
    Import.objects.filter(pk=made.pk).update(state="queued")
    runner.run(made.pk)
    made.refresh_from_db()
    assert {name: number for name, number in checked.items() if number} == made.consents
    assert made.consents == {"given": 2, "withdrawn": 1, "unchanged": 1, "kept_withdrawn": 1}


def problems(**chosen: Any) -> list[tuple[str, str]]:
    return list(ConsentMapping(**chosen).find_problems())


def test_what_is_missing_is_named() -> None:
    assert [part for part, _text in problems()] == ["source", "day"]
    assert problems(source="shop", day="2026-01-05") == []
    assert problems(columns={"consent": 1, "source": 2}) == []
    assert problems(source="shop", day="2999-01-01") == [("day", "This date is in the future.")]
    assert problems(columns={"consent": 1, "day": 1}, source="x") == [
        ("consent", "Choose a different column for each part.")
    ]


def test_wordings_are_stored_together_and_once(write: Write) -> None:
    made = queue(write([["phone"], ["380501234567"]]), EVERYBODY)
    stored = wordings.store("Text 1", made)
    texts = [f"Text {number}" for number in range(50)]
    with CaptureQueriesContext(connection) as queries:
        ids = wordings.store_all([*texts, " Text 7\r\n", ""], made)
    assert len(queries) == 3
    assert stored is not None
    assert (ids["Text 1"], ids[" Text 7\r\n"], ids[""]) == (stored.pk, ids["Text 7"], None)
    rows = dict(ConsentWording.objects.values_list("text", "pk"))
    assert rows == {text: ids[text] for text in texts}
    with CaptureQueriesContext(connection) as queries:
        assert wordings.store_all(texts, made) == {text: ids[text] for text in texts}
    assert len(queries) == 1
