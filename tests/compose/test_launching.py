from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.team.models import AuditEntry
from tests.compose.factories import contact_list, draft, ukrainians


@pytest.mark.django_db(transaction=True)
def test_fifty_launches_at_once_launch_once() -> None:
    campaign = draft(contact_list("A", ukrainians(3)))

    def launch(_number: int) -> str:
        try:
            lifecycle.launch(campaign.pk, None, 3)
        except lifecycle.Refused:
            return "refused"
        finally:
            connection.close()
        return "launched"

    with ThreadPoolExecutor(16) as clicks:
        outcomes = Counter(clicks.map(launch, range(50)))
    assert outcomes == {"launched": 1, "refused": 49}
    assert Campaign.objects.get().state == CampaignState.PREPARING
    assert AuditEntry.objects.filter(action="launched").count() == 1
