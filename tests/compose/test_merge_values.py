"""Merge values of a phone that is on several chosen lists: the first list that has one gives it."""

from typing import Any

import pytest
from django.utils import timezone

from campaigns.compose.audience import segments
from campaigns.compose.audience.merge_values import fill, with_values
from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.editor.test_send import send_test
from campaigns.compose.launch import lifecycle
from campaigns.compose.message.measured_audience import measure
from campaigns.compose.message.render import CompiledMessage, compile_message
from campaigns.compose.message.sms import UCS_2
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    EarlierCampaign,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.compose.preview.message_preview import BY_PHONE, build_preview, find_recipient
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient
from tests.compose.factories import contact_list, draft, person
from tests.dispatch.factory import SOON

pytestmark = pytest.mark.django_db
OLENA, IVAN = "380671116601", "380671116602"
Values = dict[str, str]


def lists_of(*contacts: dict[str, Values]) -> list[ContactList]:
    """Lists in this order, with names in another; each knows the merge tags of its contacts."""
    return [
        contact_list(
            name,
            [(phone, "UA", values) for phone, values in people.items()],
            sorted({tag for values in people.values() for tag in values}),
        )
        for name, people in zip("ZYXW", contacts, strict=False)
    ]


def sent(campaign: Campaign) -> dict[str, str]:
    """Phone -> the text that the frozen recipients get; the preview shows the same."""
    audience, template = Audience.of(campaign), compile_message(campaign)
    phones = audience.recipients().values_list("msisdn", flat=True)
    shown = {}
    for phone in phones:
        contact = find_recipient(audience, template, BY_PHONE, phone)
        shown[phone] = build_preview(campaign, contact).rendered.text
    lifecycle.launch(campaign.pk, None, len(shown))
    assert freeze(campaign.pk, timezone.now() + SOON)
    frozen = dict(campaign.recipients.values_list("msisdn", "fields"))
    texts = {phone: template.render(fields).text for phone, fields in frozen.items()}
    assert texts == shown
    return texts


def test_name_that_one_list_knows_is_used() -> None:
    lists = lists_of(
        {OLENA: {}, IVAN: {"first_name": "Іван"}},
        {OLENA: {"first_name": "Олена"}, IVAN: {"first_name": "Ivan"}},
    )
    assert sent(draft(*lists, text="Hi {first_name|friend}")) == {
        OLENA: "Hi Олена",
        IVAN: "Hi Іван",
    }


# What contacts of one phone on several lists look like where others reported them. The first five
# wish for what is done here; the others show what must not come of it.
REPORTED: dict[str, tuple[list[Values], str, str]] = {
    # the contact that stays keeps what it has and takes over what it lacks
    "https://github.com/chatwoot/chatwoot/issues/2767": (
        [{"first_name": "Olena"}, {"first_name": "Lena", "company": "Shop"}],
        "{first_name}, {company}",
        "Olena, Shop",
    ),
    # a blank field may be filled, one with contents is left as it is
    "https://github.com/mautic/mautic/issues/5543": (
        [{"source": "fair", "city": ""}, {"source": "file", "city": "Kyiv"}],
        "{source} {city}",
        "fair Kyiv",
    ),
    # the same with values that are there but empty, in both records
    "https://github.com/mautic/mautic/pull/13008": (
        [{"city": ""}, {"city": ""}, {"city": "Odesa"}],
        "{city|your city}",
        "Odesa",
    ),
    # each source has attributes of its own
    "https://github.com/knadh/listmonk/issues/325": (
        [{"first_name": "Olena"}, {"city": "Lviv"}, {"bonus": "120"}],
        "{first_name} {city} {bonus}",
        "Olena Lviv 120",
    ),
    # rows that end before the last columns
    "https://github.com/mailpoet/mailpoet/pull/717": (
        [{"city": ""}, {"first_name": "Olena"}, {"first_name": "Lena", "last_name": "Koval"}],
        "{first_name} {last_name} {city|Ukraine}",
        "Olena Koval Ukraine",
    ),
    # one person in files of two programs, with another role in each: roles are not joined
    "https://github.com/soonick/poMMo/issues/134": (
        [{"role": "user"}, {"role": "developer"}, {"role": "member"}],
        "Dear {role}",
        "Dear user",
    ),
    # values of two lists are alternatives, not parts of one
    "https://github.com/knadh/listmonk/issues/2010": (
        [{"hobbies": "swimming, cooking"}, {"hobbies": "dancing"}],
        "{hobbies}",
        "swimming, cooking",
    ),
    # two people behind one address: name and city are then of different lists, in a known order
    "https://github.com/chatwoot/chatwoot/issues/2811": (
        [{"first_name": "Olena"}, {"first_name": "Taras", "city": "Lviv"}],
        "{first_name} {city}",
        "Olena Lviv",
    ),
}


