"""Clicks on their way to the database: kept in memory, and stored twice a second by a thread.

So whoever opens a link waits for no writer. What a killed process loses are the clicks since the
last time it stored.
"""

import atexit
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, close_old_connections, connection, transaction

from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement.models import Click, Machine
from campaigns.engagement.visitors import EARLY, Addresses, device_of, is_bot
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange

WAITING_MAX = 100_000  # clicks in memory, while the database can't be written to; then none more
EVERY = 0.5  # seconds between two inserts
AT_ONCE = 5_000  # clicks in one of them
CLICKED = "message.clicked"

_COLUMNS = "id, campaign_id, recipient_id, number, at, machine, device, system"
_INSERT = (
    f"INSERT INTO {Click._meta.db_table} ({_COLUMNS})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join(['%s'] * 8)}) ON CONFLICT (id) DO NOTHING"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedAt:
    """A link that was opened. `id` is random and becomes that of the click."""

    id: int
    campaign_id: int
    recipient_id: int
    number: int
    at: datetime
    is_head: bool
    user_agent: str
    address: bytes  # hashed


class Inbox:
    """Opened links that wait to be stored by `keep`. Safe for many threads.

    Without `threaded` they are stored by calls of `flush`.
    """

    def __init__(self, keep: Callable[[list[OpenedAt]], None], *, threaded: bool = True) -> None:
        self._keep, self._threaded = keep, threaded
        self._waiting: deque[OpenedAt] = deque()
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, opened: OpenedAt) -> None:
        if len(self._waiting) >= WAITING_MAX:
            return
        self._waiting.append(opened)
        if self._threaded and self._thread is None:
            self._start()
        self._arrived.set()

    def _start(self) -> None:
        """Not before the first click: a server forks after it was loaded."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clicks", daemon=True)
                self._thread.start()
                atexit.register(self._store)

    def flush(self) -> None:
        """Store what waits. What can't be stored waits on, and DatabaseError is raised."""
        with self._flushing:
            self._arrived.clear()
            while self._waiting:
                taken = [self._waiting.popleft() for _n in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    self._keep(taken)
                except DatabaseError:
                    self._waiting.extendleft(reversed(taken))
                    self._arrived.set()
                    raise

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            time.sleep(EVERY)
            self._store()

    def _store(self) -> None:
        close_old_connections()
        try:
            self.flush()
        except DatabaseError as error:
            logger.warning("Clicks could not be stored yet: %s", type(error).__name__)
        finally:
            close_old_connections()


_addresses = Addresses()


def store(opened: Sequence[OpenedAt]) -> None:
    """Store clicks, each once, and record those of people for webhooks."""
    sent_at = _load_sent_at({click.recipient_id for click in opened})
    machines = [_machine(click, sent_at.get(click.recipient_id)) for click in opened]
    rows = [_row(click, machine) for click, machine in zip(opened, machines, strict=True)]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
        _record(click for click, machine in zip(opened, machines, strict=True) if not machine)


def _row(click: OpenedAt, machine: Machine) -> tuple[Any, ...]:
    """The columns of a click. A model for each would take longer than all the rest."""
    device, system = device_of(click.user_agent)
    at = connection.ops.adapt_datetimefield_value(click.at)
    return (
        click.id, click.campaign_id, click.recipient_id, click.number, at, machine.value,
        device.value, system.value,
    )  # fmt: skip


def _load_sent_at(recipient_ids: Iterable[int]) -> dict[int, datetime]:
    """When the message of each recipient was sent, or is delivered by a gateway that waits."""
    recipients = Recipient._base_manager.filter(pk__in=recipient_ids)
    places = {
        pk: (campaign_id, number)
        for pk, campaign_id, number in recipients.values_list("pk", "campaign_id", "batch_number")
    }
    of_campaign: defaultdict[int, set[int]] = defaultdict(set)
    for campaign_id, number in places.values():
        of_campaign[campaign_id].add(number)
    moments: dict[tuple[int, int], datetime] = {}
    for campaign in Campaign._base_manager.filter(pk__in=of_campaign):
        sent = Batch._base_manager.filter(campaign=campaign, number__in=of_campaign[campaign.pk])
        for number, at in sent.values_list("number", "first_sent_at"):
            if at:
                moments[campaign.pk, number] = campaign.due_at(at)
    return {pk: moments[place] for pk, place in places.items() if place in moments}


def _machine(opened: OpenedAt, sent_at: datetime | None) -> Machine:
    opens_many = _addresses.opens_many(opened.address, opened.recipient_id, opened.at)
    if opened.is_head:
        return Machine.HEAD
    if is_bot(opened.user_agent):
        return Machine.BOT
    if sent_at is None or opened.at < sent_at + EARLY:
        return Machine.EARLY
    return Machine.MANY if opens_many else Machine.NONE


def _record(clicks: Iterable[OpenedAt]) -> None:
    wanted = recording.load_wanted(CLICKED)
    if not wanted:
        return
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for click in clicks:
        groups[click.campaign_id, click.number].append(click.recipient_id)
    campaigns = Campaign._base_manager.in_bulk({campaign_id for campaign_id, _number in groups})
    recording.record(
        [
            NewChange(
                campaigns[campaign_id].brand_id, CLICKED, campaign_id,
                facts={"link": _link(campaigns[campaign_id], number)}, messages=messages,
            )
            for (campaign_id, number), messages in groups.items()
        ],
        wanted,
    )  # fmt: skip


def _link(campaign: Campaign, number: int) -> dict[str, Any]:
    """The link as it is written, so with the tags and not the values of anybody."""
    return {"number": number, "target": tracking_of(campaign).links[number].target}
