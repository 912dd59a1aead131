"""What merge tags come to over an audience: the longest text, missing values, how many SMS parts
for whom.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    Max,
    Min,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Length, NullIf
from django.db.models.lookups import IsNull

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message import sql_functions
from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.sms import GSM_7, UCS_2, SmsLength, measure_sms
from campaigns.contacts.models import Contact

STAND_IN, STAND_IN_WIDE = "a", "я"  # one unit each, in GSM-7 and in UCS-2


@dataclass(frozen=True, slots=True)
class LengthRange:
    """The shortest and the longest, in characters, that a template comes to over an audience."""

    shortest: int
    longest: int


NO_SMS = SmsLength("", 0, 0)


@dataclass(slots=True)
class SmsPartCounts:
    """What the SMS text takes: people by country and parts, and the text that takes most."""

    people: Counter[tuple[str, int]] = field(default_factory=Counter)
    largest: SmsLength = NO_SMS
    widest_gsm: int = 0  # septets of the longest text in GSM-7

    def add(self, text: str, country: str, people: int) -> None:
        """Count `people` of `country` who get `text`."""
        taken = measure_sms(text)
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


def _words(name: str) -> Combinable:
    """A contact's merge field `name`, empty where it is missing."""
    return Coalesce(_value(name), Value(""))


def lacks_value(name: str) -> Q:
    """Contacts without a value in the merge field `name`."""
    return Q(IsNull(_value(name), True))


def length_expression(template: CompiledText) -> Combinable:
    """How many characters `template` comes to for a contact; a missing value counts as nothing.

    Counted by the database, so only for templates that encode nothing.
    """
    total: Combinable = Value(template.literal_length)
    for tag in template.tags:
        total = total + Coalesce(Length(_value(tag.name)), Value(len(tag.default or "")))
    return total


def count_missing_values(audience: Audience, template: CompiledMessage) -> dict[str, int]:
    """How many people lack a value for a tag without a word instead, by the tag's name, where
    somebody does.
    """
    needed = template.needed()
    if not needed:
        return {}
    counts = {f"lack_{n}": Count("pk", filter=lacks_value(name)) for n, name in enumerate(needed)}
    found = audience.people().aggregate(**counts)
    return {name: found[f"lack_{n}"] for n, name in enumerate(needed) if found[f"lack_{n}"]}


def length_range(audience: Audience, template: CompiledText) -> LengthRange | None:
    """How long `template` gets over `audience`. None where the audience is empty."""
    if not template.tags:
        return LengthRange(template.literal_length, template.literal_length)
    total = length_expression(template)
    found = audience.people().aggregate(shortest=Min(total), longest=Max(total))
    return None if found["longest"] is None else LengthRange(found["shortest"], found["longest"])


def longest_link_length(audience: Audience, template: CompiledText) -> int:
    """The longest that the link gets over `audience`, in characters; whoever lacks a value gets
    none.
    """
    if not template.tags:
        return template.literal_length
    sql_functions.register_sqlite_function()
    total: Combinable = Value(template.literal_length)
    for tag in template.tags:
        default = (
            template.encode(tag.default) if template.encode and tag.default else tag.default or ""
        )
        length = (
            sql_functions.EncodedLength(_value(tag.name))
            if template.encode
            else Length(_value(tag.name))
        )
        total = total + Coalesce(length, Value(len(default)))
    found = _with_values(audience, template).aggregate(longest=Max(total))["longest"]
    return found or 0


def count_sms_parts(audience: Audience, template: CompiledText) -> SmsPartCounts:
    """What the SMS text takes over `audience`, exactly.

    The database counts people by country, and by how long and of which kind each value is. One text
    of stand-ins a group says what all of it takes, as no character of it takes two units; people
    with such a character are read.
    """
    found = SmsPartCounts()
    names = sorted(template.names)
    people = _with_values(audience, template)
    largest: dict[str, Any] = {}
    odd = False
    for group in (
        _measured(people, names)
        .values("country", *_keys(names))
        .annotate(people=Count("pk"))
        .order_by()
    ):
        if group["odd"]:
            odd = True
            continue
        before = found.largest
        found.add(template.fill(_stand_ins(names, group)), group["country"], group["people"])
        largest = group if found.largest is not before else largest
    # its characters are named, so one of them is read
    if largest and found.largest.encoding == UCS_2:
        alike = {key: largest[key] for key in ("country", *_keys(names))}
        [values] = _measured(people, names).filter(**alike).values_list(*_texts(names))[:1]
        found.largest = measure_sms(template.fill(_given(names, values)))
    if odd:
        rows = (
            _measured(people, names).filter(**{"odd": True}).values_list(*_texts(names), "country")
        )
        for *values, country in rows.iterator():
            found.add(template.fill(_given(names, values)), country, 1)
    return found


def _with_values(audience: Audience, template: CompiledText) -> QuerySet[Contact]:
    """Those who lack no value that the text has no word for."""
    people = audience.people()
    for name in {tag.name for tag in template.tags if tag.default is None}:
        people = people.exclude(lacks_value(name))
    return people


def _measured(people: QuerySet[Contact], names: Sequence[str]) -> QuerySet[Contact]:
    """`people` with what `_keys` names: whether any value has a character of two units; the length
    and kind of each.
    """
    odd = Q(pk__isnull=True)
    for number, name in enumerate(names):
        wide = sql_functions.ContainsAny(_words(name), sql_functions.OUTSIDE_GSM)
        people = people.annotate(
            **{f"length_{number}": Length(_words(name)), f"wide_{number}": wide}
        )
        odd |= Q(sql_functions.ContainsAny(_words(name), sql_functions.TWO_UNIT_CHARACTERS))
    return people.annotate(odd=ExpressionWrapper(odd, BooleanField()))


def _keys(names: Sequence[str]) -> list[str]:
    return [
        "odd",
        *(f"{kind}_{number}" for number in range(len(names)) for kind in ("length", "wide")),
    ]


def _stand_ins(names: Sequence[str], group: Mapping[str, Any]) -> dict[str, str]:
    """Values as long and of the same kind as those of `group`; a missing one is empty."""
    return {
        name: (STAND_IN_WIDE if group[f"wide_{number}"] else STAND_IN) * (group[f"length_{number}"])
        for number, name in enumerate(names)
    }


def _texts(names: Sequence[str]) -> list[KeyTextTransform]:
    return [KeyTextTransform(name, "fields") for name in names]


def _given(names: Sequence[str], values: Sequence[str | None]) -> dict[str, str]:
    return {name: value or "" for name, value in zip(names, values, strict=False)}


class MessageLengths:
    """What a campaign's words come to over `audience`, each figure counted once, when it is first
    asked for.
    """

    def __init__(self, audience: Audience, template: CompiledMessage) -> None:
        self.audience, self.template = audience, template

    @cached_property
    def missing(self) -> dict[str, int]:
        return count_missing_values(self.audience, self.template)

    @cached_property
    def text(self) -> LengthRange | None:
        return length_range(self.audience, self.template.text)

    @cached_property
    def sms_text(self) -> LengthRange | None:
        return length_range(self.audience, self.template.sms_text)

    @cached_property
    def sms(self) -> SmsPartCounts:
        return count_sms_parts(self.audience, self.template.sms_text)
