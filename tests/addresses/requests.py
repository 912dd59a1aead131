"""Requests with any bytes in them, each of which is undone after its answer."""

import json
from collections import defaultdict
from typing import Any
from urllib.parse import quote

from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client

from campaigns.team import accounts, safe_mode
from tests.addresses.hostile import Upload
from tests.plain_rendering import without_rendering

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "boundary"
Values = dict[str, list[str]]
Files = dict[str, list[Upload]]


class Site:
    """The site as each of several users sees it, with the `ids` of its rows.

    `offered`: name -> values that its pages and forms offer; `kinds`: name -> HTML type of the
    input. `ids_of`: those of `ids` that exist below an address.
    """

    def __init__(self, clients: list[Client], ids: list[int]) -> None:
        self.clients, self.ids = clients, ids
        self.offered: dict[str, set[str]] = defaultdict(set)
        self.kinds: dict[str, str] = {}
        self.ids_of: dict[str, list[int]] = {}
        self._cookies = [client.cookies.output(header="", sep=";") for client in clients]

    def request(
        self,
        method: str,
        url: str,
        values: Values | None = None,
        files: Files | None = None,
        headers: dict[str, str] | None = None,
        *,
        user: int = 0,
        follow: bool = False,
    ) -> Any:
        """The answer, read to its end; with `follow` the first failure of that and the pages that
        it leads to. Whatever the request did is undone.
        """
        client, values = self.clients[user], values or {}
        client.cookies.load(self._cookies[user])  # signing out is undone as well
        _forget()
        body, content_type = _multipart(values, files) if files else (_encoded(values), FORM)
        with transaction.atomic():
            if method == "get":
                answer = client.get(f"{url}?{body.decode()}", headers=headers)
            else:
                answer = client.post(url, body, content_type, headers=headers)
            if answer.streaming:
                b"".join(answer)
            if hasattr(answer, "file_to_stream") and answer.file_to_stream:
                answer.file_to_stream.close()  # not the answer, which would close the connection
            if not connection.needs_rollback:
                connection.check_constraints()
            answers = [answer, *(client.get(page) for page in _leads_to(answer) if follow)]
            transaction.set_rollback(True)
        return next((answer for answer in answers if answer.status_code >= 500), answer)

    def status(self, method: str, url: str, *, user: int = 0) -> int:
        """The status alone, without a page."""
        with without_rendering():
            return int(self.request(method, url, user=user).status_code)


def _leads_to(answer: Any) -> list[str]:
    """The pages of what a form made or changed."""
    addresses = [answer.headers.get("Location", "")]
    if answer.headers.get("Content-Type") == "application/json":
        addresses += map(str, json.loads(answer.content).values())
    return [address for address in addresses if address.startswith("/")]


def _forget() -> None:
    """What is kept beside the database."""
    cache.clear()
    safe_mode.cache_state(safe=False)
    accounts.cache_state(accounts.Accounts())


def _encoded(values: Values) -> bytes:
    pairs = [(name, value) for name, every in values.items() for value in every]
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs).encode()


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _multipart(values: Values, files: Files) -> tuple[bytes, str]:
    parts: list[bytes] = []
    for name, every in values.items():
        parts += [_part(name, value.encode("utf-8", "surrogatepass")) for value in every]
    for name, uploads in files.items():
        parts += [_part(name, upload.content, upload) for upload in uploads]
    end = f"--{BOUNDARY}--\r\n".encode()
    return b"".join([*parts, end]), f"multipart/form-data; boundary={BOUNDARY}"


def _part(name: str, content: bytes, upload: Upload | None = None) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name[:100]}"'
    if upload:
        head += f'; filename="{upload.name}"\r\nContent-Type: {upload.type}'
    return f"{head}\r\n\r\n".encode("utf-8", "surrogatepass") + content + b"\r\n"
