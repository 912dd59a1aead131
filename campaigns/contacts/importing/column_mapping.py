"""Proposes which columns of a file hold phones, and names the merge tags of the others."""

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from campaigns.contacts.consent.mapping import ConsentMapping
from campaigns.contacts.field_types import list_fields
from campaigns.contacts.field_types.proposals import propose_format
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing.csv_reader import Layout, Record
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import ContactList, FieldType
from campaigns.contacts.phones import guesses
from campaigns.contacts.phones.cell_texts import clean_value, without_null_word
from campaigns.contacts.phones.parsing import Phone

MAX_NAME = 40
MIN_PHONE_SHARE = 0.5  # of the cells that are valid phones, for a phone column of any name
MIN_PHONE_SHARE_IF_NAMED = 0.1  # the same, if the name of the column means phone
NAME_ONLY_SCORE = 0.05
OLDER = frozenset({guesses.Guess.OLDER_FORM})  # without a name, several numbers prove nothing
MAX_NAME_WORDS = 4  # more are a sentence, such as the title of a report
# Beginnings of words without accents: English, Ukrainian, Romanian, Bulgarian, Greek, Serbian,
# Russian and related languages.
MOBILE_WORDS = (
    "mob",
    "моб",
    "κινητ",
    "cell",
    "gsm",
    "msisdn",
    "viber",
    "вайбер",
    "whatsapp",
    "сотов",
    "celular",
)
PHONE_WORDS = ("phone", "tel", "тел", "τηλ", "fon", "handy")
# "number" may be that of a phone or of an order
NUMBER_WORDS = ("номер", "число", "number", "broj", "број", "numar", "numer", "αριθμ")
# Common columns get the same merge tag whatever the language of the file.
KNOWN_NAMES = {
    "first_name": (
        "first name|firstname|given name|forename|імя|имя|prenume|prenumele|ime|име|ονομα|imie"
    ),
    "last_name": (
        "last name|lastname|surname|family name|прізвище|фамилия|nume|nume de"
        " familie|prezime|презиме|фамилно име|επωνυμο|επιθετο|nazwisko"
    ),
    "middle_name": "middle name|по батькові|отчество|презиме бащино|patronymic",
    "full_name": (
        "full name|піб|фио|ф и о|nume complet|nume si prenume|ime i prezime|име и"
        " презиме|ονοματεπωνυμο"
    ),
    "city": "city|town|місто|город|oras|orasul|localitate|grad|град|πολη|miasto",
    "country": "country|країна|страна|tara|država|drzava|държава|земља|χωρα",
    "email": (
        "email|e mail|mail|пошта|почта|електронна пошта|эл почта|имейл|ηλεκτρονικο ταχυδρομειο"
    ),
    "birthday": (
        "birthday|birth date|date of birth|дата народження|дата рождения|день народження|data"
        " nasterii|datum rodenja|рожден ден|ημερομηνια γεννησης"
    ),
    "gender": "gender|sex|стать|пол|gen|pol|φυλο",
    "address": "address|адреса|адрес|adresa|διευθυνση",
    "company": "company|компанія|компания|firma|фирма|εταιρεια|companie",
    "bonus": "bonus|bonuses|бонус|бонуси|бонусы|бали|баллы|puncte|поени|бонуси точки",
    "discount": "discount|знижка|скидка|reducere|popust|отстъпка|попуст|εκπτωση",
    "code": "code|promo code|promocode|промокод|код|cod|kod|κωδικος",
}
WORD_TO_NAME = {word: name for name, words in KNOWN_NAMES.items() for word in words.split("|")}
KNOWN_TAGS = frozenset(name.replace("_", " ") for name in KNOWN_NAMES) | {"name"}
SEVERAL_NAMES = re.compile(r"[,;|\t]")  # in a cell: the header of another delimiter
VALID_TAG = re.compile(r"[a-z][a-z0-9_]*")
TYPED_TAG = re.compile(r"[^\W\d]\w*")  # a merge tag as users may choose it
REPORT_COLUMNS = (
    "viberdash_row",
    "viberdash_reason",
)  # columns that a download of rejected rows adds
LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh",
    "з": "z", "и": "y", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n",
    "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ю": "iu", "я": "ia", "ё": "e", "ъ": "", "ы": "y",
    "э": "e", "ђ": "dj", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz", "α": "a", "β": "v",
    "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t",
    "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o", "ß": "ss", "đ": "d", "ł": "l", "ø": "o",
    "æ": "ae", "œ": "oe", "ı": "i",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The columns (from 0) with phones, in order of preference, and the merge tags of others.

    `formats`: how the values of those are written that are no texts. `consent`: which consents the
    import writes; None: none.
    """

    phones: list[int]
    fields: dict[int, str] = field(default_factory=dict)
    formats: dict[int, ValueFormat] = field(default_factory=dict)
    consent: ConsentMapping | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "consent": self.consent.as_json() if self.consent else None,
            "phones": self.phones,
            "fields": {str(column): name for column, name in self.fields.items()},
            "formats": {str(column): str(each) for column, each in self.formats.items()},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ColumnMapping":
        names_by_column = {int(column): name for column, name in data.get("fields", {}).items()}
        formats = {
            int(column): ValueFormat(each) for column, each in data.get("formats", {}).items()
        }
        phones, consent = list(data.get("phones", [])), data.get("consent")
        return cls(
            phones,
            dict(sorted(names_by_column.items())),
            formats,
            ConsentMapping.from_json(consent) if consent else None,
        )

    def types(self) -> dict[str, FieldType]:
        """The type of each merge tag."""
        text = ValueFormat.TEXT
        return {name: self.formats.get(place, text).type for place, name in self.fields.items()}


def propose(rows: Sequence[Record], layout: Layout, default_country: str) -> ColumnMapping:
    """Propose a mapping by the names and contents of the columns.

    `phones` is empty if no column looks like phones. `default_country`: that of phones without a
    country code.
    """
    names = column_names(rows, layout)
    body = rows[1:] if layout.header else rows
    scores = [
        (_phone_score(name, _cells(body, column), default_country), column)
        for column, name in enumerate(names)
    ]
    # columns with nothing but the name count only if there are no better ones
    better = any(score > NAME_ONLY_SCORE for score, _column in scores)
    min_score = NAME_ONLY_SCORE if better else 0.0
    phones = [
        column
        for score, column in sorted(scores, key=lambda pair: (-pair[0], pair[1]))
        if score > min_score
    ]
    unused = _columns_of_nothing(rows, layout)
    return ColumnMapping(phones, merge_tag_names(names, exclude=[*phones, *unused]))


def _columns_of_nothing(rows: Sequence[Record], layout: Layout) -> list[int]:
    """The columns that have neither a name nor a value, such as one behind a last delimiter."""
    if not layout.header:
        return []
    width = max(map(len, rows), default=0)
    return [column for column in range(width) if not _cells(rows, column)]


def propose_formats(
    mapping: ColumnMapping,
    rows: Sequence[Record],
    layout: Layout,
    known: Mapping[str, FieldType],
    *,
    is_workbook: bool,
) -> ColumnMapping:
    """The mapping with the formats of its fields, from their values in `rows`.

    `known`: the types of fields that the list has already, which they keep.
    """
    body = rows[1:] if layout.header else rows
    formats: dict[int, ValueFormat] = {}
    for column, name in mapping.fields.items():
        values = [without_null_word(clean_value(cell)) for cell in _cells(body, column)]
        formats[column] = propose_format(
            values, name, of_type=known.get(name), is_workbook=is_workbook
        )
    return replace(mapping, formats=without_texts(formats))


def find_problems(
    mapping: ColumnMapping, known: Mapping[str, FieldType]
) -> Iterator[tuple[int, str, str]]:
    """What is wrong with the merge tags that somebody chose: column, "name" or "format", and what
    to do. `known`: the types of fields that the list has already.
    """
    tags: set[str] = set()
    for column, tag in mapping.fields.items():
        if not TYPED_TAG.fullmatch(tag) or len(tag) > MAX_NAME:
            text = _("Use letters, digits and underscores, starting with a letter.")
            yield column, "name", text
        elif tag in tags:
            yield column, "name", _("Another column has this merge tag. Enter a different one.")
        tags.add(tag)
        chosen = mapping.formats.get(column, ValueFormat.TEXT).type
        if known.get(tag, chosen) != chosen:
            text = _("On this list the type is: %(type)s. Choose it, or another merge tag.")
            yield column, "format", text % {"type": known[tag].label}


def without_texts(formats: Mapping[int, ValueFormat]) -> dict[int, ValueFormat]:
    """The formats of the columns that are no texts."""
    return {column: each for column, each in formats.items() if each.type != FieldType.TEXT}


def type_conflict(contact_list: ContactList, mapping: ColumnMapping) -> str:
    """Which field of the file has another type on the list, as a text for users; "" for none."""
    name = list_fields.first_conflict(contact_list, mapping.types())
    if not name:
        return ""
    text = _("“%(name)s” on this list is: %(type)s. Choose that, or another merge tag.")
    return text % {"name": name, "type": contact_list.type_of(name).label}


def add_fields(contact_list: ContactList, mapping: ColumnMapping) -> None:
    """Add the fields of the file to those of the list, whose row is locked. Raises ContactsError
    if the list has one of them with another type.
    """
    if conflict := type_conflict(contact_list, mapping):
        raise ContactsError(conflict)
    if list_fields.add_fields(contact_list, mapping.types()):
        contact_list.save(update_fields=["fields", "field_types", "updated_at"])


def propose_with_phone_column(
    rows: Sequence[Record], layout: Layout, phone_column: str, default_country: str
) -> ColumnMapping:
    """The proposal, with the phone column that the user named.

    `phone_column`: its name, its letter in a spreadsheet or its number from 1; empty: the proposed
    ones. Raises ContactsError if there is no such column, or nothing to propose.
    """
    names = column_names(rows, layout)
    if phone_column:
        phones = [find_column(phone_column, names)]
        unused = _columns_of_nothing(rows, layout)
        return ColumnMapping(phones, merge_tag_names(names, exclude=[*phones, *unused]))
    proposed = propose(rows, layout, default_country)
    if not proposed.phones:
        raise ContactsError(
            _("No column contains phone numbers. The columns are: %(names)s.")
            % {"names": ", ".join(names)[:200]}
        )
    return proposed


def column_names(rows: Sequence[Record], layout: Layout) -> list[str]:
    """The name of each column: from the header, else "Column B"."""
    width = max(map(len, rows), default=0)
    header = rows[0] if layout.header and rows else []
    labels = [clean_value(cell) for cell in header] + [""] * (width - len(header))
    return [
        name or _("Column %(letter)s") % {"letter": column_letter(column)}
        for column, name in enumerate(labels)
    ]


def column_letter(column: int) -> str:
    """The letters of a column in a spreadsheet: 0 -> "A", 26 -> "AA"."""
    text = ""
    column += 1
    while column:
        column, remainder = divmod(column - 1, 26)
        text = string.ascii_uppercase[remainder] + text
    return text


def find_column(phone_column: str, names: list[str]) -> int:
    """The place of a column from 0, by its name, its letter in a spreadsheet or its number from 1.
    Raises ContactsError if there is none.
    """
    plain = phone_column.strip().casefold()
    for column, name in enumerate(names):
        if name.casefold() == plain:
            return column
    for column in range(len(names)):
        if plain in (column_letter(column).casefold(), str(column + 1)):
            return column
    raise ContactsError(
        _("There is no column “%(column)s”. The columns are: %(names)s.")
        % {
            "column": phone_column,
            "names": ", ".join(names)[:200],
        }
    )


def _cells(rows: Iterable[Record], column: int) -> list[str]:
    return [row[column] for row in rows if column < len(row) and row[column].strip()]


def _phone_score(name: str, cells: list[str], default_country: str) -> float:
    """How likely a column holds phones: 0 for no; higher for more phones and for mobile names.

    NAME_ONLY_SCORE: only the name suggests it.
    """
    words = plain_words(name).split()
    mobile, phone, number = (
        _any_word_begins(words, of) for of in (MOBILE_WORDS, PHONE_WORDS, NUMBER_WORDS)
    )
    allowed = guesses.ALL if mobile or phone else OLDER
    phones = sum(isinstance(guesses.read(cell, default_country, allowed), Phone) for cell in cells)
    share = phones / max(len(cells), 1)
    if share >= MIN_PHONE_SHARE or (
        (mobile or phone or number) and share >= MIN_PHONE_SHARE_IF_NAMED
    ):
        return share + 0.2 * phone + 0.4 * mobile
    return NAME_ONLY_SCORE if mobile or phone else 0.0


def names_phone_column(cell: str) -> bool:
    """Whether the cell is a name for a column of phones, in any of the languages."""
    words = [] if SEVERAL_NAMES.search(cell) else plain_words(cell).split()
    return len(words) <= MAX_NAME_WORDS and _any_word_begins(words, MOBILE_WORDS + PHONE_WORDS)


def names_known_column(cell: str) -> bool:
    """Whether the cell is the name of a column that many files have."""
    if not cell or len(cell) > MAX_NAME:
        return False
    words = plain_words(cell)
    return words in WORD_TO_NAME or words in KNOWN_TAGS or names_phone_column(cell)


def _any_word_begins(words: list[str], beginnings: tuple[str, ...]) -> bool:
    return any(word.startswith(beginnings) for word in words)


def plain_words(name: str) -> str:
    """The name in lower case, without accents and apostrophes, with spaces for other signs.

    "E-mail" -> "e mail", "Ім'я" -> "імя"
    """
    letters = unicodedata.normalize(
        "NFD",
        unicodedata.normalize("NFC", name.casefold()).replace("й", "\u0000").replace("ї", "\u0001"),
    )
    text = (
        "".join(sign for sign in letters if not unicodedata.combining(sign))
        .replace("\0", "й")
        .replace("\x01", "ї")
    )
    text = re.sub(r"['’ʼ`]", "", text)
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def merge_tag_names(names: Sequence[str], exclude: Sequence[int] = ()) -> dict[int, str]:
    """Unique merge tags of the columns, except those in `exclude` and of rejected-row reports."""
    used_names: set[str] = set()
    names_by_column: dict[int, str] = {}
    for column, name in enumerate(names):
        if column in exclude or name.strip().casefold() in REPORT_COLUMNS:
            continue
        base = merge_tag_name(name) or f"column_{column_letter(column).lower()}"
        names_by_column[column] = _unused_name(base, used_names)
        used_names.add(names_by_column[column])
    return names_by_column


def _unused_name(base: str, used_names: set[str]) -> str:
    name, number = base, 2
    while name in used_names:
        name, number = f"{base}_{number}", number + 1
    return name


def merge_tag_name(name: str) -> str:
    """The merge tag for a column name: letters, digits and underscores; may be empty.

    "Ім'я" -> "first_name", "Бонусна картка" -> "bonusna_kartka", "1st order" -> "c_1st_order"
    """
    plain = name.strip().lower()
    if VALID_TAG.fullmatch(plain):
        return plain[:MAX_NAME]
    words = plain_words(name)
    if known := WORD_TO_NAME.get(words):
        return known
    latin = unicodedata.normalize("NFKD", "".join(LATIN.get(sign, sign) for sign in words))
    plain = re.sub(r"[^a-z0-9]+", "_", latin.encode("ascii", "ignore").decode())
    short = plain.strip("_")[:MAX_NAME].rstrip("_")
    return f"c_{short}" if short[:1].isdigit() else short
