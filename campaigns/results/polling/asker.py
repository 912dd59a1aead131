"""Ask the gateway about messages: one loop for all kinds of questions, at one rate.

Each kind is a `Source`: it chooses whom to ask about, and records the answers. In each round every
kind gets its share of the questions, and what it leaves goes to the others in the order of
`SHARES`: so no kind waits for all of another, and no connection is idle while anything is due.
While the gateway answers one round, the answers of the last are recorded.

Rehearsals never leave the process. They are answered beside the rounds, and wait for no gateway.
"""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.utils import timezone

from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.follow_unresolved import UnresolvedRecipients
from campaigns.dispatch.send.resolve_unknown import UnknownOutcomes
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.status_questions import (
    StartedQuestions,
    StatusQuestions,
    StatusReply,
    requested_wait,
)
from campaigns.gateway.types import Address
from campaigns.results.polling import status_files
from campaigns.results.polling.due_batches import DueAgain, NeverChecked
from campaigns.results.polling.hints import HintedRecipients
from campaigns.team import accounts

# Recipients to ask about in a round: enough to keep the connections busy while answers are written.
PEOPLE_PER_ROUND, PEOPLE_PER_CONNECTION = 500, 10
LONGEST_SLEEP = 1.0  # seconds, at most, before the rate is looked at again
RATE_SCOPE = "statuses"  # names the rate that all workers share, of the first account


class AnyCheck(Protocol):
    """What is asked at once: messages of one batch."""

    @property
    def batch_id(self) -> int:
        """The batch."""
        ...

    @property
    def messages(self) -> Sequence[Address]:
        """Its messages to ask about."""
        ...


Check = TypeVar("Check", bound=AnyCheck)


class Source(Protocol[Check]):
    """A kind of questions: whom to ask about, and what the replies mean."""

    def is_due(self, now: datetime) -> bool:
        """Whether there is anything to ask."""
        ...

    def take(self, people: int, under_way: Collection[int]) -> Sequence[Check]:
        """Claim questions about some `people`, none about the batches `under_way`."""
        ...

    def record(self, answered: Sequence[tuple[Check, Sequence[StatusReply]]]) -> None:
        """Write down the replies, one for each message of a check, in order."""
        ...

    def answer_rehearsals(self) -> bool:
        """Answer and record some questions about rehearsals; return whether there were any."""
        ...


Taken = list[tuple[Source[Any], Sequence[AnyCheck]]]
# Of the questions of a round, for each kind; the remainder is for whoever has more, in this order.
SHARES: dict[Callable[[], Source[Any]], float] = {
    UnknownOutcomes: 0.4,
    HintedRecipients: 0.2,
    DueAgain: 0.15,
    NeverChecked: 0.15,
    UnresolvedRecipients: 0.1,
}
FILES_SHARE = 0.05  # of samples of statistics files; they come first


@dataclass(frozen=True, slots=True)
class Round:
    """Checks whose questions are under way, by their source."""

    taken: Taken
    questions: StartedQuestions

    @property
    def batches(self) -> set[int]:
        """The batches that are asked about."""
        return {check.batch_id for _source, checks in self.taken for check in checks}


def is_due(now: datetime) -> bool:
    """Whether there is anything to ask now."""
    return status_files.is_due(now) or any(kind().is_due(now) for kind in SHARES)


