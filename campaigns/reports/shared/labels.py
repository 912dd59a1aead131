"""Labels for codes: the gateway's statuses and refusals, our own reasons, countries, durations."""

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.contacts.phones import countries
from campaigns.gateway.errors import meaning

_L = gettext_lazy
# docs/gateway-contract.md, Statuses
STATUS_LABELS: dict[str, str | Promise] = {
    "": _L("Not yet known"),
    "new": _L("New at the gateway"),
    "waiting": _L("Waiting at the gateway"),
    "scheduled": _L("Scheduled at the gateway"),
    "sent": _L("Sent, not delivered yet"),
    "delivered": _L("Delivered"),
    "read": _L("Read"),
    "expired": _L("Not delivered within the validity period"),
    "undeliverable": _L("Could not be delivered"),
    "not_viber_user": _L("Does not use Viber"),
    "rejected": _L("Rejected by the operator or by Viber"),
    "failed": _L("Delivery failed"),
    "deleted": _L("Deleted at the gateway"),
    "unknown": _L("Unknown to the gateway"),
}
STATUS_NEXT_STEPS: dict[str, str | Promise] = {
    "expired": _L("Try another time of day, a longer validity period or an SMS fallback."),
    "undeliverable": _L("The phone may be out of use. Check where the list came from."),
    "not_viber_user": _L("Add an SMS fallback to reach them."),
    "rejected": _L("Check the message against Viber's content rules, then ask BSG."),
    "failed": _L("Resend to failed recipients."),
    "unknown": _L("Ask BSG. The downloaded file of recipients has the reference."),
}
REFUSALS: dict[str, tuple[str | Promise, str | Promise]] = {  # our own reason: sentence, next step
    "": (_L("The campaign was cancelled before their turn."), ""),
    "cancelled": (_L("The campaign was cancelled before their turn."), ""),
    "stop_list": (_L("Added to the stop list after the launch."), ""),
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
    return str(STATUS_LABELS.get(status, status))


def delivery_failure(status: str) -> tuple[str, str]:
    """Return why a message was not delivered, and what to do about it ("" for nothing)."""
    return status_label(status), str(STATUS_NEXT_STEPS.get(status, ""))


def refusal(code: int, reason: str) -> tuple[str, str]:
    """Return why a recipient was refused or cancelled, and what to do about it ("" for nothing).

    `code` is the gateway's error code, or 0 where `reason` is one of REFUSALS.
    """
    if code:
        known = meaning(code)
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


def format_duration(seconds: int) -> str:
    """Return a duration in words: 86400 -> "24 hours", 5400 -> "1 hour 30 minutes"."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        (hours, ngettext("%d hour", "%d hours", hours)),
        (minutes, ngettext("%d minute", "%d minutes", minutes)),
        (rest, ngettext("%d second", "%d seconds", rest)),
    ]
    return " ".join(text % number for number, text in parts if number)
