"""Tables that are downloaded as files; the trail says who took which."""

from collections.abc import Sequence

from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from campaigns.shared.table_columns import Column, Rows
from campaigns.shared.table_export import FILES
from campaigns.team import audit
from campaigns.team.pages.access import current_user


def download(
    request: HttpRequest,
    kind: str,
    name: str,
    table: tuple[Sequence[Column], Rows],
    of: Model | str = "",
) -> HttpResponseBase:
    """The `table` as a file of `kind` called `name`; recorded as taken from the object `of`, with
    the names of the filters.
    """
    columns, rows = table
    detail = f"{name}.{kind}"
    if filters := [filter_name for filter_name, value in request.GET.items() if value]:
        detail += f", by {', '.join(filters)}"
    audit.record(current_user(request), of or f"file:{name}", "exported", detail)
    return FILES[kind](name, columns, rows)
