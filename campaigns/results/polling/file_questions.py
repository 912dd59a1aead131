"""Which batches to ask for by statistics files, and by which questions.

A file costs about three calls and a sample, whatever it names. So batches that were sent one after
the other are put into one file, by the window of time in which they were sent; few messages, or all
where windows do not work, are named by their ids.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from django.db.models import Q
from django.utils import timezone

from campaigns.dispatch.models import Batch, BatchState
from campaigns.gateway.bsg.statistics_files import FILES_MAX, IDS_MAX, for_ids, for_window
from campaigns.results.models import StatusFileBatch
from campaigns.results.polling.batch_checks import count_open, still_open
from campaigns.results.polling.due_batches import DueAgain, NeverChecked
from campaigns.results.polling.file_use import followed_campaigns
from campaigns.results.polling.poll_schedule import FIRST_CHECK

DUE_MIN = 300  # open messages that are due; fewer are asked for by single calls
ENOUGH = 10_000  # open messages that are due: a file is asked for at once
GATHER = timedelta(minutes=1)  # else when the first of them has been due for so long
FILE_MIN = 100  # open messages; a file for fewer saves too little
# Bytes of a file, about; twice that where the window of a single batch has so many messages. The
# client takes answers of up to 48 MB.
FILE_SIZE = 20 * 1024 * 1024
ROW_SIZE, LETTER_SIZE = 480, 6  # bytes of a row without its text, and of a letter, escaped
GAP = timedelta(minutes=10)  # nothing of ours sent for so long ends a window
# How much longer a window is on each side, since the gateway's clock is not ours; as much as the
# size of the files allows.
SLACKS = tuple(timedelta(seconds=seconds) for seconds in (60, 10, 2, 0))
NEVER = datetime.min.replace(tzinfo=UTC)
SECOND = timedelta(seconds=1)  # what a window can tell apart
BATCHES_MAX = 1_000  # to choose from, of those that are due again and of new ones


@dataclass(slots=True)
class Question:
    """A file to be asked for: its batches, how many of their messages are `open`, and what the
    gateway is asked.
    """

    batches: list[Batch]
    open: int
    body: bytes


class SentMessages:
    """How many messages were sent when, by all batches of some campaigns."""

    def __init__(self, campaigns: Collection[int]) -> None:
        batches = Batch.objects.filter(campaign__in=campaigns, state=BatchState.DONE)
        fields = ("first_sent_at", "intended_at", "done_at", "size")
        rows = [(_began_at(batch), _ended_at(batch), batch.size) for batch in batches.only(*fields)]
        self._began, self._begun = _running(sorted((began, size) for began, _ended, size in rows))
        self._ended, self._over = _running(sorted((ended, size) for _began, ended, size in rows))

    def between(self, since: datetime, until: datetime) -> int:
        """At most how many were sent in the seconds from that of `since` to that of `until`."""
        first, end = since.replace(microsecond=0), until.replace(microsecond=0) + SECOND
        begun = self._begun[bisect_left(self._began, end)]
        return begun - self._over[bisect_left(self._ended, first)]

    def around(self, batch: Batch, slack: timedelta) -> int:
        """The same for the window of one batch."""
        return self.between(_began_at(batch) - slack, _ended_at(batch) + slack)


def questions(now: datetime, *, takes_windows: bool) -> list[Question]:
    """The files to be asked for now, in the order in which they are worth it; none if none is yet.

    First come those whose messages have waited longest, all together: so that neither many messages
    nor old ones wait in vain for a file.

    `takes_windows`: the gateway makes files by window too.
    """
    due = _due(now)
    open_messages = count_open(due)
    total = open_messages.total()
    if total < DUE_MIN or (total < ENOUGH and max(now - _due_since(each) for each in due) < GATHER):
        return []
    windows, others = _windows(due) if takes_windows and total > IDS_MAX else ([], due)
    asked = [
        Question(batches, sum(open_messages[batch.pk] for batch in batches), body)
        for batches, body in [*windows, *_by_ids(others, open_messages)]
    ]
    worth = [question for question in asked if question.open >= FILE_MIN]
    return sorted(worth, key=lambda question: _waited(question, now), reverse=True)


def _waited(question: Question, now: datetime) -> timedelta:
    return question.open * max(now - _due_since(batch) for batch in question.batches)


def _due(now: datetime) -> list[Batch]:
    """The batches that are due and may be in a file, in the order in which they were sent."""
    may_be = Q(campaign__in=followed_campaigns())
    in_files = StatusFileBatch.objects.values("batch")
    due: list[Batch] = []
    for source in (DueAgain(), NeverChecked()):
        batches = source.due(now).filter(may_be).exclude(pk__in=in_files).order_by(source.order)
        due += batches.select_related("campaign")[:BATCHES_MAX]
    return sorted(due, key=_began_at)


def _due_since(batch: Batch) -> datetime:
    return batch.check_at or (batch.done_at or timezone.now()) + FIRST_CHECK


def _began_at(batch: Batch) -> datetime:
    """When the first of its messages may have reached the gateway."""
    return batch.first_sent_at or batch.intended_at or batch.done_at or timezone.now()


def _ended_at(batch: Batch) -> datetime:
    """When the gateway had answered about the last of its messages."""
    began = _began_at(batch)
    return max(batch.done_at or began, began)


def _windows(due: Sequence[Batch]) -> tuple[list[tuple[list[Batch], bytes]], list[Batch]]:
    """Batches that were sent one after the other, with the question for the window in which they
    were sent; and those for which every window would have too many messages.
    """
    sent = SentMessages({batch.campaign_id for batch in due})
    longest = max(len(batch.campaign.text) for batch in due)
    most = FILE_SIZE // (ROW_SIZE + LETTER_SIZE * longest)
    slack = next(
        (
            slack
            for slack in SLACKS
            # so that others fit into the window of each
            if all(2 * sent.around(batch, slack) <= most for batch in due)
        ),
        SLACKS[-1],
    )
    alone = {batch.pk for batch in due if sent.around(batch, slack) > 2 * most}

    def fits(first: Batch, until: datetime) -> bool:
        together = sent.between(_began_at(first) - slack, until + slack)
        return together <= max(most, sent.around(first, slack))

    groups = _grouped([batch for batch in due if batch.pk not in alone], fits)
    others = [batch for batch in due if batch.pk in alone]
    return [(group, _window(group, slack)) for group in groups], others


def _grouped(
    due: Sequence[Batch], fits: Callable[[Batch, datetime], bool]
) -> Iterator[list[Batch]]:
    """`due` in groups, each as large as the window from its first batch on `fits` in a file."""
    group: list[Batch] = []
    until = NEVER  # the end of the last of `group`
    for batch in due:
        until_now = max(until, _ended_at(batch))
        if group and (_began_at(batch) - until > GAP or not fits(group[0], until_now)):
            yield group
            group, until_now = [], _ended_at(batch)
        group.append(batch)
        until = until_now
    if group:
        yield group


def _window(batches: Sequence[Batch], slack: timedelta) -> bytes:
    return for_window(_began_at(batches[0]) - slack, max(map(_ended_at, batches)) + slack)


def _by_ids(
    due: Sequence[Batch], open_messages: Mapping[int, int]
) -> Iterator[tuple[list[Batch], bytes]]:
    """`due` in groups of 300 open messages, with the question for their ids; as many as there may
    be files.
    """
    groups: list[list[Batch]] = [[]]
    size = 0
    for batch in due:
        size += open_messages[batch.pk]
        if groups[-1] and size > IDS_MAX:
            groups.append([])
            size = open_messages[batch.pk]
        groups[-1].append(batch)
    for group in groups[:FILES_MAX]:
        ids = [recipient.gateway_id for _batch, recipient in still_open(group)]
        if known := [each for each in ids if each]:
            yield group, for_ids(known)


def _running(sizes: Sequence[tuple[datetime, int]]) -> tuple[list[datetime], list[int]]:
    """The moments, and the sums of all sizes before each of them and after the last."""
    return [at for at, _size in sizes], [0, *accumulate(size for _at, size in sizes)]
