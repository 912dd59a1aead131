"""Detection of encodings, delimiters, quotation marks and header rows."""

import csv
import io
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


# Tables of few rows, whose phones say where they are from.
FEW_ROWS = [
    ("cp1256", "+9647701234567,محمد,بغداد"),  # playsms/playsms#304, csvjson-app#77
    ("cp1255", "+972502345678,דוד,תל אביב"),  # tarot231/leafpad#3, chamilo/chamilo-lms#2868
    ("cp874", "+66812345678,สมชาย,กรุงเทพ"),
    ("cp1257", "+37061234567,Žydrūnas,Šiauliai"),
    ("cp932", "+819012345678,田中太郎,東京"),  # uilibrary/Stocky-Issues-and-Feature-request#74
    ("gb18030", "+8613812345678,王伟,北京"),
    ("cp949", "+821012345678,김민수,서울"),
    ("big5", "+886912345678,陳怡君,臺北"),
    ("iso8859_7", "+306912345678,Άννα,Πάτρα"),
    ("cp1252", "+33612345678,invitéàçù,Orléans"),  # polygonplanet/encoding.js#12
    ("cp1252", "+491711234567,Kinosäle,Sitzplätze"),  # jawah/charset_normalizer#624
    ("cp1250", "+381601234567,Živković,Čačak"),
    ("cp866", "+79161234567,Наталья,Пермь"),
    ("cp1254", "+905321234567,Çağrı Şişli,İzmir"),  # SubtitleEdit/subtitleedit#14763
    ("cp1254", "+905321234567,Tuğçe,Muğla"),  # inexorabletash/text-encoding#32
    ("cp1254", "+905321234567,Altmış İnşaat,Işıklar"),  # stopwords-iso/stopwords-tr#1
    ("cp1251", "+79161234567,Описание,Сумма"),  # otherworld-dev/Budget#371
    ("cp1252", "+33612345678,Bénévole de l’équipe,Numéro"),  # buckets/application#202
    ("utf-8", "+33612345678,Bénévole de l'équipe,Pau"),  # workadventure/workadventure#1786
    ("utf-8", "+84912345678,Nguyễn Thị Hà,Hà Nội"),  # SheetJS/sheetjs#1380
    ("utf-8", "+79161234567,слово,word"),  # lakesare/memcode#200
]


@pytest.mark.parametrize(("encoding", "row"), FEW_ROWS)
def test_detect_uses_the_countries_of_the_phones(encoding: str, row: str, tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(f"phone,name,city\n{row}\n".encode(encoding))
    assert path.read_text(encoding=encodings.detect(path, "UA").encoding).splitlines()[1] == row


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("iraq-cp1256.csv", "محمد"),
        ("israel-cp1255.csv", "דוד"),
        ("two-encodings.csv", "Олена Кравченко"),
    ],
)
def test_cases_of_encodings(name: str, values: str) -> None:
    path = Path(__file__).parent / "files" / name
    rows = Reader(path, detect(path, "UA")).take(10, 10_000)
    assert rows[1][1] == values
    if name == "two-encodings.csv":
        assert not any("\ufffd" in cell for row in rows for cell in row)
        assert len(rows) == 4


def _lines(*parts: tuple[str, str]) -> bytes:
    return b"".join(text.encode(encoding) for text, encoding in parts)


MARK = "\ufeff"


@pytest.mark.parametrize(
    ("content", "other", "lines"),
    [
        (_lines((UKRAINIAN, "utf-8"), ("0671110009;Олег Їжак;Рівне\n", "cp1251")), "cp1251", 1),
        # ckan/ckanext-xloader#194: a few lines of another system
        (_lines((FRENCH * 3, "utf-8"), ("0612345680,Zoé Lefèvre\n", "cp1252")), "cp1252", 1),
        (_lines((UKRAINIAN * 2, "utf-8"), ("0671110009;Ґанна Щур;Київ\n", "koi8_u")), "koi8_u", 1),
        (_lines((MARK + UKRAINIAN, "utf-8"), ("05;Марія;Київ\n", "cp1251")), "cp1251", 1),
        (_lines((UKRAINIAN * 9, "utf-8"), (RUSSIAN, "cp1251")), "cp1251", 3),
    ],
)
def test_lines_in_another_encoding(content: bytes, other: str, lines: int, tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(content)
    guess = encodings.detect(path, "UA")
    assert guess.encoding.startswith("utf-8")
    assert (guess.other_encoding, guess.other_lines) == (other, lines)
    text = encodings.decode_lines(content, guess.encoding, other)
    assert "\ufffd" not in text
    records = Reader(path, detect(path, "UA")).take(100, 100_000)
    assert sum(map(len, records)) == sum(map(len, csv.reader(
        text.splitlines(), delimiter=detect(path, "UA").delimiter)))  # fmt: skip


def test_a_cut_letter_is_damage_and_no_other_encoding(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes(UKRAINIAN.encode() + "0671110009;Олена К".encode() + b"\xd0\n")
    guess = encodings.detect(path, "UA")
    assert guess == encodings.EncodingGuess("utf-8")


def test_a_close_guess_is_said(tmp_path: Path) -> None:
    path = tmp_path / "people"
    path.write_bytes("phone,name\n0612345678,Muñoz\n".encode("cp1252"))
    assert "cp1250" in encodings.detect(path, "UA").close
    path.write_bytes(UKRAINIAN.encode("cp1251"))
    assert encodings.detect(path, "UA").close == ()


@pytest.mark.parametrize("name", encodings.CHOICES)
def test_each_choice_is_an_encoding(name: str) -> None:
    assert "phone".encode(name).decode(name) == "phone"


def test_blocks_hold_whole_lines() -> None:
    for content, size in ((b"ab\ncd\nefgh\n\nij", 4), (b"ab\rcd\ref", 4), (b"x" * 30, 4)):
        blocks = list(encodings.blocks_of_lines(io.BytesIO(content), size))
        assert b"".join(blocks) == content
        assert max(map(len, blocks)) <= 2 * size
        assert all(block[-1:] in b"\n\rx" for block in blocks[:-1])
