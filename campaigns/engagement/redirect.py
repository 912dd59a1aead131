"""Links as they are opened: answered at once, before Django and its middleware (WSGI).

The answer needs two reads of an index at most, and no writer. On the host of LINK_BASE_URL nothing
else is answered.
"""

import secrets
from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from campaigns.compose.message.tracking.codes import CODE_LENGTH
from campaigns.compose.message.tracking.short_links import PATH
from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.engagement import logos, opt_out_page, preferences_page, public_page
from campaigns.engagement.inbox import Inbox, store
from campaigns.engagement.public_page import HEADERS
from campaigns.engagement.sign_up import confirm_page, sign_up_page
from campaigns.engagement.sign_up.terms import PATH as SIGN_UP_PATH
from campaigns.engagement.spool import OpenedAt, Spool
from campaigns.engagement.targets import LinkTargets, OpenedLink
from campaigns.engagement.visitors import AGENT_MAX, Addresses, hashed
from campaigns.team.sign_in.client import address_of, network

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
_UNKNOWN = _PAGE.format(
    title="This link does not work",
    text="It may be incomplete. Open it from the message again.",
).encode()
_BUSY = _PAGE.format(
    title="This link can't be opened right now", text="Try again in a minute."
).encode()

_PAGES = {
    PageTag.OPT_OUT: opt_out_page.page,
    PageTag.PREFERENCES: preferences_page.page,
    PageTag.CONFIRM: confirm_page.page,
}
_LOGO, _SIGN_UP = public_page.LOGO_PATH.removeprefix(PATH), SIGN_UP_PATH.removeprefix("/")

targets, addresses = LinkTargets(), Addresses()
inbox = Inbox(store, Spool(settings.CLICK_ROOT))


def is_link(environ: WSGIEnvironment) -> bool:
    """Whether a request is for this module: one at the host of links, or below their path or that
    of sign-up pages.
    """
    if settings.LINK_HOST:
        host = environ.get("HTTP_HOST", "").rpartition("@")[2]
        if host.partition(":")[0].rstrip(".").lower() == settings.LINK_HOST:
            return True
    return bool(environ["PATH_INFO"].startswith((PATH, SIGN_UP_PATH)))


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request of which `is_link` is true (WSGI)."""
    method = environ["REQUEST_METHOD"]
    try:
        path = _code(environ["PATH_INFO"])
        if path.startswith(_LOGO):
            answer = logos.respond(environ, start_response, path.removeprefix(_LOGO))
            return _or_unknown(start_response, answer)
        if path.startswith(_SIGN_UP) and method in ("GET", "HEAD", "POST"):
            answer = sign_up_page.respond(environ, start_response, path.removeprefix(_SIGN_UP))
            return _or_unknown(start_response, answer)
        link = _find(path)
        if link and link.page_tag and method in ("GET", "HEAD", "POST"):
            body = _PAGES[link.page_tag](environ, link.recipient_id)
            return public_page.respond(environ, start_response, body)
    except Error:
        connection.close()
        return _page(start_response, HTTPStatus.SERVICE_UNAVAILABLE, _BUSY)
    if link is None:
        return _page(start_response, HTTPStatus.NOT_FOUND, _UNKNOWN)
    if method not in ("GET", "HEAD"):
        return _page(start_response, HTTPStatus.METHOD_NOT_ALLOWED, _UNKNOWN)
    inbox.put(_opened(link, environ))
    headers = [("Location", link.address), ("Content-Length", "0"), *HEADERS]
    start_response("302 Found", headers)
    return []


def _or_unknown(start_response: StartResponse, answer: Iterable[bytes] | None) -> Iterable[bytes]:
    return _page(start_response, HTTPStatus.NOT_FOUND, _UNKNOWN) if answer is None else answer


def _code(path: str) -> str:
    return path.removeprefix(PATH).removeprefix("/")


def _find(code: str) -> OpenedLink | None:
    if len(code) != CODE_LENGTH:
        return None
    try:
        return targets.find(code)
    except Error:  # a connection that was closed meanwhile; a new one tells whether it is that
        connection.close()
        return targets.find(code)


def _opened(link: OpenedLink, environ: WSGIEnvironment) -> OpenedAt:
    address, now = address_of(environ), timezone.now()
    client = hashed(address if "." in address else network(address))
    return OpenedAt(
        id=secrets.randbits(63),
        campaign_id=link.campaign_id,
        recipient_id=link.recipient_id,
        number=link.number,
        at=now,
        is_head=environ["REQUEST_METHOD"] == "HEAD",
        user_agent=environ.get("HTTP_USER_AGENT", "")[:AGENT_MAX],
        opens_many=addresses.opens_many(client, link.recipient_id, now),
    )


def _page(start_response: StartResponse, status: HTTPStatus, body: bytes) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", "default-src 'none'"),
        *HEADERS,
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
