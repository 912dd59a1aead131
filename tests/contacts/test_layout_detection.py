"""Where the table of a file begins, and how its cells are separated.

The inputs are made after reports of what other programs met; each names its report.
"""

from pathlib import Path

import pytest

from campaigns.contacts.importing.column_mapping import column_names, propose
from campaigns.contacts.importing.csv_reader import MAX_COLUMNS, Layout, read_sample
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading import layout_detection
from campaigns.contacts.importing.reading.layout_detection import detect

FILES = Path(__file__).parent / "files"


def _detected(tmp_path: Path, text: str) -> tuple[Layout, list[list[str]]]:
    path = tmp_path / "people"
    path.write_text(text, encoding="utf-8")
    layout = detect(path, "UA")
    return layout, read_sample(path, layout)


@pytest.mark.parametrize(
    ("text", "delimiter", "skipped", "header"),
    [
        # PowerShell/PowerShell#7776, rap2hpoutre/fast-excel#327: Excel's line names the delimiter
        ("sep=;\nphone;name\n0671110001;A\n", ";", 1, True),
        ('"sep=,"\nphone,name\n0671110001,A\n', ",", 1, True),
        ("SEP=~\nphone~name\n0671110001~A, B; C\n", "~", 1, True),
        ("sep=\t\nphone\tname\n0671110001\tA\n", "\t", 1, True),
        ("sep=;;\n0671110001;A\n0671110002;B\n", ";", 1, False),
        # firefly-iii/firefly-iii#2735: facts about the report, an empty row, then the table
        ('"Account:","Main"\n"Sum:","1.00"\n\nphone,name,city\n0671110001,A,B\n', ",", 3, True),
        # stevehansen/csv#26: two rows of anything
        ("x1\nx2\nphone,name\n0671110001,A\n0671110002,B\n", ",", 2, True),
        # pcreux/csv-importer#54: an empty row and an empty column before the names
        (",,\n,phone,name\n,0671110001,A\n,0671110002,B\n", ",", 1, True),
        # cidgoh/DataHarmonizer#40: the first row is empty
        ("\nphone,name\n0671110001,A\n", ",", 1, True),
        # NBS-LLC/ng-spotify-importer#268: the name of the list, which has a word of a column
        ("Телефони клієнтів\nТелефон;Ім'я\n0671110001;Олена\n", ";", 1, True),
        # titles without names of columns
        ("Звіт;;\n01.03.2026;;\n0671110001;A;1\n0671110002;B;2\n", ";", 2, False),
        # a number in the header says nothing against "phone" and "name"
        ("phone,name,2024\n0671110001,A,7\n0671110002,B,8\n", ",", 0, True),
        ("name,phone,380\n0671110001,0671110002,3\n", ",", 0, True),
        # other delimiters make more columns, but neither phones nor names
        ("phone;sum\n0671110001;1,5\n0671110002;2,5\n", ";", 0, True),
        ("phone;note\n0671110001;a,b,c,d\n0671110002;e,f,g,h\n", ";", 0, True),
        ("phone|a;b;c\n0671110001|d;e;f\n0671110002|g;h;i\n", "|", 0, True),
        ("Прізвище, ім'я;Телефон\nА, Б;0671110001\nВ, Г;0671110002\n", ";", 0, True),
    ],
)
def test_detect_finds_the_table(
    text: str, delimiter: str, skipped: int, header: bool, tmp_path: Path
) -> None:
    layout = _detected(tmp_path, text)[0]
    assert (layout.delimiter, layout.skip_rows, layout.header) == (delimiter, skipped, header)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("sep-line.csv", ["Телефон", "Ім'я", "Місто"]),
        ("title-rows.csv", ["Телефон", "Ім'я", "Бонус"]),
    ],
)
def test_cases_of_tables(name: str, names: list[str]) -> None:
    layout = detect(FILES / name, "UA")
    rows = read_sample(FILES / name, layout)
    assert column_names(rows, layout) == names
    assert len(rows) == 3
    assert propose(rows, layout, "UA").phones == [0]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        # mysqldump --tab and SELECT INTO OUTFILE
        (r'phone,name' "\n" r'"0671110001","A \"B\", 5"' "\n", ["0671110001", 'A "B", 5']),
        (r'"phone";"name"' "\n" r'"0671110001";\N' "\n", ["0671110001", r"\N"]),
        (r'"phone","name"' "\n" r'"0671110001","A \"B\" C, D"' "\n" r'"0671110002",\N' "\n",
         ["0671110001", 'A "B" C, D']),
        # a path of Windows is no escape
        ("phone,path\n0671110001,C:\\new\\table\n", ["0671110001", "C:\\new\\table"]),
        ('phone,name\n0671110001,"Ivan ""V"" P"\n', ["0671110001", 'Ivan "V" P']),
    ],
)  # fmt: skip
def test_backslashes_of_dumps(text: str, row: list[str], tmp_path: Path) -> None:
    assert _detected(tmp_path, text)[1][1] == row


def test_null_of_a_dump_stays_whole(tmp_path: Path) -> None:
    text = '"phone","name"\n"0671110001","A \\"B\\", C"\n"0671110002",\\N\n'
    layout, rows = _detected(tmp_path, text)
    assert layout.escape == "\\"
    assert rows[2] == ["0671110002", "\\N"]


def test_of_too_many_columns_only_the_first_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, judged = tmp_path / "wide.csv", []
    path.write_text(",".join(["380501112233"] * 2_000) + "\n")
    score = layout_detection._table_score

    def scored(rows: list[list[str]], country: str) -> float:
        judged.append(max(map(len, rows), default=0))
        return score(rows, country)

    monkeypatch.setattr(layout_detection, "_table_score", scored)
    with pytest.raises(ContactsError, match="The file has 2000 columns"):
        detect(path, "UA")
    assert max(judged) == MAX_COLUMNS + 1
