"""An overloaded or unreachable gateway, or a slow worker: nobody gets a message twice."""

import socket
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.dispatch import sweep
from campaigns.dispatch.models import AccountRate, Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send import account_rate
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.sandbox import Sandbox
from campaigns.results.money.rebuilding import differences
from tests.dispatch import asking, factory
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def send(client: Client, seconds: timedelta, keep_going: Callable[[], bool] = lambda: True) -> None:
    BatchSender(client, 4, timezone.now() + seconds, keep_going).run()


def two_rounds() -> Callable[[], bool]:
    """Enough to claim, and then to send what may be sent."""
    rounds = count()
    return lambda: next(rounds) < 2


def failures() -> int:
    return AccountRate.objects.get().failures


def send_the_rest(client: Client) -> None:
    """Continue until every batch is done, as the sweep and the tasks would."""
    while Batch.objects.exclude(state=BatchState.DONE).exists():
        factory.an_hour_later()
        send(client, MINUTE)
        asking.resolve(client, 4)
    assert not account_rate.is_down()


@pytest.mark.parametrize(
    "faults", [{"http429": 100}, {"http429": 100, "retry_after": 7}, {"error11": 100}], ids=str
)
def test_throttled_messages_are_sent_later(
    sandbox: RunningSandbox, faults: dict[str, float]
) -> None:
    campaign = factory.launched(500)
    client = sandbox.client()
    sandbox.faults(**faults)
    for _ in range(3):
        send(client, MINUTE, two_rounds())
        factory.an_hour_later()
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.READY}
    assert AccountRate.objects.get().window_at
    sandbox.faults()
    send_the_rest(client)
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (500, {})
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


def test_gateway_that_is_down_is_asked_for_its_balance_and_gets_no_batch(
    sandbox: RunningSandbox,
) -> None:
    campaign = factory.launched(900)
    client = sandbox.client()
    sandbox.faults(http500=100, everywhere=1)
    send(client, MINUTE, two_rounds())
    sends = len(sandbox.requests(path="/viber/create"))
    for failed in range(1, 4):
        assert failures() == failed
        factory.an_hour_later()
        send(client, MINUTE, two_rounds())
        assert len(sandbox.requests(path="/common/balance")) == failed
    assert len(sandbox.requests(path="/viber/create")) == sends
    sandbox.faults()
    send_the_rest(client)
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (900, {})
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


def test_parallel_limit_of_the_account_loses_nobody(sandbox: RunningSandbox) -> None:
    """The account takes two requests at a time, and four connections are open."""
    factory.launched(500)
    sandbox.faults(parallel=2, slow=100, slow_ms=20)
    send_the_rest(sandbox.client())
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (500, {})


@pytest.mark.parametrize("form", ["none", "msisdn"])
def test_lost_answers_are_found_without_an_id(sandbox: RunningSandbox, form: str) -> None:
    campaign = factory.launched(100)
    sandbox.faults(lost=100)
    send(sandbox.client(), MINUTE)
    sandbox.faults(status_id=form)
    send_the_rest(sandbox.client())
    accepted = Recipient.objects.filter(campaign=campaign, send_state=SendState.ACCEPTED)
    assert set(accepted.values_list("gateway_id", flat=True)) == {""}
    assert accepted.filter(charged__isnull=False).count() == 100
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (100, {})
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


def test_request_that_the_gateway_accepts_late_is_sent_once(sandbox: RunningSandbox) -> None:
    """The gateway still works on a request whose references it did not know when asked."""
    factory.launched(100)
    sandbox.faults(lost_late=100, lost_late_s=3600)
    send(sandbox.client(), MINUTE)
    assert sandbox.bill()["messages"] == 0
    sandbox.faults()
    send_the_rest(sandbox.client())
    sandbox.advance(3600)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"], bill["refused"]) == (100, 0, {"43": 100})


def test_unreachable_gateway_is_tried_less_and_less_often() -> None:
    campaign = factory.launched(500)
    with socket.socket() as silent:  # has the port, and does not listen
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}/rest", KEY)
        for failed in range(1, 4):
            send(client, MINUTE, two_rounds())
            assert failures() == failed
            factory.an_hour_later()
    assert set(Batch.objects.values_list("state", "attempts")) == {(BatchState.READY, 0)}
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    server = Sandbox(port=port)
    server.start()
    try:
        send_the_rest(client)
        assert len(server.account.messages) == 500
        assert not server.account.refused
    finally:
        client.close()
        server.stop()


def test_claim_that_outlived_its_lease_is_sent_once(sandbox: RunningSandbox, settings: Any) -> None:
    """A batch that the rate delays until its lease ends is claimed again by the same sender."""
    factory.launched(600)
    settings.SEND_RATE = 400
    rounds = count()

    def end_leases_now_and_then() -> bool:
        if next(rounds) % 4 == 3:
            Batch.objects.filter(state=BatchState.LEASED).update(
                state=BatchState.READY, token="", lease_until=None
            )
        return True

    send(sandbox.client(), MINUTE, end_leases_now_and_then)
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (600, {})
