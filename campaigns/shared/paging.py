"""Pages of 50 rows: by number for short tables, by key for long ones.

A page by key (a slice) starts after the last row of the page before, so nothing is counted or
skipped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest

from campaigns.shared.query_values import read_id
from campaigns.shared.text import NUL

PAGE = 50
M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:  # at run time it takes no parameters
    Pages = Paginator


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    """The page of `rows` that `?page=` names. Counts them: for short tables."""
    return Pages(rows, PAGE).get_page(request.GET.get("page"))


def page_of_ids(request: HttpRequest, rows: QuerySet[Any], ids: list[int]) -> Page[Any]:
    """The page of those `rows` that a search returned; some may be deleted since."""
    page = Pages(ids, PAGE).get_page(request.GET.get("page"))
    page.object_list = rows.filter(pk__in=list(page.object_list))
    return page


@dataclass(frozen=True, slots=True)
class Slice(Generic[M]):
    """One page of rows. `before` and `after`: `?at=` of the neighbouring pages, "" for none."""

    rows: Sequence[M]
    before: str = ""
    after: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)


def slice_of(request: HttpRequest, rows: QuerySet[M], column: str) -> Slice[M]:
    """The page that `?at=` names, or the first one if its rows are gone."""
    return read_slice(rows, column, request.GET.get("at", "")) or read_slice(rows, column, "")


def read_slice(rows: QuerySet[M], column: str, at: str, size: int = PAGE) -> Slice[M]:
    """The page of `rows` that `at` names, ordered by (`column`, id); a minus before `column`
    reverses. A malformed `at` means the first page.
    """
    return read_merged([rows], column, at, size)


def read_merged(parts: Sequence[QuerySet[M]], column: str, at: str, size: int = PAGE) -> Slice[M]:
    """The same for several disjoint queries together; each is read as far as a page may reach."""
    if not parts:
        return Slice([])
    falling, column = column.startswith("-"), column.lstrip("-")
    backwards, position = _position(parts[0].model, column, at)
    down = backwards != falling
    order = (f"-{column}", "-pk") if down else (column, "pk")
    candidates: list[M] = []
    for rows in parts:
        wanted = rows.filter(_beyond(column, position, down)) if position else rows
        candidates += wanted.order_by(*order)[: size + 1]
    if len(parts) > 1:
        candidates.sort(key=lambda row: (getattr(row, column), row.pk), reverse=down)
    more = len(candidates) > size
    page = candidates[:size]
    if backwards:
        page.reverse()
    if not page:
        return Slice([])
    has_before = more if backwards else position is not None
    has_after = more or backwards
    return Slice(
        page,
        f"b{_key(page[0], column)}" if has_before else "",
        f"a{_key(page[-1], column)}" if has_after else "",
    )


def _key(row: Model, column: str) -> str:
    return f"{getattr(row, column)}.{row.pk}"


def _position(model: type[Model], column: str, at: str) -> tuple[bool, tuple[Any, int] | None]:
    value, _dot, text = at[1:].rpartition(".")
    pk = read_id(text)
    if at[:1] not in ("a", "b") or pk is None or NUL in value:
        return False, None
    field = cast("Field[Any, Any]", model._meta.get_field(column))
    try:
        return at[0] == "b", (field.to_python(value), pk)
    except (ValidationError, ValueError, OverflowError):
        return False, None


def _beyond(column: str, position: tuple[Any, int], down: bool) -> Q:
    """The rows beyond `position`. The first condition lets the database start inside its index."""
    value, pk = position
    way = "lt" if down else "gt"
    return Q(**{f"{column}__{way}e": value}) & (
        Q(**{f"{column}__{way}": value}) | Q(**{f"pk__{way}": pk})
    )