@pytest.mark.parametrize("address", REPORTED)
def test_reported_contacts_get_the_first_value(address: str) -> None:
    rows, text, expected = REPORTED[address]
    campaign = draft(*lists_of(*({OLENA: values} for values in rows)), text=text)
    assert sent(campaign) == {OLENA: expected}


def test_list_without_any_name_takes_all_from_the_next() -> None:
    """https://github.com/knadh/listmonk/issues/1547: a file whose column of names is empty."""
    phones = [f"38067111660{digit}" for digit in range(4)]
    lists = lists_of(
        {phone: {"name": ""} for phone in phones}, {phone: {"name": "N"} for phone in phones[:3]}
    )
    audience = Audience(tuple(made.pk for made in lists))
    assert measure(audience, CompiledMessage("{name}")).missing == {"name": 1}


def test_contacts_that_are_all_duplicates_stay_once() -> None:
    """https://github.com/ChenglongMa/zoplicate/issues/116: 93 items twice left none."""
    people = {f"3806711166{number:02d}": {"city": "Kyiv"} for number in range(93)}
    lists = lists_of({phone: {} for phone in people}, people)
    campaign = draft(*lists, text="{city}")
    assert Audience.of(campaign).funnel() == Funnel(186, 93, 0, 0, 93)
    assert sent(campaign) == dict.fromkeys(people, "Kyiv")


def test_phone_in_another_spelling_is_the_same_contact() -> None:
    """https://github.com/mautic/mautic/issues/5149: the second list wrote the address otherwise."""
    first, second = lists_of({OLENA: {}}, {IVAN: {"city": "Kyiv"}})
    contact_lists.add_contact(second, "(067) 111-66-01", {"city": "Lviv"}, "UA")
    assert sent(draft(first, second, text="{city|-}")) == {OLENA: "Lviv", IVAN: "Kyiv"}


def test_lists_that_are_not_chosen_or_excluded_give_nothing() -> None:
    first, second, third = lists_of({OLENA: {}, IVAN: {}}, {IVAN: {}}, {OLENA: {"city": "Lviv"}})
    ContactList.objects.update(fields=["city"])
    assert sent(draft(first, second, text="{city|-}")) == {OLENA: "-", IVAN: "-"}
    assert sent(draft(first, second, exclude=[third], text="{city|-}")) == {IVAN: "-"}


def test_only_contacts_that_a_segment_selects_give_values() -> None:
    """Of OLENA the segment selects the contacts on the first and on the third list."""
    lists_of(
        {OLENA: {"city": "Kyiv"}, IVAN: {"city": "Lviv"}},
        {OLENA: {"city": "Odesa", "first_name": "Lena"}},
        {OLENA: {"city": "Kyiv", "first_name": "Olena"}, IVAN: {"first_name": "Ivan"}},
    )
    kyiv = Condition(kind=ConditionKind.FIELD, field="city", operator=Operator.IS, value="Kyiv")
    campaign = draft(text="Hi {first_name|you}")
    campaign.segments.set([segments.save(Segment(name="Kyiv"), [kyiv], None)])
    assert sent(campaign) == {OLENA: "Hi Olena"}


