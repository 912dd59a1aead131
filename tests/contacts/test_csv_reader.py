"""Detection of encodings, delimiters, quotation marks and header rows."""

import csv
from pathlib import Path

import pytest

from campaigns.contacts.importing import encodings
from campaigns.contacts.importing.csv_reader import Layout, Reader
from campaigns.contacts.importing.reading.layout_detection import detect

UKRAINIAN = "Телефон;Ім'я;Місто\n0972920283;Їжак Ґалаґан;Київ\n0501234567;Єва Щербань;Львів\n"
RUSSIAN = "Телефон,Имя\n0972920283,Алексей Ёлкин\n0501234567,Наталья Объедкова\n"
BULGARIAN = "Телефон,Име\n0888123456,Желязко Щерев\n0888123457,Пламен Ъглов\n"
GREEK = "Τηλέφωνο,Όνομα\n6912345678,Γιώργος Παπαδόπουλος\n6912345679,Άννα Ωραία\n"
ROMANIAN = "Telefon,Nume\n0721234567,Ştefan Ţăran\n0721234568,Ioana Brânză\n"
POLISH = "Telefon,Imię\n512345678,Łukasz Żółć\n512345679,Zofia Dąbrowska\n"
FRENCH = "Téléphone,Prénom\n0612345678,Hélène Lefèvre\n0612345679,François Noël\n"


@pytest.mark.parametrize(
    ("text", "encoding", "home"),
    [
        (UKRAINIAN, "utf-8", "UA"),
        (UKRAINIAN, "utf-8-sig", "UA"),
        (UKRAINIAN, "utf-16", "UA"),
        (UKRAINIAN, "utf-16-le", "UA"),
        (UKRAINIAN, "utf-16-be", "UA"),
        (UKRAINIAN, "cp1251", "UA"),
        (UKRAINIAN, "koi8_u", "UA"),
        (RUSSIAN, "cp1251", "UA"),
        (RUSSIAN, "cp866", "UA"),
        (BULGARIAN, "cp1251", "BG"),
        (GREEK, "cp1253", "GR"),
        (GREEK, "iso8859_7", "UA"),
        (ROMANIAN, "cp1250", "RO"),
        (POLISH, "iso8859_2", "PL"),
        (FRENCH, "cp1252", "UA"),
    ],
)
def test_detect_reads_the_text_in_its_encoding(
    text: str, encoding: str, home: str, tmp_path: Path
) -> None:
    path = tmp_path / "people"
    path.write_bytes(text.encode(encoding))
    layout = detect(path, home)
    assert path.read_text(encoding=layout.encoding) == text
    assert layout.header


def test_detect_accepts_a_damaged_letter(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes((UKRAINIAN * 400).encode() + b"\xd0\n")
    assert encodings.detect(path, "UA").encoding == "utf-8"


def test_detect_reads_non_ascii_letters_late_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(
        b"phone,name\n"
        + b"0972920283,Olena\n" * 200_000
        + "0972920283,Олена Ївга\n".encode("cp1251")
    )
    assert encodings.detect(path, "UA").encoding == "cp1251"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_detect_finds_the_delimiter(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "people"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows(
            [["phone", "name"], ["0972920283", "Koval, Olena; VIP"], ["0501234567", 'Ivan "Vanya"']]
        )
    assert detect(path, "UA") == Layout("utf-8", delimiter, '"', True)


def test_detect_single_quotes(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_text("phone,name\n'0972920283','Koval, Olena'\n'0501234567','Ivan, I.'\n")
    assert detect(path, "UA").quote == "'"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("0972920283\n0501234567\n", False),
        ("phone\n0972920283\n", True),
        ("Олена;0972920283\nІван;0501234567\n", False),
        ("12345,abc\n0972920283,x\n", False),
        ("name,3.80973E+11\nx,0972920283\n", False),
    ],
)
def test_detect_header(text: str, header: bool, tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_text(text, encoding="utf-8")
    assert detect(path, "UA").header is header


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_is_read(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(
        ending.join(["phone,name", '0972920283,"two', 'lines"', "0501234567,x"]).encode()
    )
    records = Reader(path, Layout()).take(10, 1_000)
    assert [record[0] for record in records] == ["phone", "0972920283", "0501234567"]
    assert records[1][1].split() == ["two", "lines"]


def test_take_continues_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_text("".join(f"{number}\n" for number in range(5_000)))
    reader = Reader(path, Layout())
    taken = [len(reader.take(2_000, 1 << 20)) for _ in range(4)]
    assert taken == [2_000, 2_000, 1_000, 0]


def test_take_stops_at_the_limit_of_characters(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_text(f"{'x' * 1_000}\n" * 5_000)
    assert len(Reader(path, Layout()).take(5_000, 1_000_000)) == 1_000
