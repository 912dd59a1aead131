"""The actual cost of similar campaigns."""

from decimal import Decimal

import pytest
from django.test import Client

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import CampaignState
from campaigns.compose.pricing.similar_campaigns import find_similar_campaigns
from tests.compose.factories import contact_list, draft, person, ukrainians
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
FINISHED = CampaignState.FINISHED


def test_the_cost_of_similar_campaigns_is_projected_to_the_recipients(client: Client) -> None:
    chosen, other = contact_list("A", ukrainians(30)), contact_list("B", ukrainians(1))
    similar = make_campaign("Autumn", FINISHED)
    for earlier, lists in [
        (similar, [chosen, other]),
        (make_campaign("To others", FINISHED), [other]),
        (make_campaign("With an SMS", FINISHED, sms_text="Hi"), [chosen]),
        (make_campaign("Another tariff", FINISHED, tariff=1), [chosen]),
        (make_campaign("A test", FINISHED, purpose="test"), [chosen]),
        (make_campaign("Under way", CampaignState.SENDING), [chosen]),
    ]:
        earlier.lists.set(lists)
        send(earlier, {("UA", "read"): 8, ("UA", "not_delivered"): 2}, price=Decimal("0.02"))
    campaign = draft(chosen)
    [result] = find_similar_campaigns(campaign, Audience.of(campaign), 30)
    assert (result.campaign, result.costs, result.projected) == (
        similar,
        {"EUR": Decimal("0.16")},
        {"EUR": Decimal("0.48")},
    )
    client.force_login(person())
    shown = client.get(f"/campaigns/{campaign.pk}/review").content.decode()
    assert "Actual cost of similar campaigns" in shown
    assert "0.48" in shown
