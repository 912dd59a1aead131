"""The message of one recipient as a phone shows it, rendered by the code that sends it."""

import re
from dataclasses import dataclass, field

from django.db.models import ExpressionWrapper, IntegerField, Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message import message_lengths, sms
from campaigns.compose.message.links import punycode_host
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.pictures import picture_url
from campaigns.compose.message.render import CompiledMessage, RenderedMessage, compile_message
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Contact
from campaigns.contacts.phones import countries

_LINK = re.compile(r"(https?://[^\s<>\"]+[^\s<>\".,;:!?)\]])", re.IGNORECASE)
FIRST, LONGEST, MISSING_DATA, BY_PHONE, COUNTRY = "first", "longest", "lacking", "phone", "country:"


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of a text: a link, or what stands between links."""

    text: str
    link: bool


@dataclass(frozen=True, slots=True)
class SmsPart:
    """One part of the SMS."""

    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The message of `person`; of None: with fallback values, or else the merge tags themselves."""

    person: Contact | None
    rendered: RenderedMessage
    sender: str
    picture: str
    button_caption: str
    sms_sender: str
    network_name: str = ""  # the link's host in punycode, if that differs
    missing: str = ""  # the merge tag that this recipient has no value for, in braces
    pieces: list[TextPiece] = field(default_factory=list)
    sms_length: sms.SmsLength = message_lengths.NO_SMS
    sms_parts: list[SmsPart] = field(default_factory=list)


def split_links(text: str) -> list[TextPiece]:
    """Split `text` where links begin and end."""
    return [TextPiece(part, bool(_LINK.fullmatch(part))) for part in _LINK.split(text) if part]


def build_preview(campaign: Campaign, person: Contact | None) -> Preview:
    """Build the preview of `campaign`, saved or not, for `person`."""
    template = compile_message(campaign)
    fields = person.fields if person else {}
    missing = ""
    try:
        rendered = template.render(fields)
    except MissingValue as error:
        rendered = template.render_partially(fields)
        missing = f"{{{error.name}}}" if person else ""
    return Preview(
        person=person,
        rendered=rendered,
        sender=campaign.sender.name if campaign.sender else "",
        picture=picture_url(campaign),
        button_caption=campaign.button_caption,
        sms_sender=campaign.sms_sender,
        network_name=punycode_host(rendered.button_url),
        missing=missing,
        pieces=split_links(rendered.text),
        sms_length=sms.measure_sms(rendered.sms_text),
        sms_parts=[
            SmsPart(text, number)
            for number, text in enumerate(sms.split_parts(rendered.sms_text), 1)
        ],
    )


def find_recipient(
    audience: Audience, template: CompiledMessage, choice: str = FIRST, phone: str = ""
) -> Contact | None:
    """Find the recipient for `choice`, a value of `recipient_choices`; None if nobody fits.

    `phone` counts for BY_PHONE alone.
    """
    recipients = audience.recipients()
    if choice == LONGEST and template.text.tags:
        return _longest(recipients, template)
    if choice == MISSING_DATA and template.names:
        return _first(recipients.filter(_lacks_any_value(template)))
    if choice.startswith(COUNTRY):
        return _first(recipients.filter(country=choice.removeprefix(COUNTRY)))
    if choice == BY_PHONE:
        return _by_phone(recipients, phone)
    return _first(recipients)


def _first(recipients: QuerySet[Contact]) -> Contact | None:
    return recipients.order_by("list_id", "id").first()


def _longest(recipients: QuerySet[Contact], template: CompiledMessage) -> Contact | None:
    length = ExpressionWrapper(message_lengths.length_expression(template.text), IntegerField())
    return recipients.order_by(length.desc(), "list_id", "id").first()


def _lacks_any_value(template: CompiledMessage) -> Q:
    condition = Q()
    for name in sorted(template.names):
        condition |= message_lengths.lacks_value(name)
    return condition


def _by_phone(recipients: QuerySet[Contact], phone: str) -> Contact | None:
    digits = re.sub(r"\D", "", phone)
    return _first(recipients.filter(msisdn=digits)) if digits else None


def recipient_choices(counts: dict[str, int], template: CompiledMessage) -> list[tuple[str, str]]:
    """The recipients to preview: (value for `find_recipient`, label).

    `counts` are the recipients of each country, as Audience.by_country returns them.
    """
    choices = [(FIRST, _("First recipient"))]
    if template.text.tags:
        choices.append((LONGEST, _("Longest text")))
    if template.names:
        choices.append((MISSING_DATA, _("Contact with missing data")))
    if len(counts) > 1:
        names = {code: countries.name(code) or _("an unknown country") for code in counts}
        choices += [
            (f"{COUNTRY}{code}", _("Recipient in %(name)s") % {"name": name})
            for code, name in names.items()
        ]
    return [*choices, (BY_PHONE, _("By phone number…"))]
