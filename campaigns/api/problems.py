"""Errors of the API: application/problem+json, as RFC 9457 describes it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from viberdash.observation.request_context import request_id

CONTENT_TYPE = "application/problem+json"
# what is said where Django or ninja refuses without words of our own
TEXTS = {
    400: ("bad_request", "The request could not be read."),
    401: ("unauthorized", "Send a valid token: Authorization: Bearer vd_…"),
    403: ("forbidden", "The token or the role of its owner does not allow this."),
    404: ("not_found", "There is nothing at this address, or not in the brand of the token."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("too_large", "The body of the request is too large."),
    415: ("unsupported_media_type", "Send JSON: Content-Type: application/json"),
    429: ("too_many_requests", "Too many requests. Wait as long as Retry-After says."),
    500: ("internal_error", "The server failed. The request_id names this request in its log."),
    503: ("unavailable", "The server can't do this now. Repeat the request later."),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a value. `field`: its path in the body, or the name of a parameter."""

    field: str
    code: str
    message: str


@dataclass
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """A request that is not done. `code` is for programs and never changes; `detail` is read."""

    status: int
    code: str = ""
    detail: str = ""
    errors: Iterable[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """The problem as it is sent."""
        code, detail = TEXTS.get(self.status, TEXTS[400 if self.status < 500 else 500])
        code = self.code or code
        body = {
            "type": f"urn:viberdash:problem:{code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail or detail,
            "code": code,
            "errors": [asdict(error) for error in self.errors],
            "request_id": request_id(),
        }
        content = json.dumps(body, ensure_ascii=False)
        return HttpResponse(content, CONTENT_TYPE, self.status, headers=dict(self.headers))


def invalid(field: str, code: str, message: str) -> Problem:
    """A value that does not fit, which the schema could not say."""
    return Problem(422, "invalid", message, [FieldError(field, code, message)])


def as_problem(response: HttpResponseBase) -> HttpResponseBase:
    """`response`, or the problem that stands for an error which Django answered in its own way."""
    if response.status_code < 400 or response.headers.get("Content-Type") == CONTENT_TYPE:
        return response
    kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response}
    return Problem(response.status_code, headers=kept).response()
