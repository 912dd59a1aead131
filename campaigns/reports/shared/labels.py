"""The plain words for codes: the gateway's refusals and statuses, our own reasons, countries."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.contacts.phones import countries
from campaigns.gateway.errors import error_meaning
from campaigns.gateway.statuses import status_meaning

_L = gettext_lazy


def status_word(status: str) -> str:
    """What the gateway's status means; one that no document names is shown as it came."""
    return str(status_meaning(status).label)


def failure(status: str) -> tuple[str, str]:
    """Why the gateway did not deliver, in words, and what to do about it ("" where there is
    nothing).
    """
    known = status_meaning(status)
    return str(known.label), str(known.next_step)


def refusal(code: int, reason: str) -> tuple[str, str]:
    """Why somebody was refused or left out, and what to do about it ("" where there is nothing).

    `code` is the gateway's, 0 where `reason` is our own key.
    """
    if code:
        known = error_meaning(code)
        return _("%(sentence)s Error %(code)d.") % {"sentence": known.sentence, "code": code}, str(
            known.next_step
        )
    words = REASONS.get(reason, (reason, ""))
    return str(words[0]), str(words[1])


REASONS: dict[str, tuple[str | Promise, str | Promise]] = {
    "": (_L("The campaign was cancelled before their turn."), ""),
    "cancelled": (_L("The campaign was cancelled before their turn."), ""),
    "stop_list": (_L("Put on the stop list since the launch."), ""),
    "erased": (_L("Erased before their turn."), ""),
    "missing_value": (
        _L("A merge tag has no value for this person."),
        _L("Give the tag a word to use instead."),
    ),
    "text_length": (
        _L("The text is empty or too long for this person."),
        _L("Check what the merge tags become."),
    ),
}


def country_name(code: str) -> str:
    """The country's name in the reader's language. Phones of no country have words of their own."""
    return countries.name(code) if code else _("Country not known")


def is_country(text: str) -> bool:
    """Whether `text` may be the two letters of a country."""
    return len(text) == 2 and text.isascii() and text.isalpha()
