"""The public page on which a recipient opts out: one button."""

from typing import Any
from wsgiref.types import WSGIEnvironment

from django.utils import translation

from campaigns.dispatch.models import Recipient
from campaigns.engagement import opt_outs, public_page
from campaigns.engagement.models import OptOutReason
from campaigns.engagement.public_page import first
from campaigns.shared.brands.scope import acting_for


def page(environ: WSGIEnvironment, recipient_id: int) -> bytes:
    """Do what the request asks for, and return the page of what holds then."""
    recipient = public_page.load(recipient_id)
    brand, language = recipient.campaign.brand, public_page.language_of
    with acting_for(brand.pk), translation.override(language(environ, recipient)):
        failed = False
        if environ["REQUEST_METHOD"] == "POST":
            form = public_page.read_form(environ)
            if first(form, "action") == "undo":
                failed = not opt_outs.undo(recipient)
            else:
                opt_outs.opt_out(recipient, _reason(first(form, "reason")))
        context = stop_context(recipient, failed) | {"reasons": OptOutReason.choices[1:]}
        return public_page.render(environ, "opt_out", brand, **context)


def stop_context(recipient: Recipient, failed: bool) -> dict[str, Any]:
    """What _stopped.html shows. `failed`: an opt-out could not be undone."""
    return {
        "name": public_page.name_of(recipient.campaign),
        "is_stopped": opt_outs.is_stopped(recipient),
        "can_undo": opt_outs.can_undo(recipient),
        "failed": failed,
    }


def _reason(value: str) -> OptOutReason:
    return OptOutReason(value) if value in OptOutReason.values else OptOutReason.NONE
