"""Seats: who may be at work, and how the senders of a machine share its connections."""

import pytest
from pytest_django import Settings

from campaigns.dispatch import tasks
from campaigns.dispatch.models import Recipient, SendState
from campaigns.dispatch.seats import Seat, send_jobs, taken
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox


@pytest.mark.parametrize(
    ("processes", "connections", "workers", "shares"),
    [
        (2, 8, 4, [4, 4]),
        (2, 9, 4, [5, 4]),
        (3, 8, 8, [3, 3, 2]),
        (2, 1, 4, [1]),  # never more connections than were asked for
        (2, 8, 3, [8]),  # two workers are left for everything else
        (2, 8, 1, [8]),
    ],
)
def test_senders_share_the_connections(
    settings: Settings, processes: int, connections: int, workers: int, shares: list[int]
) -> None:
    settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS = processes, connections, workers
    assert list(send_jobs().values()) == shares


@pytest.mark.django_db
def test_a_second_sender_takes_the_other_seat_and_a_third_none(settings: Settings, sandbox: RunningSandbox) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    factory.launched(120)
    accepted = Recipient.objects.filter(send_state=SendState.ACCEPTED)
    first, second = send_jobs()
    with Seat(first), Seat(second):
        tasks.send()
        assert (taken(first), taken(second), accepted.count()) == (True, True, 0)
    with Seat(first):
        tasks.send()
        assert (taken(first), taken(second), accepted.count()) == (True, False, 120)
