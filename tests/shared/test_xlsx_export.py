"""XLSX files, read back by another library."""

import io
import tempfile
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from pytest_django import Settings
from python_calamine import CalamineWorkbook

from campaigns.shared.table_columns import Column, Kind, Rows
from campaigns.shared.xlsx_export import ROWS_MAX, workbook

COLUMNS = (
    Column("phone"),
    Column("number", Kind.NUMBER),
    Column("amount", Kind.MONEY),
    Column("sent_at", Kind.TIME),
    Column("day", Kind.DAY),
)
SUMMER = datetime(2026, 7, 31, 21, 5, 9, 999_999, tzinfo=UTC)  # the next day in Kyiv, at UTC+3


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def kyiv(settings: Settings) -> None:
    settings.TIME_ZONE, settings.SITE_ZONE = "Europe/Kyiv", ZoneInfo("Europe/Kyiv")


def content(columns: tuple[Column, ...], rows: Rows, rows_max: int = ROWS_MAX) -> bytes:
    with workbook(columns, rows, rows_max) as file:
        return file.read()


def naive(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a spreadsheet's times have no zone


def sheets(data: bytes) -> list[Any]:
    return list(load_workbook(io.BytesIO(data)).worksheets)


def values(sheet: Any) -> list[tuple[object, ...]]:
    return list(sheet.iter_rows(values_only=True))


def part(data: bytes, name: str = "xl/worksheets/sheet1.xml") -> str:
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.read(name).decode()


def test_workbook_keeps_values_types_and_formats() -> None:
    row = ("380501234567", 41, Decimal("-1234.0234567"), SUMMER, date(2026, 8, 1))
    [sheet] = sheets(content(COLUMNS, [row]))
    assert sheet.title == "ViberDash"
    assert values(sheet) == [
        ("phone", "number", "amount", "sent_at (Europe/Kyiv)", "day"),
        ("380501234567", 41, -1234.0234567, naive(2026, 8, 1, 0, 5, 9), naive(2026, 8, 1)),
    ]
    assert [(cell.data_type, cell.number_format) for cell in sheet[2]] == [
        ("s", "@"),
        ("n", "0"),
        ("n", "#,##0.00#####"),
        ("d", "yyyy-mm-dd hh:mm:ss"),
        ("d", "yyyy-mm-dd"),
    ]
    assert {cell.font.bold for cell in sheet[1]} == {True}


def test_workbook_leaves_unknown_values_empty() -> None:
    [sheet] = sheets(
        content(COLUMNS, [("", None, None, None, None), ("1", 0, Decimal(0), None, None)])
    )
    assert values(sheet)[1:] == [(None,) * 5, ("1", 0, 0, None, None)]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "{=1+1}", "+380501234567", "-2", "@SUM(A1)", "0501234567", "12", "1E5", "TRUE",
        "2026-03-01", "https://example.com/?a=1&b=<2>", "mailto:a@example.com",
        "internal:'ViberDash'!A1", "external:c:\\x.xlsx", "<r><t>x</t></r>", "<r></r>", "<r>&</r>",
        " spaces ", "two\nlines", "Олена 😀", '"<&>\'',
    ],
)  # fmt: skip
def test_workbook_writes_text_as_text(text: str) -> None:
    data = content((Column(text),), [(text,)])
    [sheet] = sheets(data)
    assert values(sheet) == [(text,), (text,)]
    assert {(cell.data_type, cell.number_format) for cell in sheet["A"]} == {("s", "@")}
    assert "<f>" not in part(data)
    assert "hyperlink" not in part(data)


def test_workbook_drops_characters_invalid_in_xml() -> None:
    texts = ("a\x00b\x0bc\ud800\ufffe", "one\r\ntwo\rthree", "_x0041_", "\x07")
    data = content((Column("a"),), [(text,) for text in texts])
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))  # it knows Excel's own escapes
    assert book.get_sheet_by_index(0).to_python() == [
        ["a"],
        ["abc"],
        ["one\ntwo\nthree"],
        ["_x0041_"],
        [""],
    ]


