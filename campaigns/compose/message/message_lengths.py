"""The lengths of a message over an audience: longest text, missing values, SMS parts.

Counted by the database; recipients are read one by one only where that is not exact.
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

SAMPLE_GSM, SAMPLE_UCS = "a", "я"  # one unit each, in GSM-7 and in UCS-2


@dataclass(frozen=True, slots=True)
class LengthRange:
    """The shortest and the longest length of a text over an audience, in characters."""

    shortest: int
    longest: int


NO_SMS = SmsLength("", 0, 0)


@dataclass(slots=True)
class SmsPartCounts:
    """The recipients of an SMS by country and number of parts, and the longest text."""

    recipients: Counter[tuple[str, int]] = field(default_factory=Counter)
    largest: SmsLength = NO_SMS
    longest_gsm: int = 0  # septets of the longest text in GSM-7

    def add(self, text: str, country: str, recipients: int) -> None:
        """Add a number of `recipients` in `country` who get `text`."""
        length = measure_sms(text)
        self.recipients[country, length.parts] += recipients
        if length.encoding == GSM_7:
            self.longest_gsm = max(self.longest_gsm, length.units)
        if (length.parts, length.units) > (self.largest.parts, self.largest.units):
            self.largest = length

    def by_parts(self) -> dict[int, int]:
        """Number of parts -> recipients, the fewest parts first."""
        recipients_by_parts: Counter[int] = Counter()
        for (_country, parts), recipients in self.recipients.items():
            recipients_by_parts[parts] += recipients
        return dict(sorted(recipients_by_parts.items()))


def _value(name: str) -> Combinable:
    """A contact's merge field `name`; NULL where it is empty."""
    return NullIf(KeyTextTransform(name, "fields"), Value(""), output_field=TextField())


def _value_or_empty(name: str) -> Combinable:
    """A contact's merge field `name`; "" where it is missing."""
    return Coalesce(_value(name), Value(""))


def lacks_value(name: str) -> Q:
    """Contacts without a value in the merge field `name`."""
    return Q(IsNull(_value(name), True))


def length_expression(template: CompiledText) -> Combinable:
    """The number of characters of `template` for a contact; a missing value counts as 0.

    Only for templates without `encode`.
    """
    total: Combinable = Value(template.literal_length)
    for tag in template.tags:
        total = total + Coalesce(Length(_value(tag.name)), Value(len(tag.fallback or "")))
    return total


def count_missing_values(audience: Audience, template: CompiledMessage) -> dict[str, int]:
    """Count the recipients without a value for a tag that has no fallback value.

    By the tag's name; names that everybody has a value for are left out.
    """
    names = template.required_names()
    if not names:
        return {}
    columns = {
        f"missing_{n}": Count("pk", filter=lacks_value(name)) for n, name in enumerate(names)
    }
    counts = audience.recipients().aggregate(**columns)
    return {name: counts[f"missing_{n}"] for n, name in enumerate(names) if counts[f"missing_{n}"]}


def length_range(audience: Audience, template: CompiledText) -> LengthRange | None:
    """The lengths of `template` over `audience`; None if the audience is empty."""
    if not template.tags:
        return LengthRange(template.literal_length, template.literal_length)
    total = length_expression(template)
    lengths = audience.recipients().aggregate(shortest=Min(total), longest=Max(total))
    return None if lengths["longest"] is None else LengthRange(**lengths)


def longest_link_length(audience: Audience, template: CompiledText) -> int:
    """The length of the longest link over `audience`, in characters.

    Recipients without a required value get no link and do not count.
    """
    if not template.tags:
        return template.literal_length
    sql_functions.register_sqlite_function()
    total: Combinable = Value(template.literal_length)
    for tag in template.tags:
        fallback = tag.fallback or ""
        if template.encode:
            fallback = template.encode(fallback)
        length = (
            sql_functions.EncodedLength(_value(tag.name))
            if template.encode
            else Length(_value(tag.name))
        )
        total = total + Coalesce(length, Value(len(fallback)))
    return _with_values(audience, template).aggregate(longest=Max(total))["longest"] or 0


