"""Segments: their contacts, their descriptions, saving and deleting."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone

from campaigns.compose.audience import segments
from campaigns.compose.audience.comparable_values import as_number
from campaigns.compose.audience.recipient_outcomes import OUTCOME_CONDITIONS
from campaigns.compose.audience.segments import (
    ConditionSet,
    count_contacts,
    count_incomparable,
    describe_condition,
    distinct_phones,
)
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library.segments import delete_segment
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.contact_lists import delete_list
from campaigns.contacts.models import Contact, ContactList, Import
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.ledger.models import Purpose
from campaigns.shared.typed_numbers import read_number
from campaigns.team.models import AuditEntry
from tests.compose.factories import contact_list, draft, person

pytestmark = pytest.mark.django_db
D, S = DeliveryState, SendState
OUTCOMES: dict[str, Mapping[str, Any]] = {  # by the last digit of the phone
    "0": {"send_state": S.ACCEPTED, "delivery_state": D.READ},
    "1": {"send_state": S.ACCEPTED, "delivery_state": D.DELIVERED},
    "2": {"send_state": S.ACCEPTED, "delivery_state": D.NOT_DELIVERED, "final": True},
    "3": {"send_state": S.ACCEPTED, "delivery_state": D.FALLBACK},
    "4": {"send_state": S.ACCEPTED, "delivery_state": D.FALLBACK, "final": True},
    "5": {"send_state": S.ACCEPTED, "delivery_state": D.FALLBACK_DELIVERED},
    "6": {"send_state": S.REFUSED},
    "7": {"send_state": S.UNRESOLVED},
    "8": {"send_state": S.QUEUED},
}


def phone(digit: int | str) -> str:
    return f"38097000000{digit}"


def sent(name: str = "Spring", days_ago: int = 0, **changes: Any) -> Campaign:
    """A campaign to the phones 0 to 8, with the outcomes OUTCOMES."""
    campaign = draft(name=name, state=CampaignState.SENDING, **changes)
    campaign.frozen_at = timezone.now() - timedelta(days=days_ago)
    campaign.save()
    Recipient.objects.bulk_create(
        Recipient(
            campaign=campaign,
            msisdn=phone(digit),
            batch_number=1,
            reference=f"{name}{digit}",
            **end,
        )
        for digit, end in OUTCOMES.items()
    )
    return campaign


def digits_of(*conditions: Mapping[str, Any], match: str = Match.ALL) -> str:
    """The last digits of the phones that meet the conditions."""
    condition_set = ConditionSet([Condition(**condition) for condition in conditions], match)
    digits = "".join(
        sorted(
            str(number)[-1]
            for number in distinct_phones(Contact.objects.filter(condition_set.contacts()))
        )
    )
    assert count_contacts(condition_set) == len(digits)
    return digits


def field(operator: Operator, value: str = "", name: str = "city") -> dict[str, Any]:
    return {"kind": ConditionKind.FIELD, "field": name, "operator": operator, "value": value}


def messages(outcome: RecipientOutcome, **more: Any) -> dict[str, Any]:
    return {"kind": ConditionKind.MESSAGES, "outcome": outcome, **more}


@pytest.fixture
def town() -> ContactList:
    values = ["Kyiv", "Lviv", "Київ", "", "Kyivets", "10", "9,5", "-3", "1e9", "2026-05-01"]
    return contact_list(
        "Town",
        [
            (phone(digit), "UA", {"city": value} if value else {})
            for digit, value in enumerate(values)
        ],
    )


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("operator", "value", "digits"),
    [
        (Operator.IS, "Kyiv", "0"),
        (Operator.IS, "Київ", "2"),
        (Operator.IS_NOT, "Kyiv", "123456789"),
        (Operator.CONTAINS, "IVE", "4"),
        (Operator.STARTS, "kyiv", "04"),
        (Operator.FILLED, "", "012456789"),
        (Operator.EMPTY, "", "3"),
        (Operator.MORE, "9.4", "56"),
        (Operator.LESS, "0", "7"),
        (Operator.MORE, "2026-04-30", "9"),
        (Operator.LESS, "2026-05-01", ""),
    ],
)
def test_a_condition_on_a_merge_tag(operator: Operator, value: str, digits: str) -> None:
    assert digits_of(field(operator, value)) == digits


@pytest.mark.usefixtures("town")
def test_dates_as_they_are_written() -> None:
    written = ["31.01.2026", "01/02/2026", "2026-02-02T10:00", "2026-02-03", "32.01.2026", "soon"]
    people = [(f"38099000001{n}", "UA", {"day": day}) for n, day in enumerate(written)]
    contact_list("Days", people, ["day"])
    later = field(Operator.MORE, "2026-01-31", name="day")
    assert digits_of(later) == "123"
    assert digits_of(field(Operator.LESS, "01.02.2026", name="day")) == "0"
    assert count_incomparable(ConditionSet([Condition(**later)])) == 2


NUMBERS = [
    *("1 234,50", "1\u00a0234,50", "1\u202f234.5", "1,234.50", "1.234,50", "1234.5", "1234,5"),
    *("900", "-5", "0,005", "0.005", "1,234", "1.234", "1.234.567", "12,34,567.50", "1'000"),
    *("many", "1,20,0", "1.2.3", "-", "12 EUR", "1,2345", "10000,125"),
    # microsoft/calculator#504, apache/ofbiz-framework#845
    *("1234\u202c", "\u200f-5", "29\u2007000", "\u200b", "5\u200b5"),
]


def test_numbers_are_read_by_the_database_as_in_forms() -> None:
    """The amounts of koalyptus/TableFilter 494, thomasloven/lovelace-auto-entities 566,
    SEED-platform/seed 642 among them.
    """
    people = [(f"3806711121{n:02d}", "UA", {"bonus": text}) for n, text in enumerate(NUMBERS)]
    contact_list("People", people, ["bonus"])
    text = KeyTextTransform("bonus", "fields")
    read = Contact.objects.order_by("pk").values_list(as_number(text), flat=True)
    expected = [read_number(typed) for typed in NUMBERS]
    assert list(read) == [None if number is None else float(number) for number in expected]
    more = ConditionSet([Condition(**field(Operator.MORE, "1 000,00", name="bonus"))])
    assert count_contacts(more) == sum(number is not None and number > 1000 for number in expected)
    assert count_incomparable(more) == expected.count(None) == 7


def test_no_condition_selects_nobody(town: ContactList) -> None:
    assert digits_of() == ""


def test_countries_lists_and_imports(town: ContactList) -> None:
    imported = Import.objects.create(list=town, list_name="Town", file_name="a.csv")
    Contact.objects.filter(msisdn__in=[phone(1), phone(2)]).update(source=imported)
    Contact.objects.filter(msisdn=phone(3)).update(country="")
    club = contact_list("Club", [(phone(1), "UA", {"city": "Odesa"}), (phone(2), "UA", {})])
    vip = contact_list("VIP", [(phone(2), "UA", {}), (phone(9), "UA", {})])
    assert digits_of({"kind": ConditionKind.COUNTRY, "countries": [""]}) == "3"
    assert (
        digits_of({"kind": ConditionKind.COUNTRY, "countries": ["UA", "RO"], "negated": True})
        == "3"
    )
    on_town, on_club, on_vip = (
        {"kind": ConditionKind.LIST, "list": chosen} for chosen in (town, club, vip)
    )
    assert digits_of(on_club) == "12"
    assert digits_of(on_town, {**on_club, "negated": True}) == "03456789"
    assert digits_of(on_town, on_club, on_vip) == "2"
    assert digits_of(on_club, on_vip, match=Match.ANY) == "129"
    # the merge tags of the first list count
    assert (
        digits_of(on_town, field(Operator.IS, "Lviv")),
        digits_of(on_club, field(Operator.IS, "Lviv")),
    ) == ("1", "")
    from_import = {"kind": ConditionKind.IMPORT, "source": imported}
    assert (digits_of(from_import), digits_of(on_vip, {**from_import, "negated": True})) == (
        "12",
        "9",
    )


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("outcome", "digits"),
    [
        (RecipientOutcome.ALL, "012345678"),
        (RecipientOutcome.SENT, "0123457"),
        (RecipientOutcome.DELIVERED, "015"),
        (RecipientOutcome.READ, "0"),
        (RecipientOutcome.NOT_DELIVERED, "24"),
        (RecipientOutcome.REFUSED, "6"),
    ],
)
def test_a_condition_on_the_outcome_of_a_campaign(outcome: RecipientOutcome, digits: str) -> None:
    campaign = sent()
    assert digits_of(messages(outcome, campaign=campaign)) == digits
    others = "".join(digit for digit in "0123456789" if digit not in digits)
    assert digits_of(messages(outcome, campaign=campaign, negated=True)) == others


@pytest.mark.usefixtures("town")
def test_a_condition_on_the_sender_and_the_last_days() -> None:
    old = sent(days_ago=40)
    Recipient.objects.filter(msisdn=phone(1)).update(sent_at=timezone.now() - timedelta(days=29))
    assert digits_of(messages(RecipientOutcome.SENT, days=30)) == "1"
    assert digits_of(messages(RecipientOutcome.SENT, days=41, sender=old.sender)) == "0123457"
    assert digits_of(messages(RecipientOutcome.ALL, negated=True, sender=old.sender)) == "9"
    Campaign.objects.update(purpose=Purpose.TEST)
    assert digits_of(messages(RecipientOutcome.SENT)) == ""


def test_the_states_of_conditions_exist() -> None:
    known = {*SendState.values, *DeliveryState.values, True}
    leaves = [
        leaf
        for rows in OUTCOME_CONDITIONS.values()
        for leaf in rows.flatten()
        if isinstance(leaf, str | list | bool)
    ]
    used = {value for leaf in leaves for value in (leaf if isinstance(leaf, list) else [leaf])}
    assert used > {True}
    assert used <= known


def test_descriptions() -> None:
    shop = draft().sender
    condition = Condition(
        kind=ConditionKind.MESSAGES,
        outcome=RecipientOutcome.READ,
        negated=True,
        sender=shop,
        days=30,
    )
    assert (
        describe_condition(condition) == "never read a message · sender Shop · in the last 30 days"
    )
    assert describe_condition(Condition(**field(Operator.STARTS, "Ky"))) == "city starts with “Ky”"
    assert (
        describe_condition(Condition(kind=ConditionKind.COUNTRY, countries=["UA", ""]))
        == "from Ukraine, unknown"
    )


# --- saving


def saved(*conditions: Mapping[str, Any], name: str = "Kyiv") -> Segment:
    chosen = [Condition(**condition) for condition in conditions or (field(Operator.IS, "Kyiv"),)]
    return segments.save(Segment(name=name), chosen, person(username=name))


def test_save_duplicate_and_delete(town: ContactList) -> None:
    made = saved()
    assert (segments.recount(made), Segment.objects.get().people) == (1, 1)
    copies = [segments.duplicate(made, None), segments.duplicate(made, None)]
    assert [copy.name for copy in copies] == ["Kyiv (copy)", "Kyiv (copy) 2"]
    assert [list(copy.conditions.values_list("field", "value")) for copy in copies] == [
        [("city", "Kyiv")]
    ] * 2
    delete_segment(made, None)
    actions = AuditEntry.objects.filter(subject=f"segment:{copies[0].pk - 1}").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["created", "deleted"]


def test_a_segment_in_use_is_not_deleted(town: ContactList) -> None:
    made = saved({"kind": ConditionKind.LIST, "list": town})
    with pytest.raises(ContactsError, match="It is used by: Kyiv"):
        delete_list(town, None)
    campaign = draft(name="Autumn", state=CampaignState.SCHEDULED)
    campaign.exclude_segments.add(made)
    with pytest.raises(Refused, match="used by Autumn"):
        delete_segment(made, None)
    Campaign.objects.update(state=CampaignState.PREPARING)
    with pytest.raises(ContactsError, match="preparing its recipients from this segment"):
        segments.save(made, [], None)
    Campaign.objects.update(state=CampaignState.FINISHED)
    delete_segment(made, None)
    assert not Segment.objects.exists()
