"""Tables that other programs read wrongly. Each is made here after a report, which is named."""

from pathlib import Path

import openpyxl
import pytest

from campaigns.contacts.importing.column_mapping import ColumnMapping, column_names, propose
from campaigns.contacts.importing.csv_reader import Layout, read_sample
from campaigns.contacts.importing.file_types import unpack
from campaigns.contacts.importing.reading.layout_detection import detect
from campaigns.contacts.phones.parsing import Phone, Reason, parse_cell


def _read(path: Path) -> tuple[Layout, list[list[str]], ColumnMapping]:
    layout = detect(path, "UA")
    rows = read_sample(path, layout)
    return layout, rows, propose(rows, layout, "UA")


def _read_text(tmp_path: Path, text: str) -> tuple[Layout, list[list[str]], ColumnMapping]:
    path = tmp_path / "table"
    path.write_bytes(text.encode())
    return _read(path)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        # mholt/PapaParse#829, JoshClose/CsvHelper#107, brutella/swift-csv#3: a space before the
        # quotation mark; the delimiter inside made another column
        (
            'phone, name, city\n0671110001, "A, B", "C"\n0671110002, "D, E", "F"\n',
            [["0671110001", "A, B", "C"], ["0671110002", "D, E", "F"]],
        ),
        # parsecsv/parsecsv-for-php#210: a space behind it; two cells became one
        (
            '"phone" ,"name"\n"0671110001" ,"A"\n"0671110002" ,"B, C"\n',
            [["0671110001 ", "A"], ["0671110002 ", "B, C"]],
        ),
        # JoshClose/CsvHelper#1953, alexpcosta/opengym#7: marks inside a cell without any around it
        (
            'phone,name\n0671110001,A "B" C\n0671110002,D 24"\n0671110003,E\n',
            [["0671110001", 'A "B" C'], ["0671110002", 'D 24"'], ["0671110003", "E"]],
        ),
        # stevehansen/csv#51: at its beginning; the rest of the file became one cell
        (
            'phone\tname\tcity\n0671110001\t"A" B\tC\n0671110002\tD\tE\n',
            [["0671110001", "A B", "C"], ["0671110002", "D", "E"]],
        ),
        # mautic/mautic#5408: the line ends of old Macs, here with the others in one file
        (
            "phone,name\r0671110001,A\r\n0671110002,B\n0671110003,C\r",
            [["0671110001", "A"], ["0671110002", "B"], ["0671110003", "C"]],
        ),
        # herrerad85/tallybook#185, alphagov/notifications-utils#539: two marks of the byte order
        (
            "\ufeff\ufeffphone,name\n0671110001,A\n",
            [["0671110001", "A"]],
        ),
    ],
)  # fmt: skip
def test_cells_stay_in_their_columns(text: str, rows: list[list[str]], tmp_path: Path) -> None:
    layout, read, mapping = _read_text(tmp_path, text)
    assert (layout.header, read[1:], mapping.phones) == (True, rows, [0])
    assert mapping.fields[1] == "name"


@pytest.mark.parametrize(
    "text",
    [
        # deephaven/deephaven-core#1800, thephpleague/csv#543: a delimiter behind the last cell
        "phone;name;\n0671110001;A;\n0671110002;B;\n",
        # OpenDataRepository/data-publisher#84: many of them
        "phone;name;;;;\n0671110001;A;;;;\n0671110002;B;;;;\n",
        # mautic/mautic#610: only in some rows
        "phone;name\n0671110001;A;\n0671110002;B\n",
    ],
)
def test_a_column_without_name_and_values_becomes_no_field(text: str, tmp_path: Path) -> None:
    mapping = _read_text(tmp_path, text)[2]
    assert (mapping.phones, mapping.fields) == ([0], {1: "name"})


def test_a_column_without_a_name_keeps_its_values(tmp_path: Path) -> None:
    """dfinke/ImportExcel#1345: what had no name was lost."""
    mapping = _read_text(tmp_path, "phone,name,\n0671110001,A,\n0671110002,B,VIP\n")[2]
    assert mapping.fields == {1: "name", 2: "column_c"}


def test_columns_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    """SpartnerNL/Laravel-Excel#2129, nodebox/nodebox#73: the last one replaced the others."""
    text = "phone,phone,name,name\n0671110001,0501110001,A,B\n0671110002,,C,D\n"
    mapping = _read_text(tmp_path, text)[2]
    assert (mapping.phones, mapping.fields) == ([0, 1], {2: "name", 3: "name_2"})


def test_a_header_again_and_a_row_of_totals_are_no_contacts(tmp_path: Path) -> None:
    """wpninjas/ninja-forms#2404, whitfin/s3-concat#3; CrestApps/CrestApps.Core#160."""
    text = "phone,name,sum\n0671110001,A,5\nphone,name,sum\n0671110002,B,6\nTotal,,11\n2,,11\n"
    _layout, rows, mapping = _read_text(tmp_path, text)
    assert mapping.phones == [0]
    verdicts = [parse_cell(row[0], "UA") for row in rows[1:]]
    assert verdicts == [
        Phone("380671110001", "UA"),
        Reason.LETTERS,
        Phone("380671110002", "UA"),
        Reason.LETTERS,
        Reason.TOO_SHORT,
    ]


def test_merged_cells_above_the_names_of_columns(tmp_path: Path) -> None:
    """SheetJS/sheetjs#133, frictionlessdata/tabulator-py#320, rap2hpoutre/fast-excel#174."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Клієнт", None, "Покупки", None],
        ["Телефон", "Ім'я", "Місто", "Бонус"],
        ["0671110001", "А", "Київ", 5],
        ["0671110002", "Б", "Львів", 6],
    ):
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("C1:D1")
    book.save(tmp_path / "book.xlsx")
    layout, rows, mapping = _read(unpack(tmp_path / "book.xlsx").path)
    assert (layout.skip_rows, column_names(rows, layout)) == (
        1,
        ["Телефон", "Ім'я", "Місто", "Бонус"],
    )
    assert (mapping.phones, list(mapping.fields)) == ([0], [1, 2, 3])
    assert len(rows) == 3
