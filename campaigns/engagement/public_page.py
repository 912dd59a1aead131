"""What the public pages of recipients share (WSGI): they need no session, no cookie and no file but
the brand's logo. A GET changes nothing, as link previews send it; buttons are POSTs.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation.trans_real import parse_accept_lang_header

from campaigns.compose.message.tracking.short_links import PATH
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Person
from campaigns.dispatch.models import Recipient
from campaigns.team.brands import are_several
from campaigns.team.models import Brand

BODY_MAX = 20_000  # bytes of a form
FIELDS_MAX = 1_000
LOGO_PATH = f"{PATH}logo/"
HEADERS = [
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("X-Content-Type-Options", "nosniff"),
]


def inline(tag: str, path: str) -> tuple[SafeString, str]:
    """A file of `static/` as an element to stand in a page, as the host of links serves no files,
    and its source in a Content-Security-Policy.
    """
    text = (Path(settings.BASE_DIR) / "static" / path).read_text(encoding="utf-8")
    source = f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    return mark_safe(f"<{tag}>{text}</{tag}>"), source  # noqa: S308 - a file of ours


STYLE, _STYLE_SOURCE = inline("style", "css/public_page.css")


def policy(script: str = "'none'") -> str:
    """The Content-Security-Policy of a page whose only script has this source."""
    return (
        f"default-src 'none'; style-src {_STYLE_SOURCE}; script-src {script}; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def read_form(environ: WSGIEnvironment) -> dict[str, list[str]]:
    """The fields of a posted form; what is too long is cut off."""
    try:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), BODY_MAX)
    except ValueError:
        length = 0
    body = environ["wsgi.input"].read(length) if length > 0 else b""
    with suppress(ValueError):  # too many fields
        return parse_qs(body.decode(errors="replace"), max_num_fields=FIELDS_MAX)
    return {}


def first(form: dict[str, list[str]], name: str) -> str:
    """The value of a field; "" if it was not sent."""
    return form.get(name, [""])[0].replace("\0", "")


def render(environ: WSGIEnvironment, template: str, brand: Brand, **context: Any) -> bytes:
    """A page of `brand`; its template extends engagement/public_page.html."""
    logo = brand.logo.rpartition("/")[2]
    base = f"{environ.get('SCRIPT_NAME', '')}{LOGO_PATH}"
    shared = {"name": brand.name, "logo": f"{base}{logo}" if logo else "", "style": STYLE}
    return render_to_string(f"campaigns/engagement/{template}.html", shared | context).encode()


def name_of(campaign: Campaign) -> str:
    """Who sends: the brand, or where there is only one, the sender that the message showed."""
    if are_several():
        return campaign.brand.name
    return campaign.sender.name if campaign.sender else ""


def load(recipient_id: int) -> Recipient:
    """A recipient with what their pages show of the campaign."""
    rows = Recipient._base_manager.select_related("campaign__sender", "campaign__brand")
    return rows.get(pk=recipient_id)


def language_of(environ: WSGIEnvironment, recipient: Recipient | None = None) -> str:
    """The recipient's own, else the browser's, else the site's."""
    for tag in _languages(environ, recipient):
        with suppress(LookupError):
            return translation.get_supported_language_variant(tag)
    return settings.LANGUAGE_CODE


def _languages(environ: WSGIEnvironment, recipient: Recipient | None) -> Iterator[str]:
    if recipient:
        own = Person.objects.filter(msisdn=recipient.msisdn).values_list("language", flat=True)
        yield from (tag.lower() for tag in own if tag)
    accepted: Iterable[tuple[str, float]] = parse_accept_lang_header(
        environ.get("HTTP_ACCEPT_LANGUAGE", "")
    )
    yield from (tag for tag, _quality in accepted if tag != "*")


def respond(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    body: bytes,
    status: HTTPStatus = HTTPStatus.OK,
    script: str = "'none'",
) -> Iterable[bytes]:
    """Answer with a page."""
    own = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", policy(script)),
    ]
    start_response(f"{status.value} {status.phrase}", [*own, *HEADERS])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
