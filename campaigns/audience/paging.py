"""Pages of 50 that never count a large table."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PAGE = 50


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


def page_of(request: HttpRequest, rows: QuerySet[Any], count: int) -> Page[Any]:
    """The page of `rows` that the query asks for, of which there are `count`."""
    return Known(rows, count).get_page(request.GET.get("page"))


def page_of_ids(request: HttpRequest, rows: QuerySet[Any], ids: list[int]) -> Page[Any]:
    """The page of those of `rows` that a search has found; some may be gone since."""
    page = Pages(ids, PAGE).get_page(request.GET.get("page"))
    page.object_list = rows.filter(pk__in=list(page.object_list))
    return page
