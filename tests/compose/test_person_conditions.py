"""Segments by consent, language and topics, which belong to the phone and not to a list."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.compose.audience import segments
from campaigns.compose.audience.segments import ConditionSet, count_contacts, describe_condition
from campaigns.compose.audience.selection import Audience
from campaigns.compose.audience.versions import versions_of
from campaigns.compose.models import Condition, ConditionKind, Match, Operator, Segment
from campaigns.contacts.models import Contact
from campaigns.contacts.people import person
from tests.compose import factories
from tests.compose.factories import contact_list

pytestmark = pytest.mark.django_db
CONSENT, LANGUAGE, TOPIC = ConditionKind.CONSENT, ConditionKind.LANGUAGE, ConditionKind.TOPIC


def phone(digit: int) -> str:
    return f"38097000000{digit}"


def enter(digit: int, **values: str) -> None:
    seen = person.values_of(person.find(phone(digit)))
    assert person.change(phone(digit), seen | values, seen, None) == {}


@pytest.fixture(autouse=True)
def town() -> None:
    """Six phones, the last three of them on a second list too; nothing is known of 0 and 5."""
    contact_list("Town", [(phone(digit), "UA", {}) for digit in range(6)])
    contact_list("Club", [(phone(digit), "UA", {}) for digit in range(3, 6)])
    enter(1, consent="given", consent_source="form", language="uk", wanted_topics="sales")
    enter(2, consent="withdrawn", language="pl", unwanted_topics="sales")
    enter(3, consent="given", consent_source="form", wanted_topics="news, sales")
    enter(4, language="uk", unwanted_topics="news")
    enter(9, consent="given", consent_source="form", language="uk", wanted_topics="sales")


def digits_of(*conditions: dict[str, Any], match: str = Match.ALL) -> str:
    chosen = ConditionSet([Condition(**condition) for condition in conditions], match)
    msisdns = set(Contact.objects.filter(chosen.contacts()).values_list("msisdn", flat=True))
    assert count_contacts(chosen) == len(msisdns)
    return "".join(sorted(msisdn[-1] for msisdn in msisdns))


def condition(kind: ConditionKind, value: str, negated: bool = False) -> dict[str, Any]:
    return {"kind": kind, "value": value, "negated": negated}


@pytest.mark.parametrize(
    ("kind", "value", "negated", "digits", "text"),
    [
        (CONSENT, "given", False, "13", "consent is given"),
        (CONSENT, "given", True, "0245", "consent is not given"),
        (CONSENT, "withdrawn", False, "2", "consent is withdrawn"),
        (CONSENT, "unknown", False, "045", "consent is unknown"),
        (CONSENT, "unknown", True, "123", "consent is not unknown"),
        (LANGUAGE, "uk", False, "14", "language is Ukrainian"),
        (LANGUAGE, "uk", True, "0235", "language is not Ukrainian"),
        (LANGUAGE, "", False, "035", "language is not known"),
        (LANGUAGE, "", True, "124", "language is known"),
        (TOPIC, "sales", False, "13", "wants “sales”"),
        (TOPIC, "sales", True, "2", "does not want “sales”"),
        (TOPIC, "cars", True, "", "does not want “cars”"),
    ],
)
def test_condition_on_the_person_selects_and_is_described(
    kind: ConditionKind, value: str, negated: bool, digits: str, text: str
) -> None:
    chosen = condition(kind, value, negated)
    assert digits_of(chosen) == digits
    assert describe_condition(Condition(**chosen)) == text


def test_conditions_combine_with_each_other_and_with_others() -> None:
    given, ukrainian = condition(CONSENT, "given"), condition(LANGUAGE, "uk")
    assert digits_of(given, ukrainian) == "1"
    assert digits_of(given, ukrainian, match=Match.ANY) == "134"
    no_city = {"kind": ConditionKind.FIELD, "field": "city", "operator": Operator.EMPTY}
    assert digits_of(given, no_city) == "13"


def test_excluded_segment_keeps_out_those_who_do_not_want_a_topic() -> None:
    lists = tuple(Contact.objects.values_list("list", flat=True).distinct())
    unwanted = segments.save(Segment(name="S"), [Condition(**condition(TOPIC, "news", True))], None)
    recipients = Audience(lists=lists, exclude_segments=(unwanted.pk,)).recipients()
    digits = sorted(contact.msisdn[-1] for contact in recipients)
    assert digits == ["0", "1", "3", "5"]  # 2 is on the stop list


def swap_persons() -> None:
    """As many persons and changes as before: one is erased, another entered."""
    person.erase(phone(1))
    enter(5, consent="given", consent_source="form", wanted_topics="sales")


CHANGES: list[Callable[[], None]] = [
    lambda: enter(0, consent="given", consent_source="form"),
    lambda: enter(4, consent="given", consent_source="form"),
    lambda: enter(1, language="pl"),
    lambda: enter(1, wanted_topics="cars"),
    lambda: person.erase(phone(3)),
    swap_persons,
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [CONSENT, LANGUAGE, TOPIC])
def test_every_change_of_a_person_is_another_version(
    kind: ConditionKind, change: Callable[[], None]
) -> None:
    chosen = segments.save(Segment(name="S"), [Condition(**condition(kind, "given"))], None)
    of_field = {"kind": ConditionKind.FIELD, "field": "city", "operator": Operator.EMPTY}
    other = segments.save(Segment(name="Other"), [Condition(**of_field)], None)
    audience, without_person = Audience(segments=(chosen.pk,)), Audience(segments=(other.pk,))
    before, unrelated = versions_of(audience), versions_of(without_person)
    change()
    assert versions_of(audience).settled != before.settled
    assert versions_of(audience).moving == before.moving
    assert versions_of(without_person) == unrelated


def test_segment_form_offers_and_keeps_the_conditions(client: Client) -> None:
    client.force_login(factories.person())
    new = "/contacts/segments/new"
    for kind, label in ((CONSENT, "Consent"), (LANGUAGE, "Language"), (TOPIC, "Topic")):
        shown = client.post(new, {"name": "S", "match": "all", "add": kind})
        [(_key, row)] = shown.context["form"].rows
        assert row["value"].label == label
    assert row["value"].field.choices == [("news", "news"), ("sales", "sales")]
    posted = {
        "name": "Ours", "match": "all", "then": "save",
        "row": ["c0:consent", "c1:language", "c2:topic"],
        "c0-negated": "True", "c0-value": "withdrawn",
        "c1-negated": "False", "c1-value": "-",
        "c2-negated": "False", "c2-value": "sales",
    }  # fmt: skip
    answer = client.post(new, posted, follow=True)
    assert answer.context["conditions"] == [
        "consent is not withdrawn", "language is not known", "wants “sales”",
    ]  # fmt: skip
    assert [contact.msisdn for contact, _values in answer.context["contacts"]] == [phone(3)]
    edit = f"/contacts/segments/{Segment.objects.get().pk}/edit"
    rows = dict(client.get(edit).context["form"].rows)
    assert [rows[key]["value"].value() for key in ("c0", "c1", "c2")] == ["withdrawn", "-", "sales"]
    refused = client.post(edit, posted | {"c2-value": "cars", "c0-value": ""})
    errors = dict(refused.context["form"].rows)
    assert errors["c0"].errors == {"value": ["Choose the consent."]}
    assert "value" in errors["c2"].errors
