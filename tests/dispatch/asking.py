"""Ask a gateway about messages of one kind only, and without the pauses of the rate."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from campaigns.dispatch.send.follow_unresolved import UnresolvedRecipients
from campaigns.dispatch.send.resolve_unknown import UnknownOutcomes
from campaigns.gateway.bsg.client import Client
from campaigns.results.polling import asker

MINUTE = timedelta(minutes=1)


def resolve(
    client: Client,
    connections: int = 4,
    time: timedelta = MINUTE,
    keep_going: Callable[[], bool] = lambda: True,
) -> bool:
    """Ask about unknown outcomes; return whether some are left after `time`."""
    return _ask(UnknownOutcomes, client, connections, time, keep_going)


def follow_unresolved(client: Client) -> bool:
    """Ask about unresolved recipients; return whether some are left after a minute."""
    return _ask(UnresolvedRecipients, client, 4, MINUTE, lambda: True)


def _ask(
    kind: Any, client: Client, connections: int, time: timedelta, keep_going: Callable[[], bool]
) -> bool:
    with (
        patch.dict(asker.SHARES, {kind: 1.0}, clear=True),
        patch.object(asker, "_seconds_to_wait", return_value=0.0),
    ):
        return asker.ask(client, connections, timezone.now() + time, keep_going)
