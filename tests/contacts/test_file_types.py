"""File types: spreadsheets, archives, damaged and hostile files."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from campaigns.contacts.importing.csv_reader import Layout, Reader
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.file_types import unpack
from campaigns.contacts.importing.reading import layout_detection, workbook_parts
from campaigns.contacts.importing.spreadsheets import cell_text

FILES = Path(__file__).parent / "files"
BOMB = 50 << 20  # bytes of zeros: a few hundred kilobytes in the archive


def _rows(path: Path) -> list[list[str]]:
    return Reader(path, Layout()).take(1_000, 1 << 20)


def _workbook(path: Path, rows: list[list[object]], first_row: int = 1) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for number, row in enumerate(rows, first_row):
        for place, cell in enumerate(row, 1):
            sheet.cell(number, place, cell)
    book.save(path)
    return path


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_xlsx_keeps_all_digits(tmp_path: Path) -> None:
    path = _workbook(
        tmp_path / "book",
        [
            ["phone", "name", "day", "share", "vip"],
            [380972920283, "Олена", dt.date(2026, 5, 1), 12.5, True],
        ],
    )
    result = unpack(path)
    assert (result.kind, result.sheet) == ("xlsx", "Sheet")
    assert _rows(result.path) == [
        ["phone", "name", "day", "share", "vip"],
        ["380972920283", "Олена", "2026-05-01", "12.5", "TRUE"],
    ]


def test_xlsx_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "book", [["", "phone"], ["", "0972920283"]], first_row=3)
    assert _rows(unpack(path).path) == [[], [], ["", "phone"], ["", "0972920283"]]


def test_xlsx_uses_the_first_visible_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    book.create_sheet("Empty")
    book.create_sheet("People").append(["0972920283"])
    book.save(tmp_path / "book")
    result = unpack(tmp_path / "book")
    assert (result.sheet, result.sheets) == ("People", ["Empty", "People"])
    assert _rows(result.path) == [["0972920283"]]
    for sheet, text in (
        ("Empty", "The sheet “Empty” is empty."),
        ("Sheet", "The file has no visible sheet “Sheet”."),
    ):
        with pytest.raises(ContactsError, match=text):
            unpack(tmp_path / "book", sheet)
    assert _rows(result.path) == [["0972920283"]], "what was read before is still there"


def test_xlsx_formula_gives_its_value_and_is_never_run(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "book", [["phone", "x"], ["0972920283", "=cmd|' /C calc'!A0"]])
    assert _rows(unpack(path).path)[1] == ["0972920283", ""]


def test_zip_of_one_table(tmp_path: Path) -> None:
    path = _zip(
        tmp_path / "some", {"people.csv": b"phone\n0972920283\n", "__MACOSX/._people.csv": b"x"}
    )
    assert _rows(unpack(path).path) == [["phone"], ["0972920283"]]


def test_zip_of_a_workbook(tmp_path: Path) -> None:
    book = _workbook(tmp_path / "book", [["phone"], ["0972920283"]]).read_bytes()
    result = unpack(_zip(tmp_path / "some", {"people.xlsx": book}))
    assert (result.kind, _rows(result.path)) == ("xlsx", [["phone"], ["0972920283"]])


ODS_CELL = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'


def _ods(path: Path, *tables: str) -> Path:
    """An ODS file of tables, given as XML."""
    content = (
        '<?xml version="1.0"?><office:document-content'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
        f"<office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" '
        'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    members = {
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": content.encode(),
        "META-INF/manifest.xml": manifest.encode(),
    }
    return _zip(path, members)


def _ods_table(name: str, *rows: tuple[str, str]) -> str:
    """A table of rows, each the attributes of the row and the XML of its cells."""
    body = "".join(f"<table:table-row {of}>{cells}</table:table-row>" for of, cells in rows)
    return f'<table:table table:name="{name}">{body}</table:table>'


def test_ods(tmp_path: Path) -> None:
    number = (
        '<table:table-cell office:value-type="float"'
        ' office:value="380972920283"><text:p>3.8E11</text:p></table:table-cell>'
    )
    table = _ods_table("People", ("", ODS_CELL.format("phone")), ("", number))
    result = unpack(_ods(tmp_path / "sheet", table))
    assert (result.kind, _rows(result.path)) == ("ods", [["phone"], ["380972920283"]])


def test_hidden_rows_and_formats_of_ods_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """saulpw/visidata#1398 (rows hidden in place of being deleted), sparna-git/xls2rdf#29."""
    filtered, collapsed = 'table:visibility="filter"', 'table:visibility="collapse"'
    share = (
        '<table:table-cell office:value-type="percentage" office:value="0.15">'
        "<text:p>15%</text:p></table:table-cell>"
    )
    first = _ods_table("A &amp; B", (collapsed, ODS_CELL.format("secret")), ("", share))
    people = _ods_table(
        "People",
        ("", ODS_CELL.format("phone") + ODS_CELL.format("hidden")),
        (filtered, ODS_CELL.format("0671110001") + share),
        (f'{collapsed} table:number-rows-repeated="2"', ODS_CELL.format("0671110002") + share),
        (f'{collapsed} table:number-rows-repeated="1048000"', "<table:table-cell/>"),
        ("", ODS_CELL.format("0671110003")),
    )
    for size in (100, 1 << 20):
        monkeypatch.setattr(workbook_parts, "CHUNK", size)
        path = str(_ods(tmp_path / "sheet", first, people))
        assert workbook_parts.count_hidden_rows(path, "People") == 3
        assert workbook_parts.count_hidden_rows(path, "A & B") == 1
        assert workbook_parts.count_formatted(path, "People") == 2
    result = unpack(_ods(tmp_path / "sheet", first, people), "A & B")
    assert (result.hidden_rows, result.formatted) == (1, 1)


