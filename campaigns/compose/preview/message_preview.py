"""The message of one recipient as a phone shows it, rendered by the code that sends it."""

import re
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.compose.audience.merge_values import fill
from campaigns.compose.audience.selection import Audience
from campaigns.compose.message import sms
from campaigns.compose.message.audience_counts import measured_already
from campaigns.compose.message.links import punycode_host
from campaigns.compose.message.measured_audience import (
    COUNTRY,
    FIRST,
    LONGEST,
    MISSING_DATA,
    MeasuredAudience,
)
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.message_lengths import NO_SMS
from campaigns.compose.message.render import CompiledMessage, RenderedMessage, compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.preview.text_pieces import TextPiece, split_text
from campaigns.contacts.models import Contact
from campaigns.contacts.phones import countries

BY_PHONE = "phone"
__all__ = [
    "BY_PHONE",
    "COUNTRY",
    "FIRST",
    "LONGEST",
    "MISSING_DATA",
    "Preview",
    "build_preview",
    "find_recipient",
    "recipient_choices",
]


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
    button_caption: str
    sms_sender: str
    button_target: str = ""  # where the button leads, by way of a short link if it is tracked
    network_name: str = ""  # the target's host in punycode, if that differs
    missing: str = ""  # the merge tag that this recipient has no value for, in braces
    pieces: list[TextPiece] = field(default_factory=list)
    sms_length: sms.SmsLength = NO_SMS
    sms_parts: list[SmsPart] = field(default_factory=list)


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
        button_caption=campaign.button_caption,
        sms_sender=campaign.sms_sender,
        button_target=(target := template.button_target(fields)),
        network_name=punycode_host(target),
        missing=missing,
        pieces=split_text(rendered.text),
        sms_length=sms.measure_sms(rendered.sms_text),
        sms_parts=[
            SmsPart(text, number)
            for number, text in enumerate(sms.split_parts(rendered.sms_text), 1)
        ],
    )


def find_recipient(
    audience: Audience,
    template: CompiledMessage,
    choice: str = FIRST,
    phone: str = "",
    measured: MeasuredAudience | None = None,
) -> Contact | None:
    """Find the recipient for `choice`, a value of `recipient_choices`, with the values that the
    message has (`merge_values.fill`); None if nobody fits.

    `phone` counts for BY_PHONE alone. `measured` is the audience, if it is measured already. While
    a large audience is being counted, its first recipient stands for the other choices.
    """
    contacts = _contacts_for(audience, template, choice, phone, measured)
    first = contacts.order_by("list_id", "id")[:1]
    return next(iter(fill(first, audience, template.names)), None)


def _contacts_for(
    audience: Audience,
    template: CompiledMessage,
    choice: str,
    phone: str,
    measured: MeasuredAudience | None,
) -> QuerySet[Contact]:
    """The contacts of which the first is the recipient for `choice`."""
    if choice == BY_PHONE:
        digits = re.sub(r"\D", "", phone)
        return audience.recipients().filter(msisdn=digits)
    measured = measured or measured_already(audience, template)
    if measured is None:
        return audience.recipients() if audience.has_only_lists else Contact.objects.none()
    if (choice == LONGEST and not template.text.tags) or (
        choice == MISSING_DATA and not template.names
    ):
        choice = FIRST
    return Contact.objects.filter(pk=measured.people.get(choice, 0))


def recipient_choices(counts: dict[str, int], template: CompiledMessage) -> list[tuple[str, str]]:
    """The recipients to preview: (value for `find_recipient`, label).

    `counts` are the recipients of each country.
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
