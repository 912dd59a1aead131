"""The merge fields of recipients: those that the message uses, with typed values as it shows them.

The values are written by the function that the preview and the counts use. PostgreSQL joins what it
gave for the values of a slice, SQLite calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from campaigns.compose.audience.merge_values import MARK, ContactsWithValues, shown

_FUNCTION = "viberdash_shown"
MARKED = f"{MARK}[a-z_]+{MARK}"  # a regular expression


@dataclass(frozen=True, slots=True)
class FieldsSql:
    """`value`: the JSON of a contact `c`. `join`: what it needs, with the values for `params`."""

    value: str
    join: str = ""
    params: list[list[str]] = field(default_factory=list)


def fields_sql(
    rows: ContactsWithValues, contacts: str, params: Sequence[Any], chosen: str
) -> FieldsSql:
    """The fields of those contacts of `rows` that have them. `contacts`: the SELECT of `rows`, with
    its `params`; `chosen`: a condition on the contacts `c` of the slice.
    """
    values = {
        name: f"c.{column}" for name, column in zip(rows.names, rows.columns, strict=True)
    }  # names are letters, digits and underscores: nothing to quote
    if connection.vendor == "sqlite":
        return FieldsSql(_sqlite(rows, values))
    joins, shown_texts = list[str](), list[list[str]]()
    for name, value in values.items():
        if value.removeprefix("c.") in rows.typed:
            texts = _shown_texts(value, contacts, params, chosen)
            alias = f"shown_{len(joins)}"
            joins.append(
                f"LEFT JOIN UNNEST(%s::text[], %s::text[]) AS {alias} (value, text)"
                f" ON {alias}.value = {value}"
            )
            shown_texts += [list(texts), list(texts.values())]
            # in its normal form, if it was changed after the values of the slice were read
            values[name] = f"COALESCE({alias}.text, REGEXP_REPLACE({value}, '^{MARKED}', ''))"
    pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
    json = f"JSONB_STRIP_NULLS(JSONB_BUILD_OBJECT({pairs}))" if pairs else "'{}'::jsonb"
    return FieldsSql(json, " ".join(joins), shown_texts)


def _sqlite(rows: ContactsWithValues, values: dict[str, str]) -> str:
    if rows.typed:
        connection.ensure_connection()
        connection.connection.create_function(_FUNCTION, 1, shown, deterministic=True)
    pairs = ", ".join(
        f"'{name}', {_FUNCTION}({value})"
        if value.removeprefix("c.") in rows.typed
        else f"'{name}', {value}"
        for name, value in values.items()
    )
    return f"JSON_PATCH('{{}}', JSON_OBJECT({pairs}))" if pairs else "'{}'"


def _shown_texts(value: str, contacts: str, params: Sequence[Any], chosen: str) -> dict[str, str]:
    """The values of a field in the slice that messages show in another way, each with that."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {value} FROM ({contacts}) c WHERE {chosen}",  # noqa: S608 - names of our own, numbers
            params,
        )
        values = [marked for (marked,) in cursor.fetchall() if marked]
    texts = {marked: shown(marked) or "" for marked in values}
    return {marked: text for marked, text in texts.items() if text != marked}
