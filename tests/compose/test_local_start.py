"""A campaign at local time starts when its first recipients reach it, as of the launch or later."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from campaigns.compose.audience import segments
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    Operator,
    Segment,
    Timing,
)
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import ContactList
from tests.compose.factories import contact_list, draft, ukrainians

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# ten o'clock on 3 March
IN_UKRAINE, IN_JAPAN = datetime(2026, 3, 3, 8, tzinfo=UTC), datetime(2026, 3, 3, 1, tzinfo=UTC)
JAPANESE = "819012345678"


def saved_draft() -> tuple[Campaign, ContactList]:
    """A draft for 10:00 to Ukraine, saved before its list reached Japan."""
    chosen = contact_list("A", ukrainians(3), ["first_name"])
    contact_lists.recount(chosen)
    campaign = draft(
        chosen,
        timing=Timing.LOCAL,
        local_at="2026-03-03T10:00",
        time_zone="Europe/Kyiv",
        scheduled_at=IN_UKRAINE,
    )
    return campaign, chosen


def start_of(campaign: Campaign) -> datetime | None:
    campaign.refresh_from_db()
    return campaign.scheduled_at


def test_launch_starts_where_the_audience_reaches_by_then() -> None:
    with time_machine.travel(NOON, tick=False):
        campaign, chosen = saved_draft()
        contact_lists.add_contact(chosen, f"+{JAPANESE}", {}, "UA")
        lifecycle.launch(campaign.pk, None)
    assert start_of(campaign) == IN_JAPAN


def test_launch_is_refused_where_the_time_has_passed_for_somebody() -> None:
    with time_machine.travel(IN_JAPAN + timedelta(hours=1), tick=False):
        campaign, chosen = saved_draft()
        contact_lists.add_contact(chosen, f"+{JAPANESE}", {}, "UA")
        with pytest.raises(lifecycle.Refused, match="already passed where some recipients are"):
            lifecycle.launch(campaign.pk, None)
    assert start_of(campaign) == IN_UKRAINE


def test_segment_starts_where_its_own_recipients_are() -> None:
    with time_machine.travel(NOON, tick=False):
        campaign, chosen = saved_draft()
        contact_lists.add_contact(chosen, f"+{JAPANESE}", {"first_name": "Yui"}, "UA")
        named = Condition(
            kind=ConditionKind.FIELD, field="first_name", operator=Operator.IS, value="N1"
        )
        campaign.lists.clear()
        campaign.segments.set([segments.save(Segment(name="One"), [named], None)])
        lifecycle.launch(campaign.pk, None)
    assert start_of(campaign) == IN_UKRAINE


@pytest.mark.parametrize(
    ("added", "state"),
    [
        (IN_JAPAN - timedelta(hours=1), CampaignState.PREPARING),
        # it would go out in the evening there: somebody has to decide
        (IN_JAPAN + timedelta(hours=2), CampaignState.PAUSED),
    ],
)
def test_scheduled_campaign_follows_a_list_that_reaches_further_east(
    added: datetime, state: CampaignState
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        campaign, chosen = saved_draft()
        lifecycle.launch(campaign.pk, None)
        assert start_of(campaign) == IN_UKRAINE
        clock.move_to(added, tick=False)
        contact_lists.add_contact(chosen, f"+{JAPANESE}", {}, "UA")
        clock.move_to(max(added, IN_JAPAN), tick=False)
        lifecycle.start_due(max(added, IN_JAPAN))
    assert start_of(campaign) == IN_JAPAN
    assert (campaign.state, campaign.reason) == (
        state,
        "missed" if state == CampaignState.PAUSED else "",
    )