@pytest.mark.parametrize(
    ("code", "value", "counted"),
    [
        ("0.0%", 0.075, 1),  # firecrawl/anydoc#27: 7.5% was read as 0.075 without a word
        ("0%", -0.05, 1),  # SheetJS/sheetjs#619
        ("0.00%", 0.1223, 1),  # SheetJS/sheetjs#608
        ('"$"#,##0.00', 340, 1),  # exceljs/exceljs#1409
        ("[$$-409]#,##0.00", 1234.5, 1),  # firecrawl/anydoc#72
        ("#,##0.00\\ [$€-407]", 1234.5, 1),
        ("#,##0", 9876543, 0),
        ("0", 1000, 0),
        ("General", 7.0000000000000009, 0),  # tafia/calamine#424
        ("[$-409]mmm d", 1, 0),  # a language and no currency
        ("0%", "10%", 0),  # dtjohnson/xlsx-populate#86: a text already
        ("0%", None, 0),
    ],
)
def test_shares_and_money_of_xlsx_are_counted(
    code: str, value: object, counted: int, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["0671110001", value])
    sheet["B1"].number_format = code
    book.save(tmp_path / "book")
    assert unpack(tmp_path / "book").formatted == counted


def _sheet_xml(inner: str, dimension: str = "A1") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{dimension}"/><sheetData>{inner}</sheetData></worksheet>'
    ).encode()


def _with_sheet(path: Path, sheet: bytes) -> Path:
    """A workbook whose first sheet is replaced."""
    _workbook(path, [["phone"]])
    parts = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(parts) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else old.read(name))
    return path


def test_billion_laughs_are_not_expanded(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&l9;</t></is></c></row>'
    sheet = _sheet_xml(cell).replace(b"<worksheet", laughs.encode() + b"<worksheet", 1)
    path = _with_sheet(tmp_path / "book", sheet)
    try:
        result = unpack(path)
    except ContactsError:
        return
    assert result.path.stat().st_size < 1_000


def test_a_cell_far_away_does_not_fill_the_memory(tmp_path: Path) -> None:
    cells = (
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c'
        ' r="XFD1048576"><v>1</v></c></row>'
    )
    with pytest.raises(ContactsError, match="too large"):
        unpack(_with_sheet(tmp_path / "book", _sheet_xml(cells, "A1:XFD1048576")))


def test_a_workbook_bomb_is_not_opened(tmp_path: Path) -> None:
    path = _with_sheet(tmp_path / "book", _sheet_xml(" " * BOMB))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ContactsError, match="too large when unpacked"):
        unpack(path)


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ContactsError, match="too large when unpacked"):
        unpack(_zip(tmp_path / "some", {"people.csv": bytes(BOMB)}))