def test_earlier_campaign_selects_its_recipients_on_every_list() -> None:
    lists_of({IVAN: {}}, {OLENA: {}, IVAN: {}}, {OLENA: {"first_name": "Olena"}})
    earlier = draft(state=CampaignState.FINISHED, frozen_at=timezone.now())
    Recipient.objects.create(campaign=earlier, msisdn=OLENA, batch_number=1, reference="1")
    campaign = draft(text="Hi {first_name|you}")
    EarlierCampaign.objects.create(campaign=campaign, source=earlier, outcome=RecipientOutcome.ALL)
    assert sent(campaign) == {OLENA: "Hi Olena"}


def measured(*contacts: dict[str, Values], text: str = "{name}", sms: str = "") -> Any:
    audience = Audience(tuple(made.pk for made in lists_of(*contacts)))
    result = measure(audience, CompiledMessage(text, "", sms))
    ContactList.objects.all().delete()
    return result


def test_counts_and_fingerprint_are_of_the_values_that_are_sent() -> None:
    first, second = {OLENA: {}, IVAN: {"name": "Ivan"}}, {OLENA: {"name": "Олена"}, IVAN: {}}
    filled = measured(first, second, sms="{name} €")
    assert filled.missing == {}
    assert (filled.text.shortest, filled.text.longest) == (4, 5)
    assert (filled.sms.largest.encoding, filled.sms.largest.units) == (UCS_2, 7)
    assert filled.sms.largest.culprits == ("О", "л", "е", "н", "а")
    assert sorted(filled.people) == ["country:UA", "first", "longest"]
    alone = measured(first)
    assert (alone.missing, sorted(alone.people)[-1]) == ({"name": 1}, "longest")
    changed = measured(first, {**second, OLENA: {"name": "Олеся"}}, sms="{name} €")
    unused = measured(first, {**second, IVAN: {"name": "Taras"}}, sms="{name} €")
    assert changed.fingerprint != filled.fingerprint == unused.fingerprint


def test_nothing_is_looked_up_where_no_later_list_can_give_a_value() -> None:
    first, second = lists_of({OLENA: {"name": "Olena"}}, {OLENA: {"city": "Lviv"}})
    both = Audience((first.pk, second.pk))

    def looks_up(audience: Audience, *names: str) -> bool:
        return with_values(audience.recipients(), audience, names).looks_up

    assert not looks_up(both, "name")
    assert not looks_up(both)
    assert not looks_up(Audience((second.pk,)), "city")
    assert looks_up(both, "city", "name")


def test_tags_may_be_named_like_columns_of_the_database() -> None:
    values = {"id": "7", "list": "L", "2026": "Y", "value_0": "V", "місто": "Київ"}
    lists = lists_of({OLENA: {}}, {OLENA: values})
    text = "{id} {list} {2026} {value_0} {місто}"
    assert sent(draft(*lists, text=text)) == {OLENA: "7 L Y V Київ"}


def test_filling_leaves_unused_values_and_stored_contacts_as_they_are() -> None:
    lists = lists_of({OLENA: {"bonus": "1"}}, {OLENA: {"city": "Lviv", "bonus": "2", "x": "3"}})
    audience = Audience(tuple(made.pk for made in lists))
    [contact] = fill(audience.recipients(), audience, {"city"})
    assert contact.fields == {"bonus": "1", "city": "Lviv"}
    assert Contact.objects.get(pk=contact.pk).fields == {"bonus": "1"}


def test_test_send_has_the_values_of_the_message() -> None:
    lists = lists_of({OLENA: {}}, {OLENA: {"first_name": "Олена"}})
    campaign = draft(*lists, text="Hi {first_name|friend}")
    test = send_test(campaign, ["+380 97 000 00 99"], person())
    assert test.lists.get().contacts.get().fields == {"first_name": "Олена"}
