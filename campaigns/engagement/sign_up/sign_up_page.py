"""The public page of a list on which people sign up (WSGI).

What it answers says nothing about a phone: not whether it is known, on the list, or on the stop
list, nor whether it asked too often.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.engagement import public_page
from campaigns.engagement.public_page import first
from campaigns.engagement.sign_up import requests, work
from campaigns.engagement.sign_up.models import SignUpPage
from campaigns.engagement.sign_up.terms import is_open
from campaigns.shared.brands.scope import acting_for
from campaigns.team.sign_in import throttle
from campaigns.team.sign_in.client import address_of

PHONE_MAX = 40  # characters
SCRIPT, _SCRIPT_SOURCE = public_page.inline("script", "js/sign_up.js")


def respond(
    environ: WSGIEnvironment, start_response: StartResponse, code: str
) -> Iterable[bytes] | None:
    """Answer with the page that has this code; None if there is none."""
    rows = SignUpPage._base_manager.select_related(
        "list__brand", "list__public", "wording", "trigger__draft__sender"
    )
    page = rows.filter(code=code).first() if code.isascii() else None
    if page is None:
        return None
    brand = page.list.brand
    with acting_for(brand.pk), translation.override(public_page.language_of(environ)):
        status, context = _answer(environ, page)
        body = public_page.render(environ, "sign_up", brand, **_shown(page), **context)
    return public_page.respond(environ, start_response, body, status, _SCRIPT_SOURCE)


def _shown(page: SignUpPage) -> dict[str, Any]:
    """What the page says, whatever is answered."""
    draft = page.trigger and page.trigger.draft
    shown = {"page": page, "bits": settings.SIGN_UP_WORK_BITS, "script": SCRIPT}
    return shown | {"name": public_page.name_of(draft)} if draft else shown


def _answer(environ: WSGIEnvironment, page: SignUpPage) -> tuple[HTTPStatus, dict[str, Any]]:
    """Do what the request asks for: the status, and what became of it."""
    if not is_open(page):
        return HTTPStatus.OK, {"is_closed": True}
    if environ["REQUEST_METHOD"] != "POST":
        return HTTPStatus.OK, {"challenge": work.challenge(page)}
    form = public_page.read_form(environ)
    typed = first(form, "phone").strip()[:PHONE_MAX]
    phone, agreed = normalise(typed, settings.DEFAULT_COUNTRY), first(form, "agreed") == "on"
    errors: dict[str, Any] = {}
    if not isinstance(phone, Phone):
        errors["phone_error"] = _("Enter a mobile number with its country code, such as +380…")
    if not agreed:
        errors["agreed_error"] = _("Tick the box if you agree.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(phone, Phone) and agreed:
        try:
            _ask(environ, page, phone, form)
        except work.NotDone:
            errors["error"] = _work_text(first(form, "answer"))
        except throttle.MustWait:
            errors["error"] = _("Too many sign-ups from your network. Try again in 15 minutes.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        except requests.Closed:
            return HTTPStatus.OK, {"is_closed": True}
        else:
            return HTTPStatus.OK, {"is_sent": True}
    return status, errors | {"typed": typed, "agreed": agreed, "challenge": work.challenge(page)}


def _ask(
    environ: WSGIEnvironment, page: SignUpPage, phone: Phone, form: dict[str, list[str]]
) -> None:
    done = work.check(page, first(form, "challenge"), first(form, "answer"))
    throttle.begin_sign_up(address_of(environ))
    requests.ask(page, phone, done)


def _work_text(answer: str) -> str:
    if not answer:
        return _("Switch JavaScript on: it keeps programs from sending messages to others.")
    return _("The page was open for too long. Press the button again.")