def count_sms_parts(audience: Audience, template: CompiledText) -> SmsPartCounts:
    """Count the parts of the SMS text over `audience`, exactly.

    The database groups recipients by country and by the length and alphabet of each value. One text
    of sample values gives the parts of a whole group, as each of its characters takes one unit.
    Recipients with characters of two units are read one by one.
    """
    counts = SmsPartCounts()
    names = sorted(template.names)
    recipients = _annotate_values(_with_values(audience, template), names)
    largest_group: dict[str, Any] = {}
    any_two_units = False
    groups = recipients.values("country", *_group_keys(names)).annotate(recipients=Count("pk"))
    for group in groups.order_by():
        if group["two_units"]:
            any_two_units = True
            continue
        before = counts.largest
        text = template.fill(_sample_values(names, group))
        counts.add(text, group["country"], group["recipients"])
        largest_group = group if counts.largest is not before else largest_group
    # one of its real texts is read, for the characters that force UCS-2
    if largest_group and counts.largest.encoding == UCS_2:
        same_group = {key: largest_group[key] for key in ("country", *_group_keys(names))}
        [values] = recipients.filter(**same_group).values_list(*_values(names))[:1]
        counts.largest = measure_sms(template.fill(_fields(names, values)))
    if any_two_units:
        rows = recipients.filter(**{"two_units": True}).values_list(*_values(names), "country")
        for *values, country in rows.iterator():
            counts.add(template.fill(_fields(names, values)), country, 1)
    return counts


def _with_values(audience: Audience, template: CompiledText) -> QuerySet[Contact]:
    """The recipients who have a value for each tag without a fallback value."""
    recipients = audience.recipients()
    for name in {tag.name for tag in template.tags if tag.fallback is None}:
        recipients = recipients.exclude(lacks_value(name))
    return recipients


def _annotate_values(recipients: QuerySet[Contact], names: Sequence[str]) -> QuerySet[Contact]:
    """Add the columns of `_group_keys`.

    `two_units`: whether any value has a character of two units. `length_N` and `wide_N`: the length
    of each value, and whether it has characters outside GSM-7.
    """
    two_units = Q(pk__isnull=True)
    for number, name in enumerate(names):
        value = _value_or_empty(name)
        wide = sql_functions.ContainsAny(value, sql_functions.OUTSIDE_GSM)
        recipients = recipients.annotate(
            **{f"length_{number}": Length(value), f"wide_{number}": wide}
        )
        two_units |= Q(sql_functions.ContainsAny(value, sql_functions.TWO_UNIT_CHARACTERS))
    return recipients.annotate(two_units=ExpressionWrapper(two_units, BooleanField()))


def _group_keys(names: Sequence[str]) -> list[str]:
    columns = [f"{kind}_{number}" for number in range(len(names)) for kind in ("length", "wide")]
    return ["two_units", *columns]


def _sample_values(names: Sequence[str], group: Mapping[str, Any]) -> dict[str, str]:
    """Values of the same lengths and alphabets as those of `group`; a missing one is empty."""
    return {
        name: (SAMPLE_UCS if group[f"wide_{number}"] else SAMPLE_GSM) * (group[f"length_{number}"])
        for number, name in enumerate(names)
    }


def _values(names: Sequence[str]) -> list[KeyTextTransform]:
    return [KeyTextTransform(name, "fields") for name in names]


def _fields(names: Sequence[str], values: Sequence[str | None]) -> dict[str, str]:
    return {name: value or "" for name, value in zip(names, values, strict=False)}


class MessageLengths:
    """The lengths of a message over `audience`, each counted once, when it is first read."""

    def __init__(self, audience: Audience, template: CompiledMessage) -> None:
        self.audience, self.template = audience, template

    @cached_property
    def missing(self) -> dict[str, int]:
        """Merge field -> recipients without a required value."""
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
