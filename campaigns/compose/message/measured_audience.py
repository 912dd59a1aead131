"""An audience and what a message becomes over it, from a single pass in the database."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from campaigns.compose.audience.merge_values import fill
from campaigns.compose.audience.selection import NOBODY, Audience, Funnel
from campaigns.compose.message.audience_classes import RANK, RecipientClass, classes_of
from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.message_lengths import LengthRange, SmsPartCounts, fallback_length
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.sms import UCS_2, measure_sms
from campaigns.contacts.models import Contact

FIRST, LONGEST, MISSING_DATA, COUNTRY = "first", "longest", "lacking", "country:"


@dataclass(slots=True)
class MessageLengths:
    """Those of another variant; see MeasuredAudience."""

    text: LengthRange | None = None
    link: LengthRange | None = None


@dataclass(slots=True)
class MeasuredAudience:
    """What the figures, the review, the approval and the launch say of an audience.

    `text`, `sms_text` and `link` are lengths; None if nobody is sent to, and for a link if nobody
    has the values that it needs. `missing`: merge field -> recipients without a required value.
    `people`: a choice of the preview -> the id of its contact. `fingerprint`: changes with each
    recipient and with each merge value that the message uses.
    """

    audience: Audience
    template: CompiledMessage
    funnel: Funnel = NOBODY
    countries: dict[str, int] = field(default_factory=dict)  # -> recipients, the most first
    missing: dict[str, int] = field(default_factory=dict)
    text: LengthRange | None = None
    sms_text: LengthRange | None = None
    link: LengthRange | None = None
    sms: SmsPartCounts = field(default_factory=SmsPartCounts)
    people: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    variants: dict[str, "MessageLengths"] = field(default_factory=dict)  # of the others, by letter
    newcomers: int | None = None  # recipients who never got a message; None: not counted

    @property
    def recipients(self) -> int:
        return self.funnel.recipients

    def of_variant(self, letter: str) -> "MeasuredAudience":
        """The same audience with the message of another variant."""
        lengths = self.variants.get(letter, MessageLengths())
        template = self.template.variants[letter]
        return replace(self, template=template, text=lengths.text, link=lengths.link)


def measure(audience: Audience, template: CompiledMessage) -> MeasuredAudience:
    """Measure `template` over `audience`. Reads all of its contacts."""
    if not audience:
        return MeasuredAudience(audience, template)
    measured = MeasuredAudience(audience, template)
    classes = classes_of(audience, template)
    for recipients in classes.values():
        _add(measured, recipients)
    _count_sms_parts(measured, classes.values())
    countries = Counter(measured.countries)
    measured.countries = dict(sorted(countries.items(), key=lambda item: (-item[1], item[0])))
    measured.missing = {name: count for name, count in measured.missing.items() if count}
    measured.people = {choice: rank % RANK for choice, rank in measured.people.items()}
    hashes = sum(recipients.hashes for recipients in classes.values())
    measured.fingerprint = f"{countries.total()}:{hashes % 2**64:x}"
    measured.funnel = audience.funnel(countries.total())
    return measured


def _add(measured: MeasuredAudience, recipients: RecipientClass) -> None:
    """Add the recipients of a class to everything but the parts of the SMS."""
    template, count, lengths = measured.template, recipients.count, recipients.lengths
    measured.countries[recipients.country] = measured.countries.get(recipients.country, 0) + count
    for name in template.required_names():
        is_missing = not lengths[name]
        measured.missing[name] = measured.missing.get(name, 0) + count * is_missing
    _choose(measured, recipients, _length(template.text, lengths))
    measured.sms_text = _wider(measured.sms_text, _length(template.sms_text, lengths))
    _add_lengths(measured, template, recipients)
    for letter, variant in template.variants.items():
        of_variant = measured.variants.setdefault(letter, MessageLengths())
        _add_lengths(of_variant, variant, recipients)


def _add_lengths(
    measured: MeasuredAudience | MessageLengths,
    template: CompiledMessage,
    recipients: RecipientClass,
) -> None:
    """Add the lengths of a message's text and link."""
    lengths = recipients.lengths
    measured.text = _wider(measured.text, _length(template.text, lengths))
    if all(lengths[tag.name] or tag.fallback is not None for tag in template.button_url.tags):
        link_length = _length(template.button_url, recipients.encoded_lengths)
        measured.link = _wider(measured.link, link_length)


def _length(text: CompiledText, lengths: Mapping[str, int]) -> int:
    """The length of a text with values of these lengths; a missing value counts as 0."""
    return text.literal_length + sum(
        lengths[tag.name] or fallback_length(text, tag.fallback or "") for tag in text.tags
    )


def _wider(before: LengthRange | None, length: int) -> LengthRange:
    if before is None:
        return LengthRange(length, length)
    return LengthRange(min(before.shortest, length), max(before.longest, length))


def _choose(measured: MeasuredAudience, recipients: RecipientClass, text_length: int) -> None:
    """Keep the rank of the first recipient for each choice. `measured` is that of before."""
    rank, people = recipients.first, measured.people
    choices = [FIRST, f"{COUNTRY}{recipients.country}"]
    if not all(recipients.lengths.values()):
        choices.append(MISSING_DATA)
    for choice in choices:
        people[choice] = min(rank, people.get(choice, rank))
    before = measured.text.longest if measured.text else -1
    if text_length > before or (text_length == before and rank < people[LONGEST]):
        people[LONGEST] = rank


def _count_sms_parts(measured: MeasuredAudience, classes: Iterable[RecipientClass]) -> None:
    """Count the parts of the SMS, by one text of sample values for each class."""
    template, largest = measured.template.sms_text, None
    # in the order in which they are sent to: of equally long ones the first is kept
    for recipients in sorted(classes, key=lambda recipients: recipients.first):
        samples = recipients.sample_values
        if any(tag.fallback is None and not samples[tag.name] for tag in template.tags):
            continue
        if measured.sms.add(template.fill_partially(samples), recipients.country, recipients.count):
            largest = recipients
    if largest and measured.sms.largest.encoding == UCS_2:
        # the characters that force UCS-2 are those of a real text
        first = Contact.objects.filter(pk=largest.first % RANK)
        [contact] = fill(first, measured.audience, template.names)
        measured.sms.largest = measure_sms(template.fill_partially(contact.fields))
