"""The public page on which a recipient opts out (WSGI): a GET changes nothing, as link previews
send it; one button is a POST.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation.trans_real import parse_accept_lang_header

from campaigns.compose.models import Campaign
from campaigns.contacts.models import Person
from campaigns.dispatch.models import Recipient
from campaigns.engagement import opt_outs
from campaigns.engagement.models import OptOutReason
from campaigns.shared.brands.scope import acting_for
from campaigns.team.brands import are_several

BODY_MAX = 2_000  # bytes of the form
_CSS = (Path(settings.BASE_DIR) / "static" / "css" / "opt_out.css").read_text(encoding="utf-8")
_HASH = b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
STYLE = mark_safe(f"<style>{_CSS}</style>")  # noqa: S308 - a file of ours
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def page(environ: WSGIEnvironment, recipient_id: int) -> bytes:
    """Do what the request asks for, and return the page of what holds then."""
    recipient = Recipient._base_manager.select_related("campaign__sender").get(pk=recipient_id)
    campaign: Campaign = recipient.campaign
    with acting_for(campaign.brand_id), translation.override(_language(environ, recipient)):
        failed = False
        if environ["REQUEST_METHOD"] == "POST":
            form = _form(environ)
            if form.get("action") == "undo":
                failed = not opt_outs.undo(recipient)
            else:
                opt_outs.opt_out(recipient, _reason(form.get("reason", "")))
        context = {
            "name": _name(campaign),
            "is_stopped": opt_outs.is_stopped(recipient),
            "can_undo": opt_outs.can_undo(recipient),
            "failed": failed,
            "reasons": OptOutReason.choices[1:],
            "style": STYLE,
        }
        return render_to_string("campaigns/engagement/opt_out.html", context).encode()


def _form(environ: WSGIEnvironment) -> dict[str, str]:
    try:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), BODY_MAX)
    except ValueError:
        length = 0
    body = environ["wsgi.input"].read(max(length, 0)) if length > 0 else b""
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _reason(value: str) -> OptOutReason:
    return OptOutReason(value) if value in OptOutReason.values else OptOutReason.NONE


def _name(campaign: Campaign) -> str:
    """Who sends: the brand, or where there is only one, the sender that the message showed."""
    if are_several():
        return campaign.brand.name
    return campaign.sender.name if campaign.sender else ""


def _language(environ: WSGIEnvironment, recipient: Recipient) -> str:
    """The recipient's own, else the browser's, else the site's."""
    for tag in _languages(environ, recipient):
        with suppress(LookupError):
            return translation.get_supported_language_variant(tag)
    return settings.LANGUAGE_CODE


def _languages(environ: WSGIEnvironment, recipient: Recipient) -> Iterator[str]:
    own = Person.objects.filter(msisdn=recipient.msisdn).values_list("language", flat=True)
    yield from (tag.lower() for tag in own if tag)
    accepted: Iterable[tuple[str, float]] = parse_accept_lang_header(
        environ.get("HTTP_ACCEPT_LANGUAGE", "")
    )
    yield from (tag for tag, _quality in accepted if tag != "*")


def respond(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    recipient_id: int,
    headers: list[tuple[str, str]],
) -> Iterable[bytes]:
    """Answer with the page."""
    body = page(environ, recipient_id)
    own = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", POLICY),
    ]
    start_response("200 OK", [*own, *headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