def ask(
    client: Client, connections: int, until: datetime, may_go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Ask about what is due, within STATUS_RATE. Return whether some is left at `until`.

    `may_go_on` is called again and again; no more is asked once it returns False.
    """
    with ThreadPoolExecutor(connections, "ask") as pool:
        asker = Asker(client, StatusQuestions(pool, until, may_go_on), connections)
        while True:
            going_on = timezone.now() < until and may_go_on()
            wait = _seconds_to_wait()
            has_asked = asker.step(start_more=going_on and not wait)
            has_rehearsed = going_on and asker.answer_rehearsals()
            if has_asked or has_rehearsed:
                continue
            if not going_on:
                return True
            if not wait:
                return False
            time.sleep(min(wait, LONGEST_SLEEP))


def ask_about(
    client: Client, messages: Sequence[Address], connections: int, until: datetime
) -> list[StatusReply]:
    """Replies about `messages`, within STATUS_RATE: they take precedence over all other kinds.

    After `until` no more is asked.
    """
    while (wait := _seconds_to_wait()) and timezone.now() < until:
        time.sleep(min(wait, LONGEST_SLEEP))
    with ThreadPoolExecutor(connections, "ask") as pool:
        questions = StatusQuestions(pool, until, lambda: True)
        _take_tokens(len(messages))
        replies = questions.ask(client, messages)
    _adapt_rate(replies)
    return replies


class Asker:
    """Asks in rounds: while the gateway answers one, the answers of the last are recorded."""

    def __init__(self, client: Client, questions: StatusQuestions, connections: int) -> None:
        self.client = client
        self.questions = questions
        self.people = max(PEOPLE_PER_CONNECTION * connections, PEOPLE_PER_ROUND)
        files = status_files.StatusFiles(client, questions.run)
        self.sources: dict[Source[Any], float] = {files: FILES_SHARE}
        self.sources |= {kind(): share for kind, share in SHARES.items()}
        self.round: Round | None = None  # under way

    def step(self, *, start_more: bool) -> bool:
        """Start the next round, and record the answers of the last. Return whether any was."""
        last = self.round
        under_way = last.batches if last else set()
        self.round = self._start_round(under_way) if start_more else None
        if last:
            self._finish_round(last)
        return bool(last or self.round)

    def answer_rehearsals(self) -> bool:
        """Answer some questions about rehearsals; return whether there were any."""
        return any(source.answer_rehearsals() for source in self.sources)

    def _start_round(self, under_way: set[int]) -> Round | None:
        taken = self._take(under_way)
        failpoint("asking")
        messages = [
            message for _source, checks in taken for check in checks for message in check.messages
        ]
        _take_tokens(len(messages))
        return Round(taken, self.questions.start(self.client, messages)) if taken else None

    def _take(self, under_way: set[int]) -> Taken:
        """Claim the questions of a round: each source its share, then what others leave."""
        remaining = min(self.people, settings.STATUS_RATE or self.people)
        taken: Taken = []
        shares = {source: max(int(remaining * share), 1) for source, share in self.sources.items()}
        for source, share in shares.items():
            remaining -= _take_from(source, share, under_way, taken)
        for source in [source for source, _checks in taken]:  # who may have more
            if remaining > 0:
                remaining -= _take_from(source, remaining, under_way, taken)
        return taken

    def _finish_round(self, last: Round) -> None:
        """Wait for the answers of a round and record them."""
        replies = self.questions.finish(last.questions)
        _adapt_rate(replies)
        failpoint("asked")
        remaining = iter(replies)
        for source, checks in last.taken:
            answered = [(check, [next(remaining) for _ in check.messages]) for check in checks]
            source.record(answered)
        failpoint("checked")


def _take_from(source: Source[Any], people: int, under_way: set[int], taken: Taken) -> int:
    """Claim questions about some `people`, and add them to `taken`; return how many there are.

    Their batches are `under_way` from now on.
    """
    checks: Sequence[AnyCheck] = source.take(people, under_way)
    if checks:
        taken.append((source, checks))
        under_way |= {check.batch_id for check in checks}
    return sum(len(check.messages) for check in checks)


def _rate_scope() -> str:
    """The name of the rate of the account in use."""
    return accounts.cached().own_name(RATE_SCOPE)


def _seconds_to_wait() -> float:
    return rate_control.seconds_to_wait(_rate_scope(), settings.STATUS_RATE, timezone.now())


def _take_tokens(questions: int) -> None:
    rate_control.take_tokens(_rate_scope(), questions, settings.STATUS_RATE, timezone.now())


def _adapt_rate(replies: Sequence[StatusReply]) -> None:
    """Ask less often while the gateway asks for that or answers nothing; else at full rate."""
    asked = [reply for reply in replies if reply.was_asked]
    throttled = [reply for reply in asked if reply.is_throttled]
    if throttled:
        rate_control.back_off(_rate_scope(), timezone.now(), requested_wait(throttled))
    elif asked and all(reply.has_failed for reply in asked):
        rate_control.back_off(_rate_scope(), timezone.now())
    elif asked:
        rate_control.recover(_rate_scope())
