"""Pages of rows by key: nothing is counted or skipped, and rows that come or go shift no others."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

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


class Page(Schema, Generic[T]):
    """A page. Without `next_cursor` it is the last one."""

    items: list[T]
    next_cursor: str | None
    next: Annotated[str | None, Field(description="Path and query of the next page.")]


def page(
    request: HttpRequest,
    rows: QuerySet[M],
    query: PageQuery,
    show: Callable[[M], Any],
    *,
    newest_first: bool = False,
) -> dict[str, Any]:
    """The page of `rows` that `query` asks for, by id, each as `show` makes it."""
    order, beyond = ("-pk", "pk__lt") if newest_first else ("pk", "pk__gt")
    if query.cursor:
        rows = rows.filter(**{beyond: int(query.cursor)})
    found = list(rows.order_by(order)[: query.limit + 1])
    cursor = str(found[query.limit - 1].pk) if len(found) > query.limit else None
    others = [(name, value) for name, value in request.GET.items() if name != "cursor"]
    return {
        "items": [show(row) for row in found[: query.limit]],
        "next_cursor": cursor,
        "next": f"{request.path}?{urlencode([*others, ('cursor', cursor)])}" if cursor else None,
    }
