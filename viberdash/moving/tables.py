"""What is moved: the tables of all models, and how SQLite writes their rows as COPY reads them."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from campaigns.shared.money import AmountField

# signs of life of processes and their slots: they belong to the machine that is left
LEFT_BEHIND = {"campaigns_heartbeat"}
# their hashes are over what they say, so nothing in them is replaced
UNCHANGED = {"campaigns_auditentry", "campaigns_auditlink", "campaigns_auditseal"}
# Bytes that UTF-8 has not: between values, after a row, and for NULL. Python puts what COPY reads
# in their place and escapes the rest, in a fifth of the time that SQLite takes for it.
VALUE_END, ROW_END, NULL = b"\xff", b"\xfe", b"\xfd"
COPY_TEXT = (  # PostgreSQL, COPY, File Formats: in this order
    (b"\\", rb"\\"), (b"\t", rb"\t"), (b"\n", rb"\n"), (b"\r", rb"\r"),
    (VALUE_END, b"\t"), (ROW_END, b"\n"), (NULL, rb"\N"),
)  # fmt: skip
JSON_FUNCTION = "json_without_nul"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns, those with money, its key, and a row as a line of COPY's text."""

    name: str
    key: str
    has_number_key: bool
    columns: tuple[str, ...]
    money: tuple[str, ...]
    line: str  # an SQL expression of SQLite
    identity: bool  # whether PostgreSQL numbers its rows

    def key_value(self, position: str) -> int | str:
        return int(position) if self.has_number_key else position


def moved_tables(*, replace_nul: bool = False) -> list[Table]:
    """All tables with rows of models, by name."""
    models_by_table: dict[str, type[models.Model]] = {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return [
        _table(model, replace_nul=replace_nul)
        for name, model in sorted(models_by_table.items())
        if name not in LEFT_BEHIND
    ]


def _table(model: type[models.Model], *, replace_nul: bool) -> Table:
    fields: list[Any] = [*model._meta.local_concrete_fields]
    key: Any = model._meta.pk
    values: list[str] = [
        f"COALESCE({_value(field, replace_nul=replace_nul)}, {_sql(NULL)})" for field in fields
    ]
    return Table(
        name=model._meta.db_table,
        key=key.column,
        has_number_key=isinstance(_stored(key), models.IntegerField),
        columns=tuple(field.column for field in fields),
        money=tuple(str(field.column) for field in fields if isinstance(field, AmountField)),
        line=f" || {_sql(VALUE_END)} || ".join(values) + f" || {_sql(ROW_END)}",
        identity=isinstance(key, models.AutoField),
    )


def _stored(field: Any) -> Any:
    """The field whose kind of value is stored: that of the other table for a foreign key."""
    return _stored(field.target_field) if isinstance(field, models.ForeignKey) else field


def _sql(sign: bytes) -> str:
    return f"CAST(X'{sign.hex()}' AS TEXT)"


def _value(field: Any, *, replace_nul: bool) -> str:
    """A column as a text, or NULL."""
    name, kind = f'"{field.column}"', _stored(field)
    if isinstance(kind, models.FloatField):  # all its digits
        return f"CASE WHEN {name} IS NOT NULL THEN PRINTF('%!.17g', {name}) END"
    if isinstance(kind, models.BinaryField):
        return rf"CASE WHEN {name} IS NOT NULL THEN '\x' || HEX({name}) END"
    return (
        f"{JSON_FUNCTION}({name})" if replace_nul and isinstance(kind, models.JSONField) else name
    )


def as_copy_text(rows: bytes) -> bytes:
    """Rows as SQLite gives them (`Table.line`), as COPY reads them."""
    for sign, written in COPY_TEXT:
        rows = rows.replace(sign, written)
    return rows
