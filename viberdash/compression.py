"""What is sent as text is compressed; files that are compressed already are not."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware

TEXTS = ("text/", "application/json", "application/problem+json", "application/javascript")


class CompressTexts:
    """Middleware: Django's gzip for pages, fragments, JSON and CSV.

    Answers hold tokens of forms beside texts of users, which BREACH (2013) reads from the sizes of
    many answers. Django masks its CSRF token anew in each answer and adds up to 100 random bytes;
    the tokens against repeated submits are new in each form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.gzip = GZipMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith(TEXTS):
            return self.gzip.process_response(request, response)  # type: ignore[return-value]
        return response
