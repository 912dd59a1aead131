"""Values of query strings and forms, read without trusting them.

What cannot be read selects nothing: never everything, as if it were not there.
"""

from collections.abc import Iterable, Mapping

from campaigns.shared.text import NUL, trimmed, without_nul

ID_DIGITS_MAX = 18  # below 2**63, which is all that a column of ids takes
NO_ID = 0  # no row has it


def read_id(text: str) -> int | None:
    """The id that `text` names; None for anything else, and for what no column can hold."""
    is_number = text.isascii() and text.isdigit() and len(text) <= ID_DIGITS_MAX
    return int(text) if is_number else None


def read_ids(texts: Iterable[str]) -> list[int]:
    """The ids that `texts` name, in order; what `read_id` cannot read is left out."""
    ids = map(read_id, texts)
    return [number for number in ids if number is not None]


def read_text(form: Mapping[str, str], key: str) -> str:
    """A text from a form, to be stored: without NULs, which no database takes everywhere."""
    return form.get(key, "").replace(NUL, "")


def read_search(query: Mapping[str, str], key: str = "q") -> str:
    """The trimmed text to search for, without NULs; "" for none. Only NULs: it finds nothing."""
    given = trimmed(query.get(key, ""))
    return trimmed(given.replace(NUL, "")) or without_nul(given)
