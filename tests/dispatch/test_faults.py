"""A gateway that is down or overloaded, and a worker that was held up: nobody twice, and speed
returns by itself.
"""

import socket
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch, BatchState, Pace
from campaigns.dispatch.send import rate_control, resolve_unknown
from campaigns.dispatch.send.sender import Sender
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.sandbox import Sandbox
from campaigns.results.money.rebuilding import differences
from tests.dispatch import factory
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def send(client: Client, seconds: timedelta, keep: Callable[[], bool] = lambda: True) -> None:
    Sender(client, 4, timezone.now() + seconds, keep).run()


def for_two_turns() -> Callable[[], bool]:
    """Long enough to claim, and then to have leave what may leave."""
    turns = count()
    return lambda: next(turns) < 2


def step() -> int:
    return Pace.objects.get(scope=rate_control.ACCOUNT).step


def send_the_rest(client: Client) -> None:
    """Go on until everybody is settled, as the sweep and the tasks would."""
    while Batch.objects.exclude(state=BatchState.DONE).exists():
        factory.an_hour_later()
        send(client, MINUTE)
        resolve_unknown.reconcile(client, 4, timezone.now() + MINUTE)
    assert not rate_control.braked()


@pytest.mark.parametrize(
    "storm",
    [{"http429": 100}, {"http429": 100, "retry_after": 7}, {"error11": 100}, {"http500": 100}],
    ids=str,
)
def test_storm_slows_down_and_speed_returns(
    sandbox: RunningSandbox, storm: dict[str, float]
) -> None:
    campaign = factory.launched(500)
    client = sandbox.client()
    sandbox.faults(**storm)
    for probes in range(1, 4):
        send(client, MINUTE, for_two_turns())
        assert step() == probes
        factory.an_hour_later()
    assert sandbox.bill()["messages"] == 0
    assert Batch.objects.filter(state=BatchState.DONE).count() == 0
    sandbox.faults()
    send_the_rest(client)
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (500, {})
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


def test_parallel_limit_is_kept_to_without_a_loss(sandbox: RunningSandbox) -> None:
    """The account takes two requests at a time, and four connections are open."""
    factory.launched(500)
    sandbox.faults(parallel=2, slow=100, slow_ms=20)
    send_the_rest(sandbox.client())
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (500, {})


def test_gateway_that_is_down_is_asked_ever_less_and_comes_back() -> None:
    campaign = factory.launched(500)
    with socket.socket() as nobody:  # has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}/rest", KEY)
        for probes in range(1, 4):
            send(client, MINUTE, for_two_turns())
            assert step() == probes
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
    """Held up by the rate until its lease has ended, a batch is claimed again by the same
    sender.
    """
    factory.launched(600)
    settings.SEND_RATE = 400
    turns = count()

    def now_and_then_the_leases_end() -> bool:
        if next(turns) % 4 == 3:
            Batch.objects.filter(state=BatchState.LEASED).update(
                state=BatchState.READY, token="", lease_until=None
            )
        return True

    send(sandbox.client(), MINUTE, now_and_then_the_leases_end)
    assert (sandbox.bill()["messages"], sandbox.bill()["refused"]) == (600, {})
