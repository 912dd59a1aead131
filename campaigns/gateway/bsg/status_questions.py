"""Ask for the statuses of many messages at once, and again for those that got no answer."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.utils import timezone

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import TOO_MANY_AT_ONCE, GatewayError, GatewayRefused
from campaigns.gateway.types import Address, MessageStatus

T = TypeVar("T")
TRIES = 3  # of a question in a row, while the gateway answers others
FIRST_WAIT = 1.0  # seconds after HTTP 429 or error 11, doubling; or as long as the gateway asks
LONGEST_WAIT = 5.0  # seconds; whoever is asked to wait longer asks in another task
KEEP_INTERVAL = 1.0  # seconds between two calls of `keep_going`


@dataclass(frozen=True, slots=True)
class StatusReply:
    """What came of a question about one message.

    - An answer: `status`, or None if the gateway does not know the message.
    - No answer: `error` says why, or the question was not asked. It proves nothing.
    """

    status: MessageStatus | None = None
    error: GatewayError | None = None
    was_asked: bool = True

    @property
    def has_failed(self) -> bool:
        """Whether there is no answer."""
        return self.error is not None or not self.was_asked

    @property
    def is_throttled(self) -> bool:
        """Whether the gateway asks for fewer questions."""
        return isinstance(self.error, GatewayRefused) and self.error.code == TOO_MANY_AT_ONCE

    @property
    def retry_after(self) -> float | None:
        """The seconds that the gateway asks to wait, if it names them."""
        return self.error.retry_after if isinstance(self.error, GatewayRefused) else None


def requested_wait(replies: Iterable[StatusReply]) -> float | None:
    """The longest wait in seconds for which the gateway asks in `replies`; None: it names none."""
    requested = [reply.retry_after for reply in replies if reply.retry_after is not None]
    return max(requested, default=None)


@dataclass(frozen=True, slots=True)
class StartedQuestions:
    """Questions under way: about which messages, and their replies to come."""

    client: Client
    messages: Sequence[Address]
    replies: Sequence["Future[StatusReply]"]


class StatusQuestions:
    """Asks from the threads of `pool` until the moment `until` or while `keep_going()`.

    `keep_going` is called in the thread that asks, again and again, so that it may renew a lease.
    """

    def __init__(
        self, pool: ThreadPoolExecutor, until: datetime, keep_going: Callable[[], bool]
    ) -> None:
        self._pool = pool
        self._until = until
        self._keep_going = keep_going
        self._is_over = False

    def start(self, client: Client, messages: Sequence[Address]) -> StartedQuestions:
        """Begin to ask about `messages`; `finish` has the replies."""
        return StartedQuestions(
            client, messages, [self._pool.submit(self._reply, client, each) for each in messages]
        )

    def finish(self, started: StartedQuestions) -> list[StatusReply]:
        """The replies about the messages of `started`, in their order.

        Questions without an answer are repeated while others are answered: a gateway that fails
        now and then delays nobody, and one that is down is not asked again and again.
        """
        client, messages = started.client, started.messages
        replies = self._await(started.replies)
        for attempt in range(1, TRIES):
            failed = [position for position, reply in enumerate(replies) if reply.has_failed]
            if not failed or len(failed) == len(replies) or not self._wait(replies, attempt):
                break
            again = self.start(client, [messages[position] for position in failed])
            for position, reply in zip(failed, self._await(again.replies), strict=True):
                replies[position] = reply
        return replies

    def ask(self, client: Client, messages: Sequence[Address]) -> list[StatusReply]:
        """The replies about `messages`, as `finish` gives them."""
        return self.finish(self.start(client, messages))

    def run(self, call: Callable[[], T]) -> T:
        """The result of another call of the gateway, from a thread of the pool."""
        return self._await([self._pool.submit(call)])[0]

    def _await(self, futures: Sequence["Future[T]"]) -> list[T]:
        pending = set(futures)
        while pending:
            _done, pending = wait(pending, KEEP_INTERVAL)
            self._is_over = self._is_over or not self._keep_going()
        return [future.result() for future in futures]

    def _reply(self, client: Client, message: Address) -> StatusReply:
        """Runs in a thread of the pool."""
        if self._is_over or timezone.now() >= self._until:
            return StatusReply(was_asked=False)
        try:
            return StatusReply(client.status_by_reference(message.reference, message.msisdn))
        except GatewayError as error:
            return StatusReply(error=error)

    def _wait(self, replies: Sequence[StatusReply], attempt: int) -> bool:
        """Wait as throttled `replies` call for; False if that takes too long."""
        seconds = 0.0
        if any(reply.is_throttled for reply in replies):
            requested = requested_wait(replies)
            seconds = FIRST_WAIT * 2 ** (attempt - 1) if requested is None else requested
        remaining = (self._until - timezone.now()).total_seconds()
        if seconds > min(LONGEST_WAIT, remaining):
            return False
        time.sleep(seconds)
        return self._keep_going()
