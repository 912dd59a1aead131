"""Counts from the tallies."""

import pytest

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.reports.shared.delivery_counts import (
    ReasonCount,
    load_country_counts,
    load_delivery_counts,
)
from campaigns.results.campaign_status import counts
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
PEOPLE = {
    ("UA", "queued"): 6, ("UA", "accepted"): 1, ("UA", "sent"): 2, ("UA", "delivered"): 3,
    ("PL", "read"): 7, ("UA", "sms"): 2, ("PL", "sms_delivered"): 4, ("DE", "not_delivered"): 5,
    ("UA", "refused"): 2, ("", "unresolved"): 1, ("UA", "cancelled"): 3, ("UA", "stopped"): 1,
}  # fmt: skip


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign(state=CampaignState.SENDING)
    send(made, PEOPLE)
    return made


def test_outcomes_add_up_to_the_audience(campaign: Campaign) -> None:
    result = load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk]
    assert result.audience == 37
    assert (
        result.queued,
        result.accepted,
        result.refused,
        result.unresolved,
        result.cancelled,
    ) == (
        6,
        24,
        2,
        1,
        4,
    )
    assert result.done == 31
    assert (
        result.awaiting_status,
        result.delivered,
        result.read,
        result.by_sms,
        result.not_delivered,
    ) == (
        3,
        10,
        7,
        6,
        5,
    )
    assert (result.sms_delivered, result.reached, result.delivered_unread) == (4, 14, 3)


def test_outcomes_are_those_that_the_command_tells(campaign: Campaign) -> None:
    result, told = (
        load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk],
        counts(campaign),
    )
    assert (result.audience, result.queued, result.accepted) == (
        told.recipients,
        told.queued,
        told.accepted,
    )
    assert (result.refused, result.unresolved, result.cancelled) == (
        told.refused_total,
        told.unresolved,
        told.cancelled,
    )
    assert result.read == told.delivery["read"]


def test_outcomes_are_those_of_the_rows(campaign: Campaign) -> None:
    result = load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk]
    rows = Recipient.objects.filter(campaign=campaign)
    assert result.read == rows.filter(delivery_state="read").count()
    assert result.not_delivered == rows.filter(delivery_state="not_delivered").count()


def test_outcomes_of_other_campaigns_stay_apart(campaign: Campaign) -> None:
    other = make_campaign("Other", CampaignState.FINISHED)
    send(other, {("UA", "read"): 2})
    result = load_delivery_counts({campaign.pk: 37, other.pk: 2})
    assert (result[campaign.pk].read, result[other.pk].read) == (7, 2)


def test_outcomes_of_a_draft_are_zero() -> None:
    draft = make_campaign()
    result = load_delivery_counts({draft.pk: None})[draft.pk]
    assert (result.audience, result.queued, result.done, result.unsent_text) == (0, 0, 0, "")


def test_reasons_have_a_label_and_advice(campaign: Campaign) -> None:
    result = load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk]
    assert result.refusal_reasons == [
        ReasonCount(
            2,
            "BSG does not accept this phone number. Error 41.",
            "Correct the number in the contact list.",
            "41.",
        )
    ]
    assert [(count.number, count.reason) for count in result.cancellation_reasons] == [
        (3, "The campaign was cancelled before their turn."),
        (1, "Added to the stop list after the launch."),
    ]
    assert result.undelivered_reasons == [
        ReasonCount(
            5, "Could not be delivered",
            "The phone may no longer be in use. Check where the list came from.",
            "undeliverable",
        )
    ]  # fmt: skip


def test_by_country_is_sorted_by_people_and_adds_up(campaign: Campaign) -> None:
    result = load_country_counts(campaign.pk)
    assert list(result) == ["UA", "PL", "DE", ""]
    assert [outcome.done for outcome in result.values()] == [14, 11, 5, 1]
    assert result["PL"].read == 7
