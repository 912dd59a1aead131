"""Merge tags: `{first_name}` and `{first_name|friend}`, replaced in one pass over the text.

A name is letters, digits and underscores; blanks around it and around the fallback value do not
count; `{{` and `}}` are literal braces. Values are never parsed for tags themselves. The browser
follows the same rules (static/js/merge.js); the tests run both with
tests/compose/vectors/merge.json.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

BLANKS = " \t\u00a0\u2007\u202f"
_TOKEN = re.compile(
    rf"(\{{\{{)|(\}}\}})|\{{[{BLANKS}]*(\w+)[{BLANKS}]*(?:\|([^{{}}\r\n]*))?\}}"
    r"|(\{[^{}\r\n]{0,40}\}?|\})"
)
_BRACES = {"{{": "{", "}}": "}"}
MAX_FIELDS = 50  # in one text; the database measures a text with a term for each of them


class MissingValue(Exception):  # noqa: N818 - a fact about a recipient
    """A recipient has no value for the tag `name`, and the tag has no fallback value."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def split_at_tags(text: str) -> list[tuple[str, bool]]:
    """Split `text` where merge tags begin and end: its pieces, each with whether it is a tag."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match[3] is not None:
            pieces += [(text[end : match.start()], False), (match[0], True)]
            end = match.end()
    return [*pieces, (text[end:], False)]


def tags_named(name: str, text: str) -> list[tuple[int, int]]:
    """Where the tags of this `name` begin and end in `text`."""
    return [match.span() for match in _TOKEN.finditer(text) if match[3] == name]


@dataclass(frozen=True, slots=True)
class Tag:
    """A merge tag: the field `name`, and the fallback value if it has one."""

    name: str
    fallback: str | None


class CompiledText:
    """A text with merge tags, compiled once to be filled millions of times.

    `encode` is applied to each value, such as URL-encoding in a link. `names` are the fields used.
    `strays` are braces outside of tags: they stay in the text, and launch.checks refuses them. Tags
    of more fields than MAX_FIELDS are no tags: `excess` is the first of their names, which
    launch.checks refuses too.
    """

    __slots__ = (
        "_pieces",
        "_slots",
        "encode",
        "excess",
        "literal_length",
        "names",
        "strays",
        "tags",
        "text",
    )

    def __init__(self, text: str, encode: Callable[[str], str] | None = None) -> None:
        self.text = text
        self.encode = encode
        self.tags: list[Tag] = []
        self.strays: list[str] = []
        self.excess = ""
        self.names: frozenset[str] = frozenset()
        self._pieces: list[str] = []
        self._slots: list[tuple[int, str, str | None]] = []
        self._compile()
        self.literal_length = sum(map(len, self._pieces))

    def _compile(self) -> None:
        end = 0
        for match in _TOKEN.finditer(self.text):
            self._pieces.append(self.text[end : match.start()])
            self._add(match)
            end = match.end()
        self._pieces.append(self.text[end:])
        if not self._slots:
            self._pieces = ["".join(self._pieces)]

    def _add(self, match: re.Match[str]) -> None:
        name, stray = match[3], match[5]
        fallback = None if match[4] is None else match[4].strip(BLANKS)
        if name is None:
            self._pieces.append(_BRACES.get(match[0], match[0]))
            if stray:
                self.strays.append(stray)
            return
        if name not in self.names:
            if len(self.names) == MAX_FIELDS:
                self.excess = self.excess or name
                self._pieces.append(match[0])
                return
            self.names |= {name}
        self.tags.append(Tag(name, fallback))
        encoded = self.encode(fallback) if self.encode and fallback is not None else fallback
        self._slots.append((len(self._pieces), name, encoded))
        self._pieces.append("")

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    def fill(self, fields: Mapping[str, str]) -> str:
        """Fill in the values of a recipient's `fields`. Raises MissingValue.

        An empty value is a missing one.
        """
        if self.excess:
            raise MissingValue(self.excess)
        return self._filled(fields)

    def _filled(self, fields: Mapping[str, str]) -> str:
        if not self._slots:
            return self._pieces[0]
        pieces = self._pieces.copy()
        encode = self.encode
        for position, name, fallback in self._slots:
            value = fields.get(name)
            if value:
                pieces[position] = encode(value) if encode else value
            elif fallback is None:
                raise MissingValue(name)
            else:
                pieces[position] = fallback
        return "".join(pieces)

    def fill_partially(self, fields: Mapping[str, str]) -> str:
        """As `fill`, but keep tags without value and fallback as they are: for previews."""
        missing = {
            tag.name: f"{{{tag.name}}}"
            for tag in self.tags
            if not fields.get(tag.name) and tag.fallback is None
        }
        return self._filled({**fields, **missing})
