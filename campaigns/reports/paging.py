"""Pages of long tables without counting or skipping rows: a page begins after the last row of the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet

PAGE = 50
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Slice(Generic[M]):
    """One page of rows. `before` and `after` are the values of `?at=` for its neighbours, "" where there is none."""

    rows: Sequence[M]
    before: str = ""
    after: str = ""

    def __bool__(self) -> bool:
        return bool(self.rows)


def read_slice(rows: QuerySet[M], column: str, at: str, size: int = PAGE) -> Slice[M]:
    """The page of `rows` that `at` names, in the order of (`column`, id). A malformed `at` means the first page."""
    return read_merged([rows], column, at, size)


def read_merged(parts: Sequence[QuerySet[M]], column: str, at: str, size: int = PAGE) -> Slice[M]:
    """The same page of several queries together, which have no row in common: each is read as far as a page may go."""
    if not parts:
        return Slice([])
    backwards, position = _position(parts[0].model, column, at)
    order = (f"-{column}", "-pk") if backwards else (column, "pk")
    found: list[M] = []
    for rows in parts:
        wanted = rows.filter(_beyond(column, position, backwards)) if position else rows
        found += wanted.order_by(*order)[: size + 1]
    if len(parts) > 1:
        found.sort(key=lambda row: (getattr(row, column), row.pk), reverse=backwards)
    more = len(found) > size
    page = found[:size]
    if backwards:
        page.reverse()
    if not page:
        return Slice([])
    has_before = more if backwards else position is not None
    has_after = more or backwards
    return Slice(
        page,
        f"b{_name(page[0], column)}" if has_before else "",
        f"a{_name(page[-1], column)}" if has_after else "",
    )


def _name(row: Model, column: str) -> str:
    return f"{getattr(row, column)}.{row.pk}"


def _position(model: type[Model], column: str, at: str) -> tuple[bool, tuple[Any, int] | None]:
    value, dot, pk = at[1:].rpartition(".")
    if at[:1] not in ("a", "b") or not dot:
        return False, None
    try:
        return at[0] == "b", (cast("Field[Any, Any]", model._meta.get_field(column)).to_python(value), int(pk))
    except (ValidationError, ValueError):
        return False, None


def _beyond(column: str, position: tuple[Any, int], backwards: bool) -> Q:
    """The rows beyond `position`. The first condition alone lets the database start at the right place of its index."""
    value, pk = position
    way = "lt" if backwards else "gt"
    return Q(**{f"{column}__{way}e": value}) & (Q(**{f"{column}__{way}": value}) | Q(**{f"pk__{way}": pk}))
