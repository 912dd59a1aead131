"""Figures of merge tags that the database reckons are those of each person's own text."""

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


def people(count: int = 400) -> list[dict[str, str]]:
    """Values of every kind and length, the same at each run; one in six lacks a value."""
    dice = random.Random(7)
    alphabets = ["abc XYZ", "abc €[", "Привіт", "при🎉", SAMPLES]

    def value() -> str:
        return "".join(
            dice.choices(dice.choice(alphabets), k=dice.choice([0, 1, 5, 30, 65, 75, 150]))
        )

    return [
        {"name": value(), "city": value()} if dice.random() < 0.9 else {"name": value()}
        for _one in range(count)
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
def test_sms_takes_what_each_persons_text_takes(text: str) -> None:
    everybody, template = people(), CompiledText(text)
    rows = [
        (f"38097{n:07d}", "UA" if n % 3 else "PL", fields) for n, fields in enumerate(everybody)
    ]
    wanted: Counter[tuple[str, int]] = Counter()
    units, septets = [], [0]
    for _phone, country, fields in rows:
        try:
            taken = measure_sms(template.fill(fields))
        except MissingValue:
            continue
        wanted[country, taken.parts] += 1
        units.append((taken.parts, taken.units))
        septets += [taken.units] if taken.encoding == "GSM-7" else []
    found = count_sms_parts(Audience((contact_list("A", rows, ("name", "city")).pk,)), template)
    assert found.recipients == wanted
    assert (found.largest.parts, found.largest.units) == max(units)
    assert found.longest_gsm == max(septets)


def test_sms_names_the_characters_of_the_longest() -> None:
    rows = [
        ("380970000001", "UA", {"name": "Їжак" * 30}),
        ("380970000002", "UA", {"name": "x" * 30}),
    ]
    found = count_sms_parts(
        Audience((contact_list("A", rows, ("name",)).pk,)), CompiledText("Hi {name}")
    )
    assert found.largest.culprits == ("Ї", "ж", "а", "к")


def test_link_is_as_long_as_that_of_the_longest_person() -> None:
    rows = [(f"38097{n:07d}", "UA", fields) for n, fields in enumerate(people())]
    template = CompiledText("https://x.example.com/?n={name|é}&c={city}", encode=encode_for_link)
    wanted = [len(template.fill(fields)) for _phone, _country, fields in rows if fields.get("city")]
    assert longest_link_length(
        Audience((contact_list("A", rows, ("name", "city")).pk,)), template
    ) == max(wanted)


def test_figures_do_not_read_everybody(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rows = [(f"38097{n:07d}", "UA", {"name": f"Customer {n:05d}"}) for n in range(300)]
    audience = Audience((contact_list("A", rows, ("name",)).pk,))
    with django_assert_num_queries(1) as asked:
        found = count_sms_parts(audience, CompiledText("Hi {name}"))
    assert found.recipients == {("UA", 1): 300}
    assert "GROUP BY" in asked.captured_queries[0]["sql"]
    assert isinstance(found, SmsPartCounts)
