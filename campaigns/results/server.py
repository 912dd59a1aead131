"""Delivery reports over HTTP: beside the pages in the web server, or from a process of their own."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

from campaigns.gateway.delivery_reports import BODY_MAX
from campaigns.results.receiving import receive, refusal

Message = MutableMapping[str, Any]


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One report in the web server, before Django and all its middleware."""
    length = environ.get("CONTENT_LENGTH") or ""
    status = refusal(environ["REQUEST_METHOD"], environ["PATH_INFO"], length)
    if not status:
        status = receive(environ["wsgi.input"].read(int(length)))
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
    return []


async def asgi(
    scope: Message, listen: Callable[[], Awaitable[Message]], answer: Callable[[Message], Awaitable[None]]
) -> None:
    """One report in the process that takes nothing else (`manage.py reports`)."""
    lengths = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-length"]
    status = refusal(scope["method"], scope["path"], lengths[0] if lengths else "")
    if not status:
        status = receive(await _body(listen))
    await answer({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await answer({"type": "http.response.body", "body": b""})


async def _body(listen: Callable[[], Awaitable[Message]]) -> bytes:
    body = b""
    while len(body) <= BODY_MAX:
        event = await listen()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    return body
