"""Several worker machines claim batches, and none is claimed twice."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from django.conf import settings
from django.db import connection

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Batch, BatchState
from tests.chaos.processes import database_url
from tests.dispatch import factory

MACHINES, BATCHES = 4, 10_000


@pytest.mark.django_db(transaction=True)
def test_four_machines_claim_ten_thousand_batches_and_none_twice() -> None:
    campaign = factory.draft(factory.contact_list("One", 1))
    Campaign.objects.update(state=CampaignState.SENDING)
    Batch.objects.bulk_create(
        Batch(campaign=campaign, number=number, size=50) for number in range(BATCHES)
    )
    claimed = subprocess.run(
        [sys.executable, "-m", "tests.dispatch.claimers", str(campaign.pk), str(MACHINES)],
        env=os.environ
        | {
            "DATABASE_URL": database_url(connection),
            "DJANGO_SETTINGS_MODULE": "viberdash.settings",
        },
        stdout=subprocess.PIPE, check=True, timeout=120,
    ).stdout  # fmt: skip
    claimed_ids = [json.loads(line) for line in claimed.splitlines()]
    busy = list(filter(None, claimed_ids))
    assert len(claimed_ids) == MACHINES
    # SQLite may let the others wait until one has claimed everything
    assert len(busy) > 1 or settings.SQLITE
    assert Counter(pk for ids in claimed_ids for pk in ids) == Counter(
        Batch.objects.values_list("pk", flat=True)
    )
    assert list(Batch.objects.values_list("state", "attempts").distinct()) == [
        (BatchState.SENDING, 1)
    ]
    assert Batch.objects.values("token").distinct().count() == len(busy)
