"""The gateway's error codes: what each calls for, and how to explain it to a user.

From docs/gateway-contract.md, "Error codes". This is the only table of them.
"""

from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext_lazy as _

from campaigns.gateway.types import LazyText

INVALID_KEY, NO_SUCH_FUNCTION, UNKNOWN_ERROR, INVALID_PARAMETERS = 1, 4, 5, 7
TOO_MANY_AT_ONCE, NOT_FOUND, REFERENCE_EXISTS = 11, 40, 43
NO_SUCH_FILE, FILE_NOT_READY, TOO_MANY_FILES, FILE_EMPTY = 90, 91, 92, 93


class Reaction(Enum):
    """What an error code calls for."""

    PAUSE_CAMPAIGN = "pause the campaign; the refused recipients were not sent to"
    SLOW_DOWN = "send less at a time, and again with the same references"
    RETRY_LATER = "send again later with the same references"
    REFUSE_RECIPIENT = "refuse this recipient, continue with the others"
    ACCEPTED_BEFORE = "it was accepted before: ask for its status"
    NOT_FOUND = "it was never accepted: sending is safe"
    DEFECT = "a defect of ViberDash: refuse, and keep the answer"


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """What an error code means.

    `sentence` says what happened, `next_step` what a user can do about it ("" for nothing).
    """

    code: int
    name: str  # as the gateway calls it
    reaction: Reaction
    sentence: LazyText
    next_step: LazyText | str = ""


_DEFECT_SENTENCE = _("BSG did not understand the request.")
_DEFECT_STEP = _(
    "This is a bug in ViberDash. Send the answer shown under Activity to its maintainers."
)


def _defect(code: int, name: str) -> ErrorMeaning:
    return ErrorMeaning(code, name, Reaction.DEFECT, _DEFECT_SENTENCE, _DEFECT_STEP)


