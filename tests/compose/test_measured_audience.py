"""What one pass counts is what reading each contact in Python gives, on both engines."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.message.measured_audience import (
    COUNTRY,
    FIRST,
    LONGEST,
    MISSING_DATA,
    MeasuredAudience,
    measure,
)
from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.sms import measure_sms
from campaigns.contacts.models import Contact
from tests.compose.factories import Person, contact_list, stop

pytestmark = pytest.mark.django_db
NAMES = ("name", "city")
PHONES = [f"38097000000{number}" for number in range(6)]
VALUES = st.sampled_from(["", "Ann", "Олена", "€", "a" * 80, "я" * 40, "🎉", "x-y", "[", "'"])
TEXTS = st.sampled_from(["Hello", "Hi {name|you}", "{city} {name}!", "{name|}", "{city|€}" * 2])
PEOPLE = st.dictionaries(
    st.sampled_from(PHONES),
    st.tuples(st.sampled_from(["UA", "RO", ""]), st.dictionaries(st.sampled_from(NAMES), VALUES)),
    max_size=6,
)


@dataclass
class Lists:
    """Random lists, in the order in which they are made, and what leaves people out."""

    chosen: list[list[Person]]
    excluded: list[Person]
    stopped: list[str]
    text: str
    link: str
    sms: str
    ids: list[int] = field(default_factory=list)


def people_of(contacts: dict[str, tuple[str, dict[str, str]]]) -> list[Person]:
    return [
        (msisdn, country, {name: value for name, value in fields.items() if value})
        for msisdn, (country, fields) in contacts.items()
    ]


LISTS = st.builds(
    Lists,
    chosen=st.lists(PEOPLE.map(people_of), min_size=1, max_size=3),
    excluded=PEOPLE.map(people_of),
    stopped=st.lists(st.sampled_from(PHONES), max_size=2, unique=True),
    text=TEXTS,
    link=st.sampled_from(["", "https://x.example.com/{city}?n={name|é}"]),
    sms=st.one_of(st.just(""), TEXTS),
)


@contextmanager
def stored(lists: Lists) -> Iterator[Audience]:
    """The lists in the database for as long as it takes; names in another order than ids."""
    with transaction.atomic():
        ids = [
            contact_list(name, people, NAMES).pk
            for name, people in zip("ZYX", lists.chosen, strict=False)
        ]
        excluded = contact_list("A", lists.excluded, NAMES)
        stop(*lists.stopped)
        yield Audience(tuple(ids), (excluded.pk,))
        transaction.set_rollback(True)


def reference(lists: Lists) -> tuple[Funnel, list[Person]]:
    """The funnel, and the recipients in the order in which they are sent to."""
    left_out = {msisdn for msisdn, _country, _fields in lists.excluded}
    recipients: dict[str, Person] = {}
    counts: Counter[str] = Counter()
    for people in lists.chosen:
        for person in people:
            counts["selected"] += 1
            if person[0] in lists.stopped:
                counts["stop_listed"] += 1
            elif person[0] in left_out:
                counts["excluded"] += 1
            elif person[0] in recipients:
                counts["duplicates"] += 1
            else:
                recipients[person[0]] = person
    rest = {name: counts[name] for name in ("selected", "duplicates", "stop_listed", "excluded")}
    return Funnel(**rest, recipients=len(recipients)), list(recipients.values())


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(LISTS)
def test_one_pass_counts_what_reading_everybody_counts(lists: Lists) -> None:
    template = CompiledMessage(lists.text, lists.link, lists.sms)
    funnel, people = reference(lists)
    with stored(lists) as audience:
        measured = measure(audience, template)
        phones = dict(Contact.objects.values_list("pk", "msisdn"))
        chosen = {choice: phones[pk] for choice, pk in measured.people.items()}
    assert measured.funnel == funnel
    assert measured.countries == Counter(country for _phone, country, _fields in people)
    assert measured.missing == _missing(template, people)
    assert _range(measured, "text") == _lengths(template, "text", people)
    assert _range(measured, "link") == _lengths(template, "button_url", people)
    assert measured.sms.recipients == _sms_parts(template, people)
    assert chosen == _chosen(template, people)


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
