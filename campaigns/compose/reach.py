"""What merge tags come to over an audience: the longest text, missing values, how many SMS parts for whom."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Count, Max, Min, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Length, NullIf
from django.db.models.lookups import IsNull

from campaigns.compose.audience import Audience
from campaigns.compose.merge import MissingValue, Template
from campaigns.compose.message import MessageTemplate
from campaigns.compose.sms import GSM_7, Parts, sms_parts


@dataclass(frozen=True, slots=True)
class Lengths:
    """The shortest and the longest, in characters, that a template comes to over an audience."""

    shortest: int
    longest: int


NO_PARTS = Parts("", 0, 0)


@dataclass(slots=True)
class SmsReach:
    """What the SMS text takes: people by country and parts, and the text that takes most."""

    people: Counter[tuple[str, int]] = field(default_factory=Counter)
    largest: Parts = NO_PARTS
    widest_gsm: int = 0  # septets of the longest text in GSM-7

    def add(self, text: str, country: str, people: int) -> None:
        """Count `people` of `country` who get `text`."""
        taken = sms_parts(text)
        self.people[country, taken.parts] += people
        if taken.encoding == GSM_7:
            self.widest_gsm = max(self.widest_gsm, taken.units)
        if (taken.parts, taken.units) > (self.largest.parts, self.largest.units):
            self.largest = taken

    def by_parts(self) -> dict[int, int]:
        """How many people get an SMS of how many parts, the fewest parts first."""
        found: Counter[int] = Counter()
        for (_country, parts), people in self.people.items():
            found[parts] += people
        return dict(sorted(found.items()))


def _value(name: str) -> Combinable:
    """A contact's merge field `name`; NULL where it is empty."""
    return NullIf(KeyTextTransform(name, "fields"), Value(""), output_field=TextField())


def lacks(name: str) -> Q:
    """Contacts without a value in the merge field `name`."""
    return Q(IsNull(_value(name), True))


def length_expression(template: Template) -> Combinable:
    """How many characters `template` comes to for a contact; a missing value counts as nothing.

    Counted by the database, so only for templates that encode nothing.
    """
    total: Combinable = Value(template.literal_length)
    for tag in template.tags:
        total = total + Coalesce(Length(_value(tag.name)), Value(len(tag.default or "")))
    return total


def missing_values(audience: Audience, template: MessageTemplate) -> dict[str, int]:
    """How many people lack a value for a tag without a word instead, by the tag's name, where somebody does."""
    needed = template.needed()
    if not needed:
        return {}
    counts = {f"lack_{n}": Count("pk", filter=lacks(name)) for n, name in enumerate(needed)}
    found = audience.people().aggregate(**counts)
    return {name: found[f"lack_{n}"] for n, name in enumerate(needed) if found[f"lack_{n}"]}


def lengths(audience: Audience, template: Template) -> Lengths | None:
    """How long `template` gets over `audience`. None where the audience is empty."""
    if not template.tags:
        return Lengths(template.literal_length, template.literal_length)
    total = length_expression(template)
    found = audience.people().aggregate(shortest=Min(total), longest=Max(total))
    return None if found["longest"] is None else Lengths(found["shortest"], found["longest"])


def texts(audience: Audience, template: Template) -> Iterator[tuple[str, str, int]]:
    """Each text that `template` comes to, the country, and how many people get it; not for those who lack a value."""
    names = tuple(sorted(template.names))
    for values, country, people in audience.combinations(names):
        try:
            yield template.fill({name: value or "" for name, value in zip(names, values, strict=True)}), country, people
        except MissingValue:
            continue


def longest_link(audience: Audience, template: Template) -> int:
    """The longest that the link gets over `audience`, in characters."""
    if not template.tags:
        return template.literal_length
    return max((len(text) for text, _country, _people in texts(audience, template)), default=0)


def sms_reach(audience: Audience, template: Template) -> SmsReach:
    """What the SMS text takes over `audience`, person by person."""
    found = SmsReach()
    for text, country, people in texts(audience, template):
        found.add(text, country, people)
    return found


class Reach:
    """What a campaign's words come to over `audience`, each figure counted once, when it is first asked for."""

    def __init__(self, audience: Audience, template: MessageTemplate) -> None:
        self.audience, self.template = audience, template

    @cached_property
    def missing(self) -> dict[str, int]:
        return missing_values(self.audience, self.template)

    @cached_property
    def text(self) -> Lengths | None:
        return lengths(self.audience, self.template.text)

    @cached_property
    def sms_text(self) -> Lengths | None:
        return lengths(self.audience, self.template.sms_text)

    @cached_property
    def sms(self) -> SmsReach:
        return sms_reach(self.audience, self.template.sms_text)
