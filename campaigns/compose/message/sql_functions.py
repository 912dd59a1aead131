"""SQL functions on texts: whether one contains certain characters, its length URL-encoded."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Func, IntegerField
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from campaigns.compose.message.sms import GSM_BASIC, GSM_EXTENDED

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-"
_URL_LENGTH = "viberdash_url_length"
Compiled = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Characters:
    """A set of characters in the pattern syntax of each engine.

    In brackets, with "]" first and "-" last, where both stand for themselves.
    """

    glob: str
    regex: str


TWO_UNIT_CHARACTERS = Characters(  # two units each: those that GSM-7 escapes, and emoji in UCS-2
    glob="*[]" + GSM_EXTENDED.replace("]", "").replace("^", "") + "^\U00010000-\U0010ffff]*",
    regex="[]"
    + GSM_EXTENDED.replace("]", "").replace("^", "").replace("\\", "\\\\")
    + "^\U00010000-\U0010ffff]",
)
OUTSIDE_GSM = Characters(
    glob="*[^" + GSM_BASIC.replace("-", "") + "-]*", regex="[^" + GSM_BASIC.replace("-", "") + "-]"
)


class ContainsAny(Func):
    """Whether a text contains any of `characters`."""

    output_field = BooleanField()
    template = "(%(expressions)s)"

    def __init__(self, text: Combinable, characters: Characters) -> None:
        super().__init__(text)
        self.characters = characters

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **options: Any
    ) -> Compiled:
        return self._compile_match(compiler, "GLOB", self.characters.glob)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **options: Any
    ) -> Compiled:
        return self._compile_match(compiler, "~", self.characters.regex)

    def _compile_match(self, compiler: SQLCompiler, operator: str, pattern: str) -> Compiled:
        text, params = compiler.compile(self.source_expressions[0])
        return f"({text} {operator} %s)", [*params, pattern]


class EncodedLength(Func):
    """The number of characters of a text once URL-encoded: three for each encoded byte.

    On SQLite, call `register_sqlite_function` first.
    """

    output_field = IntegerField()
    arity = 1
    function = _URL_LENGTH

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **options: Any
    ) -> Compiled:
        text, params = compiler.compile(self.source_expressions[0])
        octets, plain = (
            f"OCTET_LENGTH(CONVERT_TO({text}, 'UTF8'))",
            f"REGEXP_REPLACE({text}, %s, '', 'g')",
        )
        return f"(3 * {octets} - 2 * LENGTH({plain}))", [*params, *params, f"[^{UNRESERVED}]"]


def register_sqlite_function() -> None:
    """Register the function of `EncodedLength` on this connection if it is SQLite's."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.create_function(_URL_LENGTH, 1, _url_length, deterministic=True)


def _url_length(text: str | None) -> int | None:
    return None if text is None else len(quote(str(text), safe=""))
