"""The limits of a send request, and `violations`, which finds what breaks them.

From docs/gateway-contract.md, "Send a message". The composer, the client and the sandbox share
them, so that the gateway accepts what the composer allows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from campaigns.gateway.types import Address, LazyText, Message, SendRequest, SmsFallback

MAX_RECIPIENTS = 50  # in one request, all messages together
MSISDN = re.compile(r"[1-9][0-9]{7,14}")
REFERENCE = re.compile(r"[a-zA-Z0-9]{1,32}")
TEXT_MAX = 1000  # characters
SENDER_MAX = 14
CAPTION_MAX = 20
URL_MAX = 255
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff")
VALIDITY_MIN, VALIDITY_MAX = 15, 86_400  # seconds
TARIFF_MAX = 9
SMS_TEXT_MAX = 765  # characters; five GSM parts
SMS_SENDER_MIN = 3
SMS_SENDER_LETTERS_MAX = 11
SMS_SENDER_DIGITS_MAX = 15

_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken limit: the `field` of our types, the gateway's error `code`, a `text` for users.

    `message` is the position of the message in the request, `recipient` that of the address in
    the message (None: it concerns the message or the request).
    """

    field: str
    code: int
    text: LazyText
    message: int = 0
    recipient: int | None = None


Breach = tuple[str, int, LazyText]  # field, code and text of a Violation


def is_web_address(url: str) -> bool:
    """Whether `url` is http(s) with a host, no white space and at most 255 characters."""
    return len(url) <= URL_MAX and _WEB_ADDRESS.fullmatch(url) is not None


def is_image_address(url: str) -> bool:
    """Whether `url` is a web address with a documented ending, in lower case."""
    return is_web_address(url) and url.endswith(IMAGE_ENDINGS)


def is_sms_sender(sender: str) -> bool:
    """Whether `sender` is 3 to 15 digits, or 3 to 11 characters of any kind."""
    longest = (
        SMS_SENDER_DIGITS_MAX if sender.isascii() and sender.isdigit() else SMS_SENDER_LETTERS_MAX
    )
    return SMS_SENDER_MIN <= len(sender) <= longest


def is_encodable(text: str) -> bool:
    """Whether `text` has no half of a surrogate pair, which UTF-8 cannot carry."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def violations(request: SendRequest) -> list[Violation]:
    """Everything in `request` that breaks a limit, in the order of its fields."""
    broken = [Violation(*breach) for breach in request_breaches(request)]
    phones: set[str] = set()
    for number, message in enumerate(request.messages):
        broken += [Violation(*breach, message=number) for breach in message_breaches(message)]
        for position, address in enumerate(message.to):
            breach = address_breach(address, phones)
            if breach:
                broken.append(Violation(*breach, message=number, recipient=position))
    return broken


def request_breaches(request: SendRequest) -> Iterator[Breach]:
    """The limits that the request as a whole breaks."""
    if not request.messages:
        yield "messages", 3, _("The request must contain a message.")
    if sum(len(message.to) for message in request.messages) > MAX_RECIPIENTS:
        yield "messages", 12, _("A request can have at most 50 recipients.")
    if not 0 <= request.tariff <= TARIFF_MAX:
        yield "tariff", 6, _("The tariff must be a number from 0 to 9.")
    if not VALIDITY_MIN <= request.validity <= VALIDITY_MAX:
        yield "validity", 48, _("The validity period must be 15 seconds to 24 hours.")


def message_breaches(message: Message) -> Iterator[Breach]:
    """The limits that one message breaks, apart from its recipients."""
    if not message.to:
        yield "to", 3, _("The message must have a recipient.")
    if not 1 <= len(message.text) <= TEXT_MAX:
        yield "text", 46, _("The text must have 1 to 1000 characters.")
    if not is_encodable(message.text):
        yield "text", 44, _("The text contains an invalid character.")
    if not message.sender.strip() or len(message.sender) > SENDER_MAX:
        yield "sender", 45, _("The sender must have 1 to 14 characters.")
    yield from option_breaches(message)
    if message.scheduled_at is not None and message.scheduled_at.tzinfo is None:
        yield "scheduled_at", 10, _("The sending time must have a time zone.")
    if message.callback_url and not is_web_address(message.callback_url):
        yield (
            "callback_url",
            44,
            _("The address for delivery reports must begin with http:// or https://."),
        )


def option_breaches(message: Message) -> Iterator[Breach]:
    """The limits that image, button and SMS fallback break.

    A message is text, text and button, or text, image and button.
    """
    caption, url = message.button_caption, message.button_url
    if message.image_url and not (caption and url):
        yield "image_url", 49, _("An image needs a button with a link.")
    if message.image_url and not is_image_address(message.image_url):
        yield (
            "image_url",
            49,
            _(
                "The image must be an http(s) address of up to 255 characters that ends in "
                ".jpg, .jpeg, .png, .gif, .bmp or .tiff."
            ),
        )
    if url and not caption:
        yield "button_caption", 49, _("The button needs a caption.")
    if len(caption) > CAPTION_MAX or not is_encodable(caption):
        yield "button_caption", 49, _("The button caption can have at most 20 characters.")
    if caption and not url:
        yield "button_url", 49, _("The button needs a link.")
    if url and not is_web_address(url):
        yield "button_url", 49, _("The link must be an http(s) address of up to 255 characters.")
    if message.sms:
        yield from sms_breaches(message.sms)


def sms_breaches(sms: SmsFallback) -> Iterator[Breach]:
    """The limits that the SMS fallback breaks."""
    if not is_sms_sender(sms.sender):
        yield "sms_sender", 49, _("The SMS sender must have 3 to 11 characters, or 3 to 15 digits.")
    if not 1 <= len(sms.text) <= SMS_TEXT_MAX:
        yield "sms_text", 49, _("The SMS text must have 1 to 765 characters.")
    if not is_encodable(sms.text):
        yield "sms_text", 49, _("The SMS text contains an invalid character.")


def address_breach(address: Address, phones: set[str]) -> Breach | None:
    """The first limit that one recipient breaks.

    `phones` are those of the request so far; the phone of `address` is added.
    """
    if not MSISDN.fullmatch(address.msisdn):
        return "msisdn", 41, _("A phone number must have 8 to 15 digits and must not begin with 0.")
    if address.reference and not REFERENCE.fullmatch(address.reference):
        return "reference", 47, _("A reference must have 1 to 32 letters and digits.")
    if address.msisdn in phones:
        return "msisdn", 51, _("The same phone number is in the request twice.")
    phones.add(address.msisdn)
    return None
