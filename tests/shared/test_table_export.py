"""Files that are exact and harmless."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from campaigns.contacts.phones.cell_texts import clean_value
from campaigns.shared.table_columns import Cell, Column, Kind
from campaigns.shared.table_export import csv_answer, csv_lines, safe, written, xlsx_answer
from campaigns.shared.xlsx_export import workbook


@pytest.mark.parametrize("text", ["=1+1", "+380", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_safe_disarms_formulas(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("Olena;=1+1", "Olena;'=1+1"),
        ("a,@SUM(A1)", "a,'@SUM(A1)"),
        ('a;"=1+1"', 'a;"\'=1+1"'),
        ("a\tb|+1\n-2", "a\tb|'+1\n'-2"),
        ("＝1+1", "'＝1+1"),  # full-width
        ("a;＋1", "a;'＋1"),
        ("－1＠", "'－1＠"),
    ],
)
def test_safe_disarms_formulas_after_whatever_ends_a_cell(text: str, harmless: str) -> None:
    assert safe(text) == harmless
    assert clean_value(harmless) == text


@pytest.mark.parametrize(
    ("value", "exported"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),  # hhurz/tableExport.jquery.plugin#230
        ("-2+3", "'-2+3"),  # netresearch/timetracker#324
        ("-2h", "'-2h"),
        ("@olena", "'@olena"),  # chatwoot/chatwoot#15334
        ("+49 151 1234567", "'+49 151 1234567"),  # iris-connect/iris-client#443
        ("O'Brien", "O'Brien"),
        ("a=b; -1", "a=b; -1"),
        ("1 2 3 ניסיון", "1 2 3 ניסיון"),  # MeirKriheli/python-bidi#10
        ("رسالة (15) Work", "رسالة (15) Work"),  # coredevices/PebbleOS#1972
        ("\u206790 דקות\u2069", "\u206790 דקות\u2069"),  # rdkcentral/Lightning#585
        ("-5 דקות", "'-5 דקות"),
    ],
)
def test_exported_value_comes_back_as_it_was(value: str, exported: str) -> None:
    """guangshinhaha/relief-teacher-planning#434. The order of letters is that of reading."""
    assert safe(value) == exported
    [_head, line] = csv.reader(io.StringIO(b"".join(csv_lines([Column("a")], [(value,)])).decode()))
    assert [clean_value(cell) for cell in line] == [value]
    with workbook([Column("a")], [(value,)]) as file:
        [sheet] = load_workbook(file).worksheets
    assert list(sheet.values) == [("a",), (value,)]


@pytest.mark.parametrize(
    ("phone", "text"),
    [
        ("380501234567", "38050 123 4567"),
        ("4071234567", "407 123 4567"),
        ("1234567", "1234567"),
        ("=1", "'=1"),
        ("", ""),
    ],
)
def test_phone_is_no_number_for_a_spreadsheet(phone: str, text: str) -> None:
    assert written(phone, Kind.PHONE) == text


@pytest.mark.parametrize("text", ["", "Olena", "380501234567", " =1", "a - b", "x=1", "1-2"])
def test_safe_leaves_the_rest_alone(text: str) -> None:
    assert safe(text) == text


def test_written() -> None:
    assert written(None) == ""
    assert written(7) == "7"
    assert written(Decimal("-0.0234567")) == "-0.0234567"
    assert written(Decimal("460")) == "460.00"
    assert written(datetime(2026, 11, 23, 5, 0, tzinfo=UTC)) == "2026-11-23T05:00:00+00:00"
    assert written(date(2026, 11, 23)) == "2026-11-23"


def test_csv_lines_are_these_bytes() -> None:
    columns = [Column("name"), Column("amount", Kind.MONEY)]
    rows: list[tuple[Cell, ...]] = [("=Сума, “50 %”", Decimal("0.02")), ("two\nlines", None)]
    assert b"".join(csv_lines(columns, rows)) == (
        b"\xef\xbb\xbfname,amount\r\n\"'="
        + "Сума, “50 %”".encode()
        + b'",0.02\r\n"two\nlines",\r\n'
    )


def test_csv_answer() -> None:
    answer = csv_answer("some", [Column("a")], [("b",)])
    assert dict(answer.headers) == {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="some.csv"',
        "Cache-Control": "no-store",
    }
    assert b"".join(answer) == b"\xef\xbb\xbfa\r\nb\r\n"


def test_xlsx_answer() -> None:
    answer = xlsx_answer("some", [Column("a")], [("b",)])
    data = b"".join(answer)
    assert answer.file_to_stream
    answer.file_to_stream.close()  # not the answer, which would close the database's connection too
    assert dict(answer.headers) == {
        "Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Content-Disposition": 'attachment; filename="some.xlsx"',
        "Content-Length": str(len(data)),
        "Cache-Control": "no-store",
    }
    [sheet] = load_workbook(io.BytesIO(data)).worksheets
    assert list(sheet.values) == [("a",), ("b",)]
