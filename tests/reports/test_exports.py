"""Files that are exact and harmless."""

import io
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from campaigns.shared.table_export import Cell, csv_lines, safe, written
from campaigns.shared.xlsx_export import workbook


@pytest.mark.parametrize("text", ["=1+1", "+380", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_safe_disarms_formulas(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Olena", "380501234567", " =1"])
def test_safe_leaves_the_rest_alone(text: str) -> None:
    assert safe(text) == text


def test_written() -> None:
    assert written(None) == ""
    assert written(7) == "7"
    assert written(Decimal("-0.0234567")) == "-0.0234567"
    assert written(Decimal("460")) == "460.00"
    assert written(datetime(2026, 11, 23, 5, 0, tzinfo=UTC)) == "2026-11-23T05:00:00+00:00"


def test_csv_lines_are_these_bytes() -> None:
    rows: list[tuple[Cell, ...]] = [
        ("name", "amount"),
        ("=Сума, “50 %”", Decimal("0.02")),
        ("two\nlines", None),
    ]
    assert b"".join(csv_lines(rows)) == (
        b"\xef\xbb\xbfname,amount\r\n\"'="
        + "Сума, “50 %”".encode()
        + b'",0.02\r\n"two\nlines",\r\n'
    )


def sheet(data: bytes) -> Sequence[Sequence[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


def test_workbook_opens_and_keeps_text_and_numbers() -> None:
    data = b"".join(
        workbook(
            [
                ("phone", "amount", "n"),
                ("380501234567", Decimal("-0.0234567"), 3),
                ("=1+1 <&>", None, 0),
            ]
        )
    )
    assert sheet(data) == [
        ["phone", "amount", "n"],
        ["380501234567", -0.0234567, 3.0],
        ["=1+1 <&>", "", 0.0],
    ]
    page = load_workbook(io.BytesIO(data)).active
    assert page is not None
    assert [page["A3"].data_type, page["A2"].data_type, page["B2"].data_type] == [
        "s",
        "s",
        "n",
    ]  # text, never a formula
    assert b"<v>-0.0234567</v>" in load_part(data)


def load_part(data: bytes) -> bytes:
    from zipfile import ZipFile

    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.read("xl/worksheets/sheet1.xml")


def test_workbook_drops_what_xml_cannot_hold() -> None:
    assert sheet(b"".join(workbook([("a\x00b\x0bc\ud800", "é\nу")]))) == [["abc", "é\nу"]]


def test_workbook_does_not_grow_with_its_rows() -> None:
    def rows(number: int) -> Iterator[tuple[str, Decimal]]:
        for row in range(number):
            yield f"38050{row:07d}", Decimal(row).scaleb(-7)

    peaks = []
    for number in (2_000, 20_000):
        tracemalloc.start()
        for _piece in workbook(rows(number)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
