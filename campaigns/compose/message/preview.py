"""What one person gets, as a phone shows it. The words are made by the code that sends them."""

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
    """A stretch of text, or a link in it."""

    text: str
    link: bool


@dataclass(frozen=True, slots=True)
class SmsPart:
    """One part of the SMS as it travels."""

    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What `person` gets. None is nobody in particular, who gets the words instead, or else the
    bare tags.
    """

    person: Contact | None
    rendered: RenderedMessage
    sender: str
    picture: str
    button_caption: str
    sms_sender: str
    network_name: str = ""  # the link's host in punycode, where that looks different
    missing: str = ""  # the tag, in its braces, that this person has no value for
    pieces: list[TextPiece] = field(default_factory=list)
    sms_taken: sms.SmsLength = message_lengths.NO_SMS
    sms_parts: list[SmsPart] = field(default_factory=list)


def split_links(text: str) -> list[TextPiece]:
    """`text` cut where links begin and end."""
    return [TextPiece(part, bool(_LINK.fullmatch(part))) for part in _LINK.split(text) if part]


def build_preview(campaign: Campaign, person: Contact | None) -> Preview:
    """`campaign`, saved or not, as `person` gets it."""
    template = compile_message(campaign)
    fields = person.fields if person else {}
    missing = ""
    try:
        rendered = template.for_fields(fields)
    except MissingValue as lacking:
        rendered = template.sketch(fields)
        missing = f"{{{lacking.name}}}" if person else ""
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
        sms_taken=sms.measure_sms(rendered.sms_text),
        sms_parts=[
            SmsPart(text, number)
            for number, text in enumerate(sms.split_parts(rendered.sms_text), 1)
        ],
    )


def find_recipient(
    audience: Audience, template: CompiledMessage, whose: str = FIRST, phone: str = ""
) -> Contact | None:
    """The person of `audience` whom `whose` means: a word of `choices`; None where there is nobody
    like that.
    """
    people = audience.people()
    if whose == LONGEST and template.text.tags:
        return _longest(people, template)
    if whose == MISSING_DATA and template.names:
        return _first(people.filter(_lacks_something(template)))
    if whose.startswith(COUNTRY):
        return _first(people.filter(country=whose.removeprefix(COUNTRY)))
    if whose == BY_PHONE:
        return _by_phone(people, phone)
    return _first(people)


def _first(people: QuerySet[Contact]) -> Contact | None:
    return people.order_by("list", "id").first()


def _longest(people: QuerySet[Contact], template: CompiledMessage) -> Contact | None:
    length = ExpressionWrapper(message_lengths.length_expression(template.text), IntegerField())
    return people.order_by(length.desc(), "list", "id").first()


def _lacks_something(template: CompiledMessage) -> Q:
    condition = Q()
    for name in sorted(template.names):
        condition |= message_lengths.lacks_value(name)
    return condition


def _by_phone(people: QuerySet[Contact], phone: str) -> Contact | None:
    digits = re.sub(r"\D", "", phone)
    return _first(people.filter(msisdn=digits)) if digits else None


def recipient_choices(people: dict[str, int], template: CompiledMessage) -> list[tuple[str, str]]:
    """Whose message can be looked at: (word for `somebody`, label). `people`: how many in each
    country.
    """
    found = [(FIRST, _("First recipient"))]
    if template.text.tags:
        found.append((LONGEST, _("Longest text")))
    if template.names:
        found.append((MISSING_DATA, _("Contact with missing data")))
    if len(people) > 1:
        named = {code: countries.name(code) or _("an unknown country") for code in people}
        found += [
            (f"{COUNTRY}{code}", _("Recipient in %(name)s") % {"name": name})
            for code, name in named.items()
        ]
    return [*found, (BY_PHONE, _("By phone number…"))]
