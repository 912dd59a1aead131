"""Audiences: who is selected, excluded and sent to."""

import pytest
from django.utils import timezone

from campaigns.compose.audience import segments
from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.models import (
    CampaignState,
    Condition,
    ConditionKind,
    EarlierCampaign,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.dispatch.models import Recipient
from tests.compose.factories import contact_list, draft, stop, ukrainians

pytestmark = pytest.mark.django_db


def test_one_list_is_everybody_on_it() -> None:
    campaign = draft(contact_list("A", ukrainians(3)))
    assert Audience.of(campaign).funnel() == Funnel(
        selected=3, duplicates=0, stop_listed=0, excluded=0, recipients=3
    )


def test_without_a_selection_there_are_no_recipients() -> None:
    assert Audience.of(draft()).funnel() == Funnel(0, 0, 0, 0, 0)


def test_the_funnel_adds_up() -> None:
    first = contact_list("A", ukrainians(10))  # 0..9
    second = contact_list("B", ukrainians(10, start=5))  # 5..14
    out = contact_list("C", ukrainians(4, start=8))  # 8..11
    stop("380970000000", "380970000009", "380970000099")
    funnel = Audience.of(draft(first, second, exclude=[out])).funnel()
    # stopped: 0, 9 twice; excluded: 8 twice, 10, 11; recipients: 1-7, 12-14, 5-7 on both lists
    assert funnel == Funnel(selected=20, duplicates=3, stop_listed=3, excluded=4, recipients=10)
    assert funnel.selected == (
        funnel.duplicates + funnel.stop_listed + funnel.excluded + funnel.recipients
    )


def test_a_phone_on_two_lists_is_one_recipient() -> None:
    campaign = draft(contact_list("A", ukrainians(2)), contact_list("B", ukrainians(2)))
    assert Audience.of(campaign).allowed_contacts().count() == 4
    assert Audience.of(campaign).recipients().count() == 2


def test_list_created_first_gives_the_merge_tags() -> None:
    phone = "380970000001"
    first = contact_list("A", [(phone, "UA", {"first_name": "Olena"})])
    second = contact_list("B", [(phone, "UA", {"first_name": "Lena"})])
    people = Audience((second.pk, first.pk)).recipients()
    assert [contact.fields for contact in people] == [{"first_name": "Olena"}]


def test_by_country_is_sorted_by_recipients() -> None:
    people = [*ukrainians(2), ("40712345678", "RO", {}), ("88312345678", "", {})]
    campaign = draft(contact_list("A", people), contact_list("B", people))
    assert list(Audience.of(campaign).by_country().items()) == [("UA", 2), ("", 1), ("RO", 1)]


def test_segments_and_earlier_campaigns_select_and_exclude() -> None:
    first = contact_list("A", ukrainians(6))  # 0..5
    contact_list("B", [*ukrainians(6, start=3), ("40712345678", "RO", {})])  # 3..8
    stop("380970000001")
    earlier = draft(name="Winter", state=CampaignState.FINISHED, frozen_at=timezone.now())
    Recipient.objects.bulk_create(
        Recipient(
            campaign=earlier, msisdn=msisdn, batch_number=1, reference=msisdn, send_state=state
        )
        for msisdn, state in (
            ("380970000007", "refused"),
            ("380970000008", "accepted"),
            ("380970000099", "refused"),
        )
    )
    romania = segment("Romania", Condition(kind=ConditionKind.COUNTRY, countries=["RO"]))
    fourth = segment(
        "4",
        Condition(kind=ConditionKind.FIELD, field="first_name", operator=Operator.IS, value="N4"),
    )
    campaign = draft(first)
    campaign.segments.set([romania, fourth])
    campaign.exclude_segments.set([fourth])
    EarlierCampaign.objects.create(
        campaign=campaign, source=earlier, outcome=RecipientOutcome.REFUSED
    )
    audience = Audience.of(campaign)
    # selected: 0..5 by A, 4 on B, Romania and 7; 99 is on no list. Stopped: 1; excluded: 4 twice
    assert audience.funnel() == Funnel(
        selected=9, duplicates=0, stop_listed=1, excluded=2, recipients=6
    )
    assert sorted(contact.msisdn[-2:] for contact in audience.recipients()) == [
        "00",
        "02",
        "03",
        "05",
        "07",
        "78",
    ]
    campaign.exclude_segments.clear()
    EarlierCampaign.objects.create(
        campaign=campaign, source=earlier, outcome=RecipientOutcome.ALL, left_out=True
    )
    assert Audience.of(campaign).funnel() == Funnel(
        selected=9, duplicates=1, stop_listed=1, excluded=1, recipients=6
    )
    assert {
        person.list for person in Audience.of(campaign).recipients().filter(msisdn="380970000004")
    } == {first}


def segment(name: str, *conditions: Condition) -> Segment:
    return segments.save(Segment(name=name), conditions, None)
