"""The logos of brands for the public pages, also at the host of links (WSGI)."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from mimetypes import guess_type
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.files.storage import default_storage

from campaigns.compose.library.logos import FOLDER
from campaigns.team.models import Brand

ONE_YEAR = 31_536_000  # seconds
_FILE = re.compile(r"[0-9a-f]{32}\.(?:jpg|png)")


def respond(
    environ: WSGIEnvironment, start_response: StartResponse, file: str
) -> Iterable[bytes] | None:
    """Answer with the logo that has this file name; None if no brand has it. A new logo has another
    name, so browsers may keep it.
    """
    is_name = _FILE.fullmatch(file) is not None
    if not is_name or not Brand.objects.filter(logo=f"{FOLDER}{file}").exists():
        return None
    try:
        with default_storage.open(f"{FOLDER}{file}") as stored:
            body = stored.read()
    except FileNotFoundError:
        return None
    headers = [
        ("Content-Type", guess_type(file)[0] or ""),
        ("Content-Length", str(len(body))),
        ("Cache-Control", f"public, max-age={ONE_YEAR}, immutable"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response(f"{HTTPStatus.OK.value} {HTTPStatus.OK.phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
