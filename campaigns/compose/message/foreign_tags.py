"""Placeholders as other programs write them: {{name}}, *|NAME|*, %NAME%, [name], ${name},
[subscriber:name | default:friend].

They are no merge tags here, so recipients would get them as they stand. Whoever knows the columns
of the lists can say which merge tag was meant.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from campaigns.compose.message.merge_tags import BLANKS

_NAME = r"\.?[^\W\d][\w.\- ]{0,59}"  # letters first: 20%, [1] and {{5}} are no placeholders
_FALLBACK = r"(?:[|][^{}\r\n]{0,99})?"
_PATTERNS = (  # what is written, and whether it is rare enough in texts to be doubtful by itself
    (rf"(?<!\{{)\{{\{{\s*({_NAME}{_FALLBACK})\s*\}}\}}(?!\}})", True),
    (rf"\*\|\s*({_NAME})\s*\|\*", True),
    (rf"\$\{{\s*({_NAME}{_FALLBACK})\s*\}}", True),
    (r"%%?([^\W\d][\w.]{0,59})%%?", True),
    (rf"(?<![\w\]])\[\[?({_NAME})\]?\]", True),
    (rf"\[(?:subscriber|user):({_NAME}(?:[|][^\[\]\r\n]{{0,99}})?)\]", True),
    (r"#([^\W\d]\w{0,59})#", False),
    (r"\(\(([^\W\d][\w.]{0,59})\)\)", False),
    (r"<<?([^\W\d][\w.]{0,59})>>?", False),
    (r"::([^\W\d][\w.]{0,59})::", False),
)
_FOREIGN = [(re.compile(pattern), doubtful) for pattern, doubtful in _PATTERNS]
_HEX = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)  # of an encoded address: %D0%B0
_ALIASES = {"fname": "firstname", "lname": "lastname"}  # Mailchimp's


@dataclass(frozen=True, slots=True)
class ForeignTag:
    """A placeholder as `written`, the `name` and the `fallback` value in it.

    `doubtful`: hardly anybody writes this but as a placeholder, whatever the name.
    """

    written: str
    name: str
    fallback: str | None
    doubtful: bool


def foreign_tags(text: str) -> Iterator[ForeignTag]:
    """The placeholders of other programs in `text`, each as often as it occurs."""
    for pattern, doubtful in _FOREIGN:
        for match in pattern.finditer(text):
            if _HEX.match(match[0]) and len(match[1]) == 2:
                continue
            name, mark, fallback = match[1].partition("|")
            one_word = " " not in name.strip()
            value = fallback.strip(BLANKS) if mark and ":" not in fallback else None
            yield ForeignTag(match[0], name.strip(), value, doubtful and one_word)


def column_of(name: str, known: Iterable[str]) -> str | None:
    """The column among `known` that a placeholder names, as people read names: "FirstName",
    "first-name" and "contact.first_name" are first_name.
    """
    columns = {_letters(column): column for column in sorted(known, reverse=True)}
    for written in (name, name.rpartition(".")[2]):
        letters = _letters(written)
        if column := columns.get(letters) or columns.get(_ALIASES.get(letters, "")):
            return column
    return None


def merge_tag(tag: ForeignTag, column: str) -> str:
    """The merge tag that says the same."""
    return f"{{{column}}}" if tag.fallback is None else f"{{{column}|{tag.fallback}}}"


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
