"""The public page that the link of {confirm} opens: one button puts the phone on the list."""

from contextlib import suppress
from wsgiref.types import WSGIEnvironment

from django.utils import translation

from campaigns.contacts.importing.errors import ContactsError
from campaigns.engagement import public_page
from campaigns.engagement.public_page import first
from campaigns.engagement.sign_up import confirmation
from campaigns.engagement.sign_up.confirmation import Outcome
from campaigns.shared.brands.scope import acting_for


def page(environ: WSGIEnvironment, recipient_id: int) -> bytes:
    """Do what the request asks for, and return the page of what holds then."""
    recipient = public_page.load(recipient_id)
    brand, language = recipient.campaign.brand, public_page.language_of
    with acting_for(brand.pk), translation.override(language(environ, recipient)):
        sign_up = confirmation.find(recipient)
        outcome = confirmation.outcome_of(recipient, sign_up)
        is_pressed = environ["REQUEST_METHOD"] == "POST" and _pressed(environ)
        if is_pressed and sign_up and outcome == Outcome.OPEN:
            with suppress(ContactsError):  # the page shows the button again
                confirmation.confirm(recipient, sign_up)
            outcome = confirmation.outcome_of(recipient, confirmation.find(recipient))
        context = {
            "name": public_page.name_of(recipient.campaign),
            "outcome": outcome.value,
            "sign_up": sign_up,
        }
        return public_page.render(environ, "confirm", brand, **context)


def _pressed(environ: WSGIEnvironment) -> bool:
    return first(public_page.read_form(environ), "action") == "confirm"
