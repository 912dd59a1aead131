"""Turns the cells of a column into the values of a merge tag, as the author of the file saw them.

Works on whole columns: values that need no change, as in most, are recognised all at once.
"""

import unicodedata
from dataclasses import asdict, dataclass
from json.encoder import encode_basestring
from typing import Any

from campaigns.contacts.phones import guesses
from campaigns.contacts.phones.cell_texts import MAX_VALUE, NULL_WORDS, clean_value
from campaigns.contacts.phones.guesses import Guess
from campaigns.contacts.phones.prefix_rules import Guessed

VALUE_SEPARATOR = "│"  # joins the values of a column to examine them at once
NO_VALUE = "no_value"  # the key under which emptied words are counted
# Every word of NULL_WORDS has one of these signs or parts.
NULL_SIGNS = "#-—–‐−(<[\\/"
UPPER_NULL_PARTS = ("NULL", "NaN", "NAN", "None")
LOWER_NULL_PARTS = ("null", "nan", "undefined")


@dataclass(frozen=True, slots=True)
class CellRules:
    """What may be guessed in cells; each is shown in the check, and can be switched off.

    `null_words`: NULL, #N/A and such are no value. The others are those of guesses.Guess.
    """

    null_words: bool = True
    older_form: bool = True
    first_of_several: bool = True

    def guesses(self) -> frozenset[Guess]:
        return frozenset(guess for guess in guesses.ALL if getattr(self, guess.value))

    def as_json(self) -> dict[str, bool]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "CellRules":
        """The rules of an import; nothing is guessed in one that was checked without them."""
        return cls(**{name: bool(data.get(name)) for name in cls.__slots__})


EVERY_RULE = CellRules()
AS_WRITTEN = CellRules(null_words=False, older_form=False, first_of_several=False)


def encode_values(values: list[str], guessed: Guessed | None = None) -> list[str]:
    """The trimmed values, escaped for JSON, without quotation marks.

    `guessed`: counts words such as NULL, which become empty; None: they are values.
    """
    if not values:
        return values
    text = VALUE_SEPARATOR.join(values)
    if guessed is not None and _may_hold_null_word(text) and not NULL_WORDS.isdisjoint(values):
        values = [_without_null_word(value, guessed) for value in values]
        text = VALUE_SEPARATOR.join(values)
    if (
        text.isprintable()
        and '"' not in text
        and "\\" not in text
        and "'" not in text
        and f" {VALUE_SEPARATOR}" not in text
        and f"{VALUE_SEPARATOR} " not in text
        and text.count(VALUE_SEPARATOR) == len(values) - 1
        and text == text.strip()
        and _all_short(text)
        and unicodedata.is_normalized("NFC", text)
    ):
        return values
    return [
        value
        if value.isalnum() and len(value) <= MAX_VALUE and unicodedata.is_normalized("NFC", value)
        else _encode_value(value, guessed)
        for value in values
    ]


def _may_hold_null_word(text: str) -> bool:
    """Whether the joined values may hold one of NULL_WORDS: far faster than to look for each."""
    return (
        any(sign in text for sign in NULL_SIGNS)
        or ("N" in text and any(part in text for part in UPPER_NULL_PARTS))
        or ("n" in text and any(part in text for part in LOWER_NULL_PARTS))
    )


def _all_short(text: str) -> bool:
    """Whether no value in the joined text is too long: each half length contains a separator."""
    half = MAX_VALUE // 2
    return all(
        VALUE_SEPARATOR in text[start : start + half] for start in range(0, len(text) - half, half)
    )


def _encode_value(value: str, guessed: Guessed | None) -> str:
    cleaned = clean_value(value)
    if guessed is not None:
        cleaned = _without_null_word(cleaned, guessed)
    return encode_basestring(cleaned)[1:-1]


def _without_null_word(value: str, guessed: Guessed) -> str:
    if value not in NULL_WORDS:
        return value
    guessed.add(NO_VALUE, value, "")
    return ""
