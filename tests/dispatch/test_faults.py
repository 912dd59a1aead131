"""A gateway that is down, overloaded or slow, and a worker that was held up: nobody twice, and speed returns by itself."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from campaigns.dispatch.models import Batch, BatchState
from campaigns.dispatch.sending import Sender
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def test_claim_that_outlived_its_lease_is_sent_once(sandbox: RunningSandbox, settings: Any) -> None:
    """Held up by the rate until its lease has ended, a batch is claimed again by the same sender."""
    factory.launched(600)
    settings.SEND_RATE = 400
    turns = count()

    def now_and_then_the_leases_end() -> bool:
        if next(turns) % 4 == 3:
            Batch.objects.filter(state=BatchState.LEASED).update(state=BatchState.READY, token="", lease_until=None)
        return True

    Sender(sandbox.client(), 4, timezone.now() + timedelta(seconds=30), now_and_then_the_leases_end).run()
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (600, {})
