"""Lengths that the database counts are those of each recipient's own text."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from pytest_django import DjangoAssertNumQueries

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.measured_audience import measure
from campaigns.compose.message.merge_tags import CompiledText, MissingValue
from campaigns.compose.message.message_lengths import SmsPartCounts
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.message.sms import measure_sms
from tests.compose.factories import Person, contact_list

pytestmark = pytest.mark.django_db
SAMPLES = "aZ09 @£\n-é" + "€[]{}^\\~|" + "яЇ’–ş漢" + "🎉𝒳" + "'\"%&?=/+._~`*#^"


def counted(rows: Sequence[Person], sms_text: str) -> SmsPartCounts:
    """The SMS parts over a list of `rows`."""
    audience = Audience((contact_list("A", rows, ("name", "city")).pk,))
    return measure(audience, CompiledMessage("Hello", "", sms_text)).sms


def recipients_fields(count: int = 400) -> list[dict[str, str]]:
    """Values of many alphabets and lengths, the same in each run; one in six is missing."""
    generator = random.Random(7)
    alphabets = ["abc XYZ", "abc €[", "Привіт", "при🎉", SAMPLES]

    def value() -> str:
        return "".join(
            generator.choices(
                generator.choice(alphabets), k=generator.choice([0, 1, 5, 30, 65, 75, 150])
            )
        )

    return [
        {"name": value(), "city": value()} if generator.random() < 0.9 else {"name": value()}
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{name|friend}",
        "Hi {name|€}, {city|} " + "a" * 140,
        "Привіт {name|друже} {city|}",
        "{city}{name|🎉} {city}",
    ],
)
def test_sms_parts_are_those_of_each_recipients_text(text: str) -> None:
    every_fields, template = recipients_fields(), CompiledText(text)
    rows = [
        (f"38097{n:07d}", "UA" if n % 3 else "PL", fields) for n, fields in enumerate(every_fields)
    ]
    expected: Counter[tuple[str, int]] = Counter()
    units, septets = [], [0]
    for _phone, country, fields in rows:
        try:
            length = measure_sms(template.fill(fields))
        except MissingValue:
            continue
        expected[country, length.parts] += 1
        units.append((length.parts, length.units))
        septets += [length.units] if length.encoding == "GSM-7" else []
    counts = counted(rows, text)
    assert counts.recipients == expected
    assert (counts.largest.parts, counts.largest.units) == max(units)
    assert counts.longest_gsm == max(septets)


def test_longest_sms_names_the_characters_that_force_ucs_2() -> None:
    rows = [
        ("380970000001", "UA", {"name": "Їжак" * 30}),
        ("380970000002", "UA", {"name": "x" * 30}),
    ]
    counts = counted(rows, "Hi {name}")
    assert counts.largest.culprits == ("Ї", "ж", "а", "к")


def test_longest_link_is_that_of_the_longest_values() -> None:
    rows = [(f"38097{n:07d}", "UA", fields) for n, fields in enumerate(recipients_fields())]
    template = CompiledMessage("", "https://x.example.com/?n={name|é}&c={city}")
    expected = [
        len(template.button_url.fill(fields))
        for _phone, _country, fields in rows
        if fields.get("city")
    ]
    audience = Audience((contact_list("A", rows, ("name", "city")).pk,))
    link = measure(audience, template).link
    assert link
    assert (link.shortest, link.longest) == (min(expected), max(expected))


def test_a_list_is_read_once(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    rows = [(f"38097{n:07d}", "UA", {"name": f"Customer {n:05d}"}) for n in range(300)]
    audience = Audience((contact_list("A", rows, ("name",)).pk,))
    with django_assert_max_num_queries(4) as queries:
        measured = measure(audience, CompiledMessage("{name}", "https://x.ua/{name}", "Hi {name}"))
    assert measured.sms.recipients == {("UA", 1): 300}
    # the types of its fields, how many are on the list, and how many of them on the stop list: all
    # without their values
    assert sum("fields" in query["sql"] for query in queries.captured_queries) <= 1
