"""The public page on which a recipient chooses lists of the brand, or stops all messages."""

from wsgiref.types import WSGIEnvironment

from django.utils import translation

from campaigns.engagement import opt_outs, preferences, public_page
from campaigns.engagement.models import OptOutReason
from campaigns.engagement.opt_out_page import stop_context
from campaigns.engagement.public_page import first
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.query_values import read_ids


def page(environ: WSGIEnvironment, recipient_id: int) -> bytes:
    """Do what the request asks for, and return the page of what holds then."""
    recipient = public_page.load(recipient_id)
    brand, language = recipient.campaign.brand, public_page.language_of
    with acting_for(brand.pk), translation.override(language(environ, recipient)):
        failed = is_saved = False
        if environ["REQUEST_METHOD"] == "POST":
            form = public_page.read_form(environ)
            match first(form, "action"):
                case "stop":
                    opt_outs.opt_out(recipient, OptOutReason.NONE)
                case "undo":
                    failed = not opt_outs.undo(recipient)
                case "save":
                    shown, chosen = (read_ids(form.get(name, [])) for name in ("shown", "list"))
                    preferences.choose(recipient, shown, chosen)
                    is_saved = True
        context = stop_context(recipient, failed) | {
            "choices": preferences.choices(recipient),
            "is_saved": is_saved,
        }
        return public_page.render(environ, "preferences", brand, **context)