_PAUSING = (
    ErrorMeaning(
        1,
        "Invalid key",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG does not accept the API key."),
        _("Ask an administrator to check the key in Settings, then press Resume."),
    ),
    ErrorMeaning(
        2,
        "Account blocked",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG has blocked the account."),
        _("Ask an administrator to contact BSG, then press Resume."),
    ),
    ErrorMeaning(
        6,
        "No such tariff",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG has no such tariff."),
        _("Duplicate the campaign and choose another tariff."),
    ),
    ErrorMeaning(
        8,
        "Not enough funds",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG account is out of funds."),
        _("Top up, then press Resume."),
    ),
    ErrorMeaning(
        9,
        "Tariff not active",
        Reaction.PAUSE_CAMPAIGN,
        _("The tariff is not active for this account."),
        _(
            "Ask BSG to activate it, then press Resume, or duplicate the campaign and choose"
            " another tariff."
        ),
    ),
    ErrorMeaning(
        10,
        "Invalid sending time",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG does not accept the sending time."),
        _("Duplicate the campaign and choose a time in the future."),
    ),
    ErrorMeaning(
        45,
        "Sender not registered",
        Reaction.PAUSE_CAMPAIGN,
        _("The sender is not registered at BSG."),
        _(
            "Ask BSG to register it, then press Resume, or duplicate the campaign and choose"
            " another sender."
        ),
    ),
    ErrorMeaning(
        48,
        "Invalid validity",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG does not accept the validity period."),
        _("Duplicate the campaign and choose a validity period from 15 seconds to 24 hours."),
    ),
    ErrorMeaning(
        49,
        "Invalid Viber options",
        Reaction.PAUSE_CAMPAIGN,
        _("BSG does not accept the image, the button or the SMS fallback."),
        _("Duplicate the campaign and check these parts of the message."),
    ),
)
_RECIPIENTS = (
    ErrorMeaning(
        41,
        "Invalid phone",
        Reaction.REFUSE_RECIPIENT,
        _("BSG does not accept this phone number."),
        _("Correct the number in the contact list."),
    ),
    ErrorMeaning(
        46,
        "Text empty or too long",
        Reaction.REFUSE_RECIPIENT,
        _("The text is empty or longer than 1000 characters for this recipient."),
        _("Check what replaces the merge tags for this recipient."),
    ),
    ErrorMeaning(
        51,
        "Phone already in this campaign",
        Reaction.REFUSE_RECIPIENT,
        _("The same phone number was in the request twice."),
    ),
)
_OTHERS = (
    ErrorMeaning(
        5,
        "Unknown error",
        Reaction.RETRY_LATER,
        _("BSG had an internal error."),
        _("ViberDash tries again automatically."),
    ),
    ErrorMeaning(
        11,
        "Too many messages at the same time",
        Reaction.SLOW_DOWN,
        _("BSG asks to send more slowly."),
        _("Sending continues at a lower rate."),
    ),
    ErrorMeaning(
        40,
        "Message not found",
        Reaction.NOT_FOUND,
        _("BSG does not know this message."),
    ),
    ErrorMeaning(
        43,
        "Reference exists already",
        Reaction.ACCEPTED_BEFORE,
        _("BSG had already accepted this message; it was not sent twice."),
    ),
    _defect(3, "Not enough parameters"),
    ErrorMeaning(
        4,
        "No such function",
        Reaction.DEFECT,
        _("BSG does not know what was asked of it. The address of the gateway may be wrong."),
        _("Ask an administrator to check BSG_API_URL, then press Resume."),
    ),
    _defect(7, "Invalid parameters"),
    _defect(12, "Package too large"),
    _defect(44, "Invalid payload"),
    _defect(47, "Invalid reference"),
)
# Answers to calls for statistics files, never to a send.
_FILES = (
    _defect(80, "Invalid message id"),
    _defect(81, "Invalid message type"),
    _defect(82, "Invalid source"),
    _defect(83, "Invalid status"),
    _defect(84, "Invalid country"),
    _defect(85, "Invalid clicks"),
    _defect(86, "Invalid time frame"),
    _defect(87, "Invalid phones"),
    ErrorMeaning(
        NO_SUCH_FILE,
        "No such file",
        Reaction.DEFECT,
        _("BSG does not know this statistics file."),
    ),
    ErrorMeaning(
        FILE_NOT_READY,
        "File not ready",
        Reaction.DEFECT,
        _("BSG is still preparing the statistics file."),
    ),
    ErrorMeaning(
        TOO_MANY_FILES,
        "Too many files",
        Reaction.DEFECT,
        _("The BSG account already has as many statistics files as it may have."),
        _("Delete some of them in the BSG account."),
    ),
    ErrorMeaning(
        FILE_EMPTY,
        "File empty",
        Reaction.DEFECT,
        _("The statistics file has no messages."),
    ),
)
MEANINGS: dict[int, ErrorMeaning] = {
    entry.code: entry for entry in _PAUSING + _RECIPIENTS + _OTHERS + _FILES
}


def error_meaning(code: int) -> ErrorMeaning:
    """What `code` means; a code that is not in the table counts as a defect of ViberDash."""
    if code in MEANINGS:
        return MEANINGS[code]
    return ErrorMeaning(
        code,
        f"Error {code}",
        Reaction.DEFECT,
        _("BSG refused the message with an undocumented error."),
        _("Ask BSG what the error code means."),
    )


class GatewayError(Exception):
    """A call other than send failed. The text never contains the API key."""

    def __init__(self, why: str, *, http_status: int | None = None, body: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.http_status = http_status
        self.body = body  # evidence: truncated, without the key


class GatewayUnreachable(GatewayError):  # noqa: N818
    """No answer came: refused, reset, timed out, or HTTP 5xx. Asking again later is safe."""


class GatewayKeyUnusable(GatewayError):  # noqa: N818
    """Nothing was asked: the key in use can't be read. The text is for users."""


class GatewayUnreadable(GatewayError):  # noqa: N818
    """The answer is not one of the contract."""


class GatewayRefused(GatewayError):  # noqa: N818
    """The gateway answered with an error code. `retry_after`: in seconds, if it named it."""

    def __init__(
        self,
        code: int,
        description: str,
        *,
        retry_after: float | None = None,
        http_status: int | None = None,
        body: str = "",
    ) -> None:
        super().__init__(f"error {code}: {description}", http_status=http_status, body=body)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    @property
    def meaning(self) -> ErrorMeaning:
        return error_meaning(self.code)
