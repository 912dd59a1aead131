"""Pages of 50 that never count a large table."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PAGE = 50
COUNTED = 2_000  # matches of a search that are counted; more are "and more"


if TYPE_CHECKING:
    Pages = Paginator[Any]
else:  # at run time it takes no parameters
    Pages = Paginator


class Known(Pages):
    """Pages of rows whose number is known already."""

    def __init__(self, rows: QuerySet[Any], count: int) -> None:
        super().__init__(rows, PAGE)
        self._known = count

    @property
    def count(self) -> int:
        return self._known


def page_of(request: HttpRequest, rows: QuerySet[Any], count: int | None = None) -> Page[Any]:
    """The page of `rows` that the query asks for. `count`: how many there are; None: count them, up to COUNTED."""
    known = len(rows.order_by().values_list("pk", flat=True)[:COUNTED]) if count is None else count
    return Known(rows, known).get_page(request.GET.get("page"))
