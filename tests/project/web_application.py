"""The product's WSGI application, and below /test/ responses that show how the web server treats
requests. test_web_server.py starts it.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from viberdash.wsgi import application as product

LARGE = 6_000_000  # bytes; more than the system holds for a client that does not read
PIECE = b"x" * 100_000


def received(environ: WSGIEnvironment) -> Iterable[bytes]:
    """What arrived: length and hash of the body, whether it is in memory, the proxy's scheme."""
    source: Any = environ["wsgi.input"]
    body = source.read()
    request = {
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "in_memory": isinstance(source, io.BytesIO),
        "scheme": environ.get("HTTP_X_FORWARDED_PROTO"),
    }
    return [json.dumps(request).encode()]


def large(environ: WSGIEnvironment) -> Iterable[bytes]:
    return (PIECE for _ in range(LARGE // len(PIECE)))


def blocked(environ: WSGIEnvironment) -> Iterable[bytes]:
    """Respond with what is written to the FIFO that the query names, once its writer closes it."""
    with open(environ["QUERY_STRING"], "rb") as fifo:
        return [fifo.read()]


PATHS: dict[str, Callable[[WSGIEnvironment], Iterable[bytes]]] = {
    "/test/received": received, "/contacts/import": received,
    "/test/large": large, "/test/blocked": blocked,
}  # fmt: skip


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    respond = PATHS.get(environ["PATH_INFO"])
    if respond is None:
        return product(environ, start_response)
    body = respond(environ)
    headers = [("X-Process", str(os.getpid()))]
    if isinstance(body, list):
        headers.append(("Content-Length", str(len(body[0]))))
    start_response("200 OK", headers)
    return body
