"""Texts compared without regard to capitals, the same way in Python, SQLite and PostgreSQL; and
texts brought to Unicode's normal form C, in which equal words are equal characters.

On their own SQLite folds ASCII letters alone, and PostgreSQL what its locale knows. Conditions use
the lookups of this module, by name (`name__folded_contains=query`) or on an expression
(`FoldedContains(value, wanted)`).
"""

import unicodedata
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, TextField
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    TextLookup = Lookup[str]
else:  # at run time it takes no parameters
    TextLookup = Lookup

NUL = "\0"
# stands for a NUL, which PostgreSQL refuses, so that a search for one finds nothing
REPLACEMENT = "\ufffd"
DOTTED_I, FINAL_SIGMA, SIGMA = "\u0130", "\u03c2", "\u03c3"
# what nobody sees: marks of direction, and signs without width that are no joiners
INVISIBLE = (
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_ENDS = INVISIBLE + "".join(filter(str.isspace, map(chr, range(0x3001))))
CASED = range(0x1F000)  # the code points that can have a capital; none is above


def fold(text: str) -> str:
    """`text` in small letters, for comparison: as many characters as `text` has.

    A sigma is the same in the middle of a word as at its end, and the capital I with a dot is an i.
    """
    return text.replace(DOTTED_I, "i").lower().replace(FINAL_SIGMA, SIGMA)


def composed(text: str) -> str:
    """`text` in normal form C: each accent is one character with its letter where there is one.

    A Mac writes "é" of file names, and of what is pasted from them, as two characters. Joiners,
    which emoji and many scripts need, stay as they are.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_nul(text: str) -> str:
    """`text` as every database takes it; one with a NUL equals and contains nothing stored."""
    return text.replace(NUL, REPLACEMENT)


def trimmed(text: str) -> str:
    """`text` without blanks and invisible signs at its ends, which are often copied with a text."""
    return text.strip(_ENDS)


def escape_like(text: str) -> str:
    """`text` with the wildcards of LIKE escaped."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def postgresql_fold(expression: str, using: str = "default") -> str:
    """The SQL of `fold` on PostgreSQL."""
    if _locale_folds(using):
        return f"TRANSLATE(LOWER({expression}), '{FINAL_SIGMA}', '{SIGMA}')"
    lower = f"LOWER(TRANSLATE({expression}, '{DOTTED_I}', 'i') COLLATE \"und-x-icu\")"
    return f"TRANSLATE({lower}, '{FINAL_SIGMA}', '{SIGMA}')"


@cache
def _locale_folds(using: str) -> bool:
    """Whether LOWER alone folds as Python does, three times as fast as with the letters of ICU.

    That of the locale "C", for example, folds ASCII letters alone.
    """
    capitals = " ".join(letter for letters in _capitals().values() for letter in letters)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT TRANSLATE(LOWER(%s), '{FINAL_SIGMA}', '{SIGMA}')", [capitals])
        if cursor.fetchone()[0] == fold(capitals):
            return True
        cursor.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'")
        return cursor.fetchone() is None  # a server without ICU folds as its locale


@cache
def _capitals() -> dict[str, str]:
    """The letters that fold to another one, by that one: {"a": "A", "i": "Iİ", "σ": "Σς"}."""
    letters: defaultdict[str, str] = defaultdict(str)
    for letter in map(chr, CASED):
        if (folded := fold(letter)) != letter:
            letters[folded] += letter
    return dict(letters)


def _glob(folded: str) -> str:
    """A pattern for SQLite's GLOB: each letter in any case, each wildcard for itself.

    It is matched in C. A function of ours that folds would be called for each row.
    """
    capitals = _capitals()
    return "".join(
        f"[{sign}{capitals[sign]}]" if sign in capitals else f"[{sign}]" if sign in "*?[" else sign
        for sign in folded
    )


class FoldedExact(TextLookup):
    """Whether a text is another one, whatever the capitals of either."""

    lookup_name = "folded_exact"
    before = after = False  # whether other characters may stand before and after

    def get_prep_lookup(self) -> str:
        return without_nul(fold(str(self.rhs)))

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} GLOB %s", [*params, self._pattern("*", _glob(self.rhs))]

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        pattern = self._pattern("%", escape_like(self.rhs))
        return f"{postgresql_fold(f'({lhs})', connection.alias)} LIKE %s", [*params, pattern]

    def _pattern(self, anything: str, text: str) -> str:
        return f"{anything if self.before else ''}{text}{anything if self.after else ''}"


class FoldedContains(FoldedExact):
    """Whether a text contains another one, whatever the capitals of either."""

    lookup_name = "folded_contains"
    before = after = True


class FoldedStartsWith(FoldedExact):
    """Whether a text starts with another one, whatever the capitals of either."""

    lookup_name = "folded_startswith"
    after = True


def register_lookups() -> None:
    """Let conditions name the lookups of this module."""
    for field in (CharField, TextField):
        for lookup in (FoldedExact, FoldedContains, FoldedStartsWith):
            field.register_lookup(lookup)
