"""What one pass counts is what reading each contact in Python gives, on both engines."""

from collections import Counter

import pytest
from django.db import transaction
from hypothesis import given, settings

from campaigns.compose.audience.merge_values import fill
from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.measured_audience import (
    COUNTRY,
    FIRST,
    LONGEST,
    MISSING_DATA,
    MeasuredAudience,
    measure,
)
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.message_lengths import NO_SMS
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.sms import SmsLength, measure_sms
from campaigns.compose.models import Campaign
from campaigns.compose.preview.message_preview import BY_PHONE, find_recipient
from campaigns.compose.pricing.estimate import estimate_cost
from campaigns.contacts.models import Contact
from tests.compose.audience_model import NAMES, World, modelled, worlds
from tests.compose.factories import Person, contact_list
from tests.compose.stored_worlds import stored

pytestmark = pytest.mark.django_db


@settings(max_examples=60)
@given(worlds())
def test_one_pass_counts_what_reading_everybody_counts(world: World) -> None:
    template = CompiledMessage(world.text, world.link, world.sms)
    funnel, people = modelled(world)
    with stored(world) as audience:
        measured = measure(audience, template)
        phones = dict(Contact.objects.values_list("pk", "msisdn"))
        chosen = {choice: phones[pk] for choice, pk in measured.people.items()}
        values = used_values(fill(audience.recipients(), audience, template.names), template)
        cost = estimate_cost(Campaign(sms_text=world.sms), measured)
        previewed = previews(audience, template, measured, people)
    assert measured.funnel == funnel
    assert measured.countries == Counter(country for _phone, country, _fields in people)
    assert measured.missing == _missing(template, people)
    assert _range(measured, "text") == _lengths(template, "text", people)
    assert _range(measured, "link") == _lengths(template, "button_url", people)
    assert measured.sms.recipients == _sms_parts(template, people)
    assert measured.sms.largest == _largest_sms(template, people)
    assert chosen == _chosen(template, people)
    assert {line.country: line.recipients for line in cost.lines} == measured.countries
    expected = {
        phone: {name: fields.get(name) or "" for name in template.names}
        for phone, _country, fields in people
    }
    assert values == expected
    if people:
        chosen[BY_PHONE] = people[-1][0]
    assert previewed == {choice: (phone, expected[phone]) for choice, phone in chosen.items()}


def used_values(contacts: list[Contact], template: CompiledMessage) -> dict[str, dict[str, str]]:
    """Phone -> the values of the merge fields that the message uses."""
    return {
        contact.msisdn: {name: contact.fields.get(name) or "" for name in template.names}
        for contact in contacts
    }


def previews(
    audience: Audience, template: CompiledMessage, measured: MeasuredAudience, people: list[Person]
) -> dict[str, tuple[str, dict[str, str]]]:
    """The phone and values that the preview shows for each choice; by phone, of the last person."""
    asked = dict.fromkeys(measured.people, "")
    if people:
        asked[BY_PHONE] = people[-1][0]
    found = {
        choice: find_recipient(audience, template, choice, phone, measured)
        for choice, phone in asked.items()
    }
    return {
        choice: next(iter(used_values([contact], template).items()))
        for choice, contact in found.items()
        if contact
    }


def _range(measured: MeasuredAudience, name: str) -> tuple[int, int] | None:
    lengths = getattr(measured, name)
    return (lengths.shortest, lengths.longest) if lengths else None


def _missing(template: CompiledMessage, people: list[Person]) -> dict[str, int]:
    counts = {
        name: sum(not fields.get(name) for _phone, _country, fields in people)
        for name in template.required_names()
    }
    return {name: count for name, count in counts.items() if count}


def _lengths(template: CompiledMessage, name: str, people: list[Person]) -> tuple[int, int] | None:
    """A missing value of a text counts as 0; a link without one counts not at all."""
    text, lengths = getattr(template, name), []
    for _phone, _country, fields in people:
        try:
            lengths.append(len(text.fill(fields)))
        except MissingValue:
            if not text.encode:
                lengths.append(
                    text.literal_length
                    + sum(len(fields.get(tag.name) or tag.fallback or "") for tag in text.tags)
                )
    return (min(lengths), max(lengths)) if lengths else None


def _sms_parts(template: CompiledMessage, people: list[Person]) -> Counter[tuple[str, int]]:
    counts: Counter[tuple[str, int]] = Counter()
    for _phone, country, fields in people:
        try:
            counts[country, measure_sms(template.sms_text.fill(fields)).parts] += 1
        except MissingValue:
            continue
    return counts


def _largest_sms(template: CompiledMessage, people: list[Person]) -> SmsLength:
    """Of equally long ones the first."""
    largest = NO_SMS
    for _phone, _country, fields in people:
        try:
            length = measure_sms(template.sms_text.fill(fields))
        except MissingValue:
            continue
        if (length.parts, length.units) > (largest.parts, largest.units):
            largest = length
    return largest


def _chosen(template: CompiledMessage, people: list[Person]) -> dict[str, str]:
    """The phone for each choice of the preview: the first who fits."""
    if not people:
        return {}
    first = {f"{COUNTRY}{country}": phone for phone, country, _fields in reversed(people)}
    lacking = [
        phone
        for phone, _country, fields in people
        if any(not fields.get(name) for name in template.names)
    ]
    longest = max(people, key=lambda person: _lengths(template, "text", [person]) or (0, 0))[0]
    return (
        {FIRST: people[0][0], LONGEST: longest}
        | first
        | ({MISSING_DATA: lacking[0]} if lacking else {})
    )


def measured_fingerprint(*people: Person) -> str:
    """The fingerprint of two lists: nothing of it is left afterwards."""
    with transaction.atomic():
        audience = Audience((contact_list("A", people, NAMES).pk,))
        fingerprint = measure(audience, CompiledMessage("Hi {name|you}")).fingerprint
        transaction.set_rollback(True)
    return fingerprint


def test_fingerprint_tells_people_and_used_values_but_no_order() -> None:
    ann: Person = ("380970000001", "UA", {"name": "Ann", "city": "Kyiv"})
    eve: Person = ("380970000002", "UA", {"name": "Eve"})
    before = measured_fingerprint(ann, eve)
    assert measured_fingerprint(eve, ann) == before
    assert measured_fingerprint((ann[0], "UA", {"name": "Ann", "city": "Lviv"}), eve) == before
    others = [
        measured_fingerprint(ann, ("380970000003", "UA", {"name": "Eve"})),
        measured_fingerprint(ann, (eve[0], "UA", {"name": "Ева"})),
        measured_fingerprint((ann[0], "UA", {"name": "Eve"}), (eve[0], "UA", {"name": "Ann"})),
        measured_fingerprint(ann, (eve[0], "UA", {})),
        measured_fingerprint(ann),
    ]
    assert len({before, *others}) == 6
