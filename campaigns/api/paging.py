"""Pages of rows by key: nothing is counted or skipped, and rows that come or go shift no others."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from campaigns.shared.paging import Slice

M = TypeVar("M", bound=Model)
T = TypeVar("T")
LIMIT, LIMIT_MAX = 50, 200


class PageQuery(Schema):
    """The parameters of each list."""

    cursor: Annotated[
        str,
        Field(
            pattern="^([0-9]{1,18})?$",
            description="Where the page begins: `next_cursor` of the page before.",
        ),
    ] = ""
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="Rows of a page at most.")] = LIMIT


class SliceQuery(PageQuery):
    """The parameters of a list in another order than that of ids."""

    cursor: Annotated[
        str,
        Field(
            pattern=r"^([0-9-]{1,10}\.[0-9]{1,18})?$",
            description="Where the page begins: `next_cursor` of the page before.",
        ),
    ] = ""

    @property
    def at(self) -> str:
        """The position as `shared.paging` reads it."""
        return f"a{self.cursor}" if self.cursor else ""


class Page(Schema, Generic[T]):
    """A page. Without `next_cursor` it is the last one."""

    items: list[T]
    next_cursor: str | None
    next: Annotated[str | None, Field(description="Path and query of the next page.")]


def page(
    request: HttpRequest,
    rows: QuerySet[M],
    query: PageQuery,
    show: Callable[[Any], Any],
    *,
    load: Callable[[list[M]], Iterable[Any]] = list,
    newest_first: bool = False,
) -> dict[str, Any]:
    """The page of `rows` that `query` asks for, by id, each as `show` makes it.

    `load`: what `show` gets for the rows of the page, read for all of them at once.
    """
    order, beyond = ("-pk", "pk__lt") if newest_first else ("pk", "pk__gt")
    if query.cursor:
        rows = rows.filter(**{beyond: int(query.cursor)})
    found = list(rows.order_by(order)[: query.limit + 1])
    cursor = str(found[query.limit - 1].pk) if len(found) > query.limit else None
    return _answer(request, [show(row) for row in load(found[: query.limit])], cursor)


def slice_page(request: HttpRequest, rows: Slice[M], show: Callable[[M], Any]) -> dict[str, Any]:
    """The page of a slice that was read at `SliceQuery.at`, each row as `show` makes it."""
    return _answer(request, [show(row) for row in rows], rows.after[1:] or None)


def _answer(request: HttpRequest, items: list[Any], cursor: str | None) -> dict[str, Any]:
    others = [(name, value) for name, value in request.GET.items() if name != "cursor"]
    return {
        "items": items,
        "next_cursor": cursor,
        "next": f"{request.path}?{urlencode([*others, ('cursor', cursor)])}" if cursor else None,
    }
