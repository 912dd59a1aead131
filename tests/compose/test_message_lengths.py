"""Lengths that the database counts are those of each recipient's own text."""

import random
from collections import Counter

import pytest
from pytest_django import DjangoAssertNumQueries

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.merge_tags import CompiledText, MissingValue
from campaigns.compose.message.message_lengths import (
    SmsPartCounts,
    count_sms_parts,
    longest_link_length,
)
from campaigns.compose.message.render import encode_for_link
from campaigns.compose.message.sms import measure_sms
from tests.compose.factories import contact_list

pytestmark = pytest.mark.django_db
SAMPLES = "aZ09 @£\n-é" + "€[]{}^\\~|" + "яЇ’–ş漢" + "🎉𝒳" + "'\"%&?=/+._~`*#^"


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
    counts = count_sms_parts(Audience((contact_list("A", rows, ("name", "city")).pk,)), template)
    assert counts.recipients == expected
    assert (counts.largest.parts, counts.largest.units) == max(units)
    assert counts.longest_gsm == max(septets)


def test_longest_sms_names_the_characters_that_force_ucs_2() -> None:
    rows = [
        ("380970000001", "UA", {"name": "Їжак" * 30}),
        ("380970000002", "UA", {"name": "x" * 30}),
    ]
    counts = count_sms_parts(
        Audience((contact_list("A", rows, ("name",)).pk,)), CompiledText("Hi {name}")
    )
    assert counts.largest.culprits == ("Ї", "ж", "а", "к")


def test_longest_link_is_that_of_the_longest_values() -> None:
    rows = [(f"38097{n:07d}", "UA", fields) for n, fields in enumerate(recipients_fields())]
    template = CompiledText("https://x.example.com/?n={name|é}&c={city}", encode=encode_for_link)
    expected = [
        len(template.fill(fields)) for _phone, _country, fields in rows if fields.get("city")
    ]
    assert longest_link_length(
        Audience((contact_list("A", rows, ("name", "city")).pk,)), template
    ) == max(expected)


def test_parts_are_counted_by_the_database_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    rows = [(f"38097{n:07d}", "UA", {"name": f"Customer {n:05d}"}) for n in range(300)]
    audience = Audience((contact_list("A", rows, ("name",)).pk,))
    with django_assert_num_queries(1) as queries:
        counts = count_sms_parts(audience, CompiledText("Hi {name}"))
    assert counts.recipients == {("UA", 1): 300}
    assert "GROUP BY" in queries.captured_queries[0]["sql"]
    assert isinstance(counts, SmsPartCounts)
