"""The sandbox's page: the messages as they stand on a phone, the counts and the bill."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

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


def show(bill: Mapping[str, Any], found: Mapping[str, Any], asked: Mapping[str, str]) -> Reply:
    """The page with `bill` and the messages `found`; `asked` holds what was typed into its search
    form.
    """
    after = found["offset"] + found["limit"]
    context = {
        "bill": bill,
        "messages": found["messages"],
        "asked": {name: asked.get(name, "") for name in ("sender", "msisdn")},
        "older": (
            after if len(found["messages"]) == found["limit"] and after < found["total"] else None
        ),
        "newer": max(found["offset"] - found["limit"], 0) if found["offset"] else None,
    }
    return Reply(
        _template().render(Context(context)).encode("utf-8", "replace"), 200, HTML, HEADERS
    )


def style() -> Reply:
    return Reply((HERE / "page.css").read_bytes(), 200, "text/css; charset=utf-8", HEADERS)
