"""Columns of an import whose values have a type: they get their normal form, and are counted."""

import json
from collections.abc import Iterable
from typing import Any

from campaigns.contacts.field_types.value_formats import ValueFormat, read_value

KEPT_VALUES = 100_000  # different ones whose reading is remembered
EXAMPLES_MAX = 3
EXAMPLE_LENGTH = 60
OTHER_ORDER = {
    ValueFormat.DAY_FIRST: ValueFormat.MONTH_FIRST,
    ValueFormat.MONTH_FIRST: ValueFormat.DAY_FIRST,
}


class TypedColumn:
    """One column. Reads each different value once, as most columns repeat theirs.

    `escaped`: its values are escaped for JSON, and those that cannot be read stay so.
    """

    def __init__(self, name: str, value_format: ValueFormat, *, escaped: bool = False) -> None:
        self.name, self.value_format, self.escaped = name, value_format, escaped
        self.read = self.unread = 0
        self.examples: dict[str, str] = {}  # value -> its normal form
        self.unread_examples: dict[str, None] = {}
        self._other = OTHER_ORDER.get(value_format)
        self._in_both = self._in_one = False  # can a date be read in both orders, in one alone?
        self._normal: dict[str, str] = {"": ""}
        self._unread: set[str] = set()

    def normalised(self, values: list[str]) -> list[str]:
        """The normal forms of `values`; unreadable ones stay."""
        normal = self._normal
        if len(normal) > KEPT_VALUES:
            normal.clear()
            normal[""] = ""
            self._unread.clear()
        for value in dict.fromkeys(values):
            if value not in normal:
                self._learn(value)
        unread = 0
        if self._unread:
            unread = sum(map(self._unread.__contains__, values))
        self.unread += unread
        self.read += len(values) - unread - values.count("")
        return [normal[value] for value in values]

    def _learn(self, value: str) -> None:
        text = json.loads(f'"{value}"') if self.escaped and "\\" in value else value
        form = read_value(text, self.value_format)
        self._normal[value] = value if form is None else form
        if form is None:
            self._unread.add(value)
            if len(self.unread_examples) < EXAMPLES_MAX:
                self.unread_examples[text[:EXAMPLE_LENGTH]] = None
            return
        if len(self.examples) < EXAMPLES_MAX:
            self.examples[value] = form
        if self._other and not self._in_one:
            other = read_value(value, self._other)
            self._in_one = other is None
            self._in_both |= other not in (None, form)

    def as_json(self) -> dict[str, Any]:
        """Counts and examples. `is_open`: no value shows whether the day or the month is first."""
        return {
            "name": self.name,
            "format": self.value_format.value,
            "is_open": self._in_both and not self._in_one,
            "read": self.read,
            "unread": self.unread,
            "examples": list(self.examples.items()),
            "unread_examples": list(self.unread_examples),
        }


def without_examples(columns: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The JSON of columns without values of contacts, which go with the file."""
    return [{**column, "examples": [], "unread_examples": []} for column in columns]
