"""Labels for codes: the gateway's statuses and refusals, our own reasons, countries."""

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.phones import countries
from campaigns.gateway.errors import error_meaning
from campaigns.gateway.statuses import status_meaning

_L = gettext_lazy
REFUSALS: dict[str, tuple[str | Promise, str | Promise]] = {  # our own reason: sentence, next step
    "": (_L("The campaign was cancelled before their turn."), ""),
    "cancelled": (_L("The campaign was cancelled before their turn."), ""),
    "stop_list": (_L("Added to the stop list after the launch."), ""),
    "no_consent": (_L("Consent was not given when it was their turn."), ""),
    "erased": (_L("Erased before their turn."), ""),
    "missing_value": (
        _L("A merge tag has no value for this recipient."),
        _L("Add a fallback value to the tag."),
    ),
    "text_length": (
        _L("The text is empty or too long for this recipient."),
        _L("Check the values of the merge tags."),
    ),
}


def status_label(status: str) -> str:
    """Return what the gateway's status means; an undocumented one is returned as it is."""
    return str(status_meaning(status).label)


def delivery_failure(status: str) -> tuple[str, str]:
    """Return why a message was not delivered, and what to do about it ("" for nothing)."""
    meaning = status_meaning(status)
    return str(meaning.label), str(meaning.next_step)


def refusal(code: int, reason: str) -> tuple[str, str]:
    """Return why a recipient was refused or cancelled, and what to do about it ("" for nothing).

    `code` is the gateway's error code, or 0 where `reason` is one of REFUSALS.
    """
    if code:
        known = error_meaning(code)
        text = _("%(sentence)s Error %(code)d.") % {"sentence": known.sentence, "code": code}
        return text, str(known.next_step)
    sentence, next_step = REFUSALS.get(reason, (reason, ""))
    return str(sentence), str(next_step)


def waiting_text(queued: int) -> str:
    """Return "3,120 recipients are still waiting."; "" for nobody."""
    if not queued:
        return ""
    text = ngettext(
        "%(number)s recipient is still waiting.",
        "%(number)s recipients are still waiting.",
        queued,
    )
    return text % {"number": number_format(queued, force_grouping=True)}


def country_name(code: str) -> str:
    """Return the country's name in the reader's language; `code` "" is an unknown country."""
    return countries.name(code) if code else _("Unknown country")


def is_country_code(text: str) -> bool:
    """Whether `text` has the form of a country code: two ASCII letters."""
    return len(text) == 2 and text.isascii() and text.isalpha()
