"""Merge tags: `{first_name}` and `{first_name|friend}`, filled in by one pass over the text.

A name is letters, digits and underscores; `{{` and `}}` are literal braces. What is filled in is
text and is never parsed again. The browser counts with the same rules (static/js/merge.js); one
table of test vectors runs through both.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(\{\{)|(\}\})|\{[ \t]*(\w+)[ \t]*(?:\|([^{}\r\n]*))?\}|(\{[^{}\r\n]{0,40}\}?|\})"
)
_BRACES = {"{{": "{", "}}": "}"}
TAG_NAME = re.compile(r"\w+")


class MissingValue(Exception):  # noqa: N818 - a fact about a recipient
    """A recipient has no value for the tag `name`, and the text has no word instead."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Tag:
    """A place to be filled in: by the recipient's `name`, or by `default`; None: there is no word
    instead.
    """

    name: str
    default: str | None


class CompiledText:
    """A text with merge tags, compiled once to be filled millions of times.

    `encode` turns a value into what may stand in the text, such as URL-encoding in a link. `names`
    are the tags used, `strays` the braces that belong to no tag (they stay in the text as they are;
    the checks refuse them).
    """

    __slots__ = ("_pieces", "_slots", "encode", "literal_length", "names", "strays", "tags", "text")

    def __init__(self, text: str, encode: Callable[[str], str] | None = None) -> None:
        self.text = text
        self.encode = encode
        self.tags: list[Tag] = []
        self.strays: list[str] = []
        self._pieces: list[str] = []
        self._slots: list[tuple[int, str, str | None]] = []
        self._compile()
        self.names = frozenset(tag.name for tag in self.tags)
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
        name, default, stray = match[3], match[4], match[5]
        if name is None:
            self._pieces.append(_BRACES.get(match[0], match[0]))
            if stray:
                self.strays.append(stray)
            return
        self.tags.append(Tag(name, default))
        encoded = self.encode(default) if self.encode and default is not None else default
        self._slots.append((len(self._pieces), name, encoded))
        self._pieces.append("")

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    def fill(self, fields: Mapping[str, str]) -> str:
        """The text for a recipient with these `fields`. Raises MissingValue; an empty value is a
        missing one.
        """
        if not self._slots:
            return self._pieces[0]
        pieces = self._pieces.copy()
        encode = self.encode
        for position, name, default in self._slots:
            value = fields.get(name)
            if value:
                pieces[position] = encode(value) if encode else value
            elif default is None:
                raise MissingValue(name)
            else:
                pieces[position] = default
        return "".join(pieces)

    def sketch(self, fields: Mapping[str, str]) -> str:
        """As `fill`, with the tag itself where neither a value nor a word stands: for previews."""
        missing = {
            tag.name: f"{{{tag.name}}}"
            for tag in self.tags
            if not fields.get(tag.name) and tag.default is None
        }
        return self.fill({**fields, **missing}) if missing else self.fill(fields)


def tags(text: str) -> list[Tag]:
    """The merge tags of `text` in their order."""
    return CompiledText(text).tags


def fill(text: str, fields: Mapping[str, str]) -> str:
    """`text` for a recipient with these `fields`. Raises MissingValue."""
    return CompiledText(text).fill(fields)