def test_refuses_a_zip_with_a_false_size(tmp_path: Path) -> None:
    path = _zip(tmp_path / "some", {"people.csv": bytes(30 << 20)})
    path.write_bytes(
        path.read_bytes().replace((30 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    )
    with pytest.raises(ContactsError):
        unpack(path)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1 << 20


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            {"a.csv": b"1", "b.csv": b"2"},
            "The ZIP contains 2 files. It must contain exactly one table.",
        ),
        ({"inner.zip": b"PK\x05\x06" + bytes(18)}, "The ZIP contains another ZIP."),
        ({"picture.csv": b"\x89PNG\r\n\x1a\n"}, "This is a PNG file, not a table."),
        (
            {"[Content_Types].xml": b"", "word/document.xml": b""},
            "This is an Office document without a table.",
        ),
        # PHPOffice/PhpSpreadsheet#1584
        ({"Index/Document.iwa": b"", "Metadata/x.plist": b""}, "This is an Apple Numbers file."),
        ({"Index.zip": b"PK", "preview.jpg": b""}, "This is an Apple Numbers file."),
        ({}, "The ZIP contains 0 files."),
    ],
)
def test_refuses_archives_without_a_table(
    content: dict[str, bytes], text: str, tmp_path: Path
) -> None:
    with pytest.raises(ContactsError, match=text.replace("[", r"\[")):
        unpack(_zip(tmp_path / "some", content))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "The file is damaged"),
        (b"\xff\xd8\xff\xe0 JFIF", "This is a JPEG file"),
        (b"<!DOCTYPE HTML><html>", "This is a web page"),
        # Q42/TrelloScrum#69, jmaister/excellentexport#7, sonata-project/exporter#493
        (b"<table><tr><td>phone</td></tr></table>", "This is a web page"),
        (b"\xef\xbb\xbf\n<!-- x -->\n<meta charset=utf-8><table>", "This is a web page"),
        (b'<?xml version="1.0"?><html xmlns="x">', "This is a web page"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "an XML spreadsheet"),
        (b'<?xml version="1.0"?><people/>', "This is a XML file"),
        (b"\x1f\x8b\x08 gzip", "This is a gzip file"),
        (bytes(5_000), "This is not a table"),
    ],
)
def test_refuses_other_files(content: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(content)
    with pytest.raises(ContactsError, match=text):
        unpack(path)


def test_refuses_a_truncated_workbook(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "book", [["phone"], ["0972920283"]])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ContactsError, match="The file is damaged"):
        unpack(path)


def test_nul_bytes_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(b"phone,name\n09729\x0020283,Ole\x00na\n" + b"0501234567,Ivan\n" * 20)
    layout = layout_detection.detect(unpack(path).path, "UA")
    assert Reader(path, layout).take(2, 1_000)[1] == ["0972920283", "Olena"]


@pytest.mark.parametrize("name", ["backslashes.xlsx", "capital-workbook.xlsx"])
def test_parts_with_other_slashes_or_capitals(name: str, tmp_path: Path) -> None:
    path = tmp_path / "book"
    path.write_bytes((FILES / name).read_bytes())
    result = unpack(path)
    assert result.kind == "xlsx"
    layout = layout_detection.detect(result.path, "UA")
    assert len(_rows_as_read(result.path, layout)) == 3


def _rows_as_read(path: Path, layout: Layout) -> list[list[str]]:
    return Reader(path, layout).take(100, 10_000)


def test_numbers_as_spreadsheets_show_them(tmp_path: Path) -> None:
    path = tmp_path / "book"
    path.write_bytes((FILES / "balances.xlsx").read_bytes())
    values = [cell for row in _rows(unpack(path).path)[1:] for cell in row]
    assert {"0.3", "1.1", "1234.56", "19.9"} <= set(values)
    assert not any(len(value) > 13 for value in values)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (0.1 + 0.2, "0.3"),  # SheetJS/sheetjs#2546, PHPOffice/PHPExcel#632
        (1.1 * 3, "3.3"),
        (1e-7, "0.0000001"),
        (1.5e16 + 2, "15000000000000000"),
        (380972920283.0, "380972920283"),
        (dt.timedelta(hours=26, minutes=5), "26:05:00"),
        (dt.timedelta(minutes=-5), "-0:05:00"),
        (dt.time(9, 30), "09:30:00"),
        (dt.date(2026, 3, 1), "2026-03-01"),
    ],
)
def test_cell_text(cell: object, text: str) -> None:
    assert cell_text(cell) == text


@pytest.mark.parametrize("hidden", [0, 1, 3])
def test_hidden_rows_are_counted(hidden: int, tmp_path: Path) -> None:
    """SheetJS/sheetjs#630, tidyverse/readxl#428, dfinke/ImportExcel#762, martijn/xsv#63."""
    book = openpyxl.Workbook()
    book.create_sheet("A & B", 0)
    sheet = book["A & B"]
    for number in range(5):
        sheet.append(["hidden=", f"067111000{number}"])
    for row in range(2, 2 + hidden):
        sheet.row_dimensions[row].hidden = True
    sheet.column_dimensions["A"].hidden = True  # a column is none
    book.save(tmp_path / "book")
    result = unpack(tmp_path / "book")
    assert (result.sheet, result.hidden_rows, len(_rows(result.path))) == ("A & B", hidden, 5)


def test_hidden_rows_are_counted_once_across_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(
        f'<row r="{n}" hidden="1"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 40)
    )
    path = _with_sheet(tmp_path / "book", _sheet_xml(rows))
    for size in (7, 50, 64, 1000):
        monkeypatch.setattr(workbook_parts, "CHUNK", size)
        assert workbook_parts.count_hidden_rows(str(path), "Sheet") == 39
