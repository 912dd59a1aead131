"""Middleware: all text that enters through forms and addresses is in Unicode's normal form C."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from campaigns.shared.text import composed

SECRET = "password"  # noqa: S105 - in the names of fields that are compared as they were typed


class ComposedForms:
    """Composes the values of each query and form, and the names of uploaded files.

    It stands behind the check of the CSRF token, which reads the form. Views without that check
    read no form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> None:
        request.GET = _composed_query(request.GET)
        if request.method != "POST" or getattr(view_func, "csrf_exempt", False):
            return
        request.POST = _composed_query(request.POST)
        for _name, uploads in request.FILES.lists():
            for upload in uploads:
                upload.name = composed(upload.name or "")


def _composed_query(query: QueryDict) -> Any:  # immutable, for which Django has no public type
    changed = {
        name: values
        for name, typed in query.lists()
        if SECRET not in name and (values := [composed(value) for value in typed]) != typed
    }
    if not changed:
        return query
    answer = query.copy()
    for name, values in changed.items():
        answer.setlist(name, values)
    answer._mutable = False
    return answer
