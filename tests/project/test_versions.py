"""Workers of this version beside those of the next one: its migrations have only added, and its
tasks are not ours.
"""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch
from campaigns.dispatch.send.sender import BatchSender
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import asker
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

PEOPLE = 150


@pytest.mark.django_db
def test_this_version_works_on_the_tables_of_the_next(sandbox: RunningSandbox) -> None:
    with connection.cursor() as cursor:
        for model in apps.get_app_config("campaigns").get_models():
            cursor.execute(
                f'ALTER TABLE "{model._meta.db_table}" ADD COLUMN of_the_next integer NOT NULL'
                " DEFAULT 7"
            )
    campaign = factory.launched(PEOPLE, sms_sender="Shop", sms_text="Hello!")
    BatchSender(sandbox.client(), 4, timezone.now() + factory.SOON).run()
    sweep.sweep()
    sandbox.settle()
    Batch.objects.update(done_at=timezone.now() - timedelta(minutes=1))
    asker.ask(sandbox.client(), 4, timezone.now() + factory.SOON)
    campaign.refresh_from_db()
    bill = sandbox.bill()
    assert campaign.state == CampaignState.FINISHED
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    assert str(campaign_status.spend(campaign)["EUR"]["total"]) == bill["spend"]["EUR"]["total"]
    assert differences() == []
