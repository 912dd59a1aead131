"""What programs write into the cells of tables besides values."""

import re
import unicodedata

# Words of databases, spreadsheets and languages for "nothing", in the spelling of the program:
# Null and Nan are also names of people.
WORDS_FOR_NOTHING = r"""
    NULL null (null) (NULL) <null> <NULL> [NULL] [null] \N <NA> NaN nan NAN -nan None
    undefined N/A n/a #N/A #NA #NULL! #NAME? #REF! #VALUE! #DIV/0! #NUM! #ERROR! #SPILL! #CALC!
    #Н/Д #ПУСТО! #ИМЯ? #ССЫЛКА! #ЗНАЧ! #ДЕЛ/0! #ЧИСЛО! #ІМ'Я? #ПОСИЛАННЯ! #ЗНАЧЕННЯ! #NV #BEZUG!
    #WERT! #NOMBRE? #VALOR! #NOM? #VALEUR! - -- --- — – ‐ − (blank) (empty)
"""
NULL_WORDS = frozenset(WORDS_FOR_NOTHING.split())
MAX_VALUE = 1_000  # characters of a merge tag's value: a message has at most 1,000
# added by exports, see table_export.safe
FORMULA_APOSTROPHE = re.compile(
    """(?:^|(?<=[,;|\t\r\n])|(?<=[,;|\t\r\n]["']))'(?=[=+\\-@\t\r\n＝＋－＠])"""
)
TEXT_FORMULA = re.compile(r'=\s*"((?:[^"]|"")*)"')


def unwrap_formula(cell: str) -> str:
    """The text of a formula that is nothing but a text: `="007"` -> `007`; others stay.

    Exports write it so that Excel keeps leading zeros.
    """
    match = TEXT_FORMULA.fullmatch(cell.strip())
    return match[1].replace('""', '"') if match else cell


def clean_value(value: str) -> str:
    """The value of a merge tag as stored: trimmed, without NUL, in NFC, at most MAX_VALUE signs."""
    text = unicodedata.normalize("NFC", unwrap_formula(value.replace("\0", "")).strip())
    if "'" in text:
        text = FORMULA_APOSTROPHE.sub("", text)
    return text[:MAX_VALUE]


def without_null_word(value: str) -> str:
    """The value, or "" for a word that stands for nothing."""
    return "" if value in NULL_WORDS else value