def test_workbook_cuts_text_to_the_limit_of_a_cell() -> None:
    [sheet] = sheets(content((Column("a"),), [("я" * 40_000,)]))
    assert sheet["A2"].value == "я" * 32_767


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "0.00"), ("460.0000000", "460.00"), ("0.0000001", "1E-7"),
        ("-0.0234567", "-0.0234567"), ("9.0071993", "9.0071993"),
        ("99999999.9999999", "99999999.9999999"),
        ("-12345678.1234567", "-12345678.1234567"), ("900000000000.00", "900000000000.00"),
    ],
)  # fmt: skip
def test_workbook_writes_amounts_as_the_decimals_they_are(amount: str, written: str) -> None:
    data = content((Column("amount", Kind.MONEY),), [(Decimal(amount),)])
    assert f"<v>{written}</v>" in part(data)
    assert sheets(data)[0]["A2"].value == float(amount)


@pytest.mark.parametrize("amount", ["100000000.0000001", "-922337203685.4775807"])
def test_workbook_writes_amounts_of_more_than_15_digits_as_text(amount: str) -> None:
    cell = sheets(content((Column("amount", Kind.MONEY),), [(Decimal(amount),)]))[0]["A2"]
    assert (cell.value, cell.data_type) == (amount, "s")


def test_workbook_keeps_the_head_in_sight() -> None:
    data = content(COLUMNS, [("380501234567", 1, Decimal(1), SUMMER, None)] * 2)
    [sheet] = sheets(data)
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.dimensions) == ("A2", "A1:E3", "A1:E3")
    assert '<ignoredError sqref="A1:E1048576" numberStoredAsText="1"/>' in part(data)


def test_workbook_has_columns_as_wide_as_their_values() -> None:
    columns = (*COLUMNS, Column("nothing"), Column("long"), Column("a_head_that_is_rather_long"))
    rows = [("380501234567", 1, Decimal(1), SUMMER, None, "", "x" * 60, "x")] * 2
    data = content(columns, rows)
    widths = [sheets(data)[0].column_dimensions[letter].width for letter in "ABCDEFGH"]
    assert [int(width) for width in widths] == [13, 9, 15, 23, 11, 9, 50, 28]


def test_workbook_takes_widths_from_its_first_rows_alone() -> None:
    rows = [("x" * 5,)] * 100 + [("x" * 40,)]
    assert int(sheets(content((Column("a"),), rows))[0].column_dimensions["A"].width) == 6


@pytest.mark.parametrize(
    ("number", "numbers"),
    [
        (0, [[]]),
        (1, [[0]]),
        (2, [[0, 1]]),
        (3, [[0, 1], [2]]),
        (4, [[0, 1], [2, 3]]),
        (5, [[0, 1], [2, 3], [4]]),
    ],
)
def test_workbook_continues_on_another_sheet(number: int, numbers: list[list[int]]) -> None:
    columns = (Column("n", Kind.NUMBER), Column("text"))
    made = sheets(content(columns, ((n, "x") for n in range(number)), rows_max=3))
    assert [values(sheet) for sheet in made] == [
        [("n", "text"), *((n, "x") for n in sheet)] for sheet in numbers
    ]
    titles = ["ViberDash", "ViberDash 2", "ViberDash 3"]
    assert [sheet.title for sheet in made] == titles[: len(numbers)]
    assert {sheet.freeze_panes for sheet in made} == {"A2"}
    assert [sheet.auto_filter.ref for sheet in made] == [
        f"A1:B{1 + len(sheet)}" for sheet in numbers
    ]
    assert len({sheet.column_dimensions["A"].width for sheet in made}) == 1


def test_workbook_leaves_no_file_behind(folder: Path) -> None:
    with workbook((Column("a"),), [("x",)] * 3, rows_max=2) as file:
        assert list(folder.iterdir()) == []
        assert file.read(2) == b"PK"
    assert list(folder.iterdir()) == []


def test_workbook_leaves_no_file_behind_where_reading_fails(folder: Path) -> None:
    def rows() -> Iterator[tuple[str]]:
        yield from [("x",)] * 1_000
        assert list(folder.iterdir()) != []
        raise ConnectionError("database")

    with pytest.raises(ConnectionError, match="database"):
        workbook((Column("a"),), rows(), rows_max=200)
    assert list(folder.iterdir()) == []


def test_workbook_does_not_grow_with_its_rows() -> None:
    def rows(number: int) -> Iterator[tuple[str, Decimal]]:
        for row in range(number):
            yield f"38050{row:07d}", Decimal(row).scaleb(-7)

    peaks = []
    for number in (1_000, 10_000):
        tracemalloc.start()
        workbook((Column("phone"), Column("amount", Kind.MONEY)), rows(number)).close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
