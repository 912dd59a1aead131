"""The sandbox's page: the messages as they look on a phone, with totals and the bill."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.template import Context, Engine
from django.template.base import Template

from campaigns.gateway.sandbox.answers import HTML, Reply

HERE = Path(__file__).parent
MESSAGES = 50  # on one page
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@cache
def _template() -> Template:
    engine = Engine(
        dirs=[str(HERE)], libraries={"i18n": "django.templatetags.i18n"}, autoescape=True
    )
    return engine.get_template("page.html")


def show(bill: Mapping[str, Any], page: Mapping[str, Any], filters: Mapping[str, str]) -> Reply:
    """The page: the totals of `bill` and one page of messages, as control.py answers them.

    `filters` are those of the query, `sender` and `msisdn`; the search form shows them again.
    """
    shown_filters = {name: filters.get(name, "") for name in ("sender", "msisdn")}
    offset, after = page["offset"], page["offset"] + page["limit"]
    has_older = len(page["messages"]) == page["limit"] and after < page["total"]
    context = {
        "bill": bill,
        "messages": page["messages"],
        "filters": shown_filters,
        "older": _page_url(after, shown_filters) if has_older else "",
        "newer": _page_url(max(offset - page["limit"], 0), shown_filters) if offset else "",
    }
    body = _template().render(Context(context)).encode("utf-8", "replace")
    return Reply(body, 200, HTML, HEADERS)


def _page_url(offset: int, filters: Mapping[str, str]) -> str:
    return f"/?{urlencode({'offset': offset, **filters}, errors='replace')}"


def style() -> Reply:
    """The style sheet of the page."""
    return Reply((HERE / "page.css").read_bytes(), 200, "text/css; charset=utf-8", HEADERS)
