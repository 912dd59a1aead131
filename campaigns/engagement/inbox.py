"""Clicks on their way to the database: kept in memory, twice a second written to a file, and then
stored.

So whoever opens a link waits for no writer. What a killed process loses are the clicks since the
last file.
"""

import atexit
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError, close_old_connections, connection, transaction

from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement.models import Click, Machine
from campaigns.engagement.spool import LEFT_AFTER, OpenedAt, Spool
from campaigns.engagement.visitors import EARLY, device_of, is_bot
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange

WAITING_MAX = 100_000  # clicks in memory, while the database can't be written to; then none more
WRITTEN_MAX = 1_000  # times as many that are written down and wait to be stored
EVERY = 0.5  # seconds between two files
AT_ONCE = 5_000  # clicks in one of them, and in an insert
CLICKED = "message.clicked"

_COLUMNS = "id, campaign_id, recipient_id, number, at, machine, device, system"
_INSERT = (
    f"INSERT INTO {Click._meta.db_table} ({_COLUMNS})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join(['%s'] * 8)}) ON CONFLICT (id) DO NOTHING"
)

logger = logging.getLogger(__name__)


class Inbox:
    """Opened links that wait to be stored by `keep`. Safe for many threads.

    Two threads begin with the first link: one writes what arrived to the `spool`, the other stores
    it, however long that takes. Without `threaded`, calls of `flush` do both.
    """

    def __init__(
        self,
        keep: Callable[[list[OpenedAt]], None],
        spool: Spool | None = None,
        *,
        threaded: bool = True,
    ) -> None:
        self._keep, self._spool, self._threaded = keep, spool, threaded
        self._waiting: deque[OpenedAt] = deque()
        self._written: deque[tuple[Path | None, list[OpenedAt]]] = deque()
        self._lock, self._storing = threading.Lock(), threading.Lock()
        self._arrived, self._has_written = threading.Event(), threading.Event()
        self._is_started = False

    def put(self, opened: OpenedAt) -> None:
        if len(self._waiting) >= WAITING_MAX:
            return
        self._waiting.append(opened)
        if self._threaded and not self._is_started:
            self._start()
        self._arrived.set()

    def _start(self) -> None:
        """Not before the first click: a server forks after it was loaded."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                for work in (self._run_writer, self._run_storer):
                    threading.Thread(target=work, name="clicks", daemon=True).start()
                atexit.register(self.flush_all)

    def write(self) -> None:
        """Write what waits to the spool. Where that can't be written to, it stays in memory."""
        with self._lock:
            while self._waiting and len(self._written) < WRITTEN_MAX:
                number = min(AT_ONCE, len(self._waiting))
                taken = [self._waiting.popleft() for _number in range(number)]
                path = None
                try:
                    path = self._spool.write(taken) if self._spool else None
                except OSError as error:
                    logger.warning("Clicks could not be written down: %s", error.strerror)
                self._written.append((path, taken))
        self._has_written.set()

    def flush(self) -> None:
        """Store what waits. What can't be stored waits on, and DatabaseError is raised."""
        self.write()
        with self._storing:
            self._has_written.clear()
            while self._written:
                path, opened = self._written[0]
                self._keep(opened)
                self._written.popleft()
                if path:
                    path.unlink(missing_ok=True)

    def store_left(self) -> None:
        """Store what dead processes wrote down."""
        for path, opened in self._spool.left() if self._spool else ():
            self._keep(opened)
            path.unlink(missing_ok=True)

    def _run_writer(self) -> None:
        while True:
            self._arrived.wait()
            time.sleep(EVERY)
            self._arrived.clear()
            self.write()

    def _run_storer(self) -> None:
        looked_at = 0.0
        while True:
            self._has_written.wait(LEFT_AFTER)
            if time.monotonic() > looked_at + LEFT_AFTER:
                looked_at = time.monotonic()
                _patiently(self.store_left)
            if self._written and not _patiently(self.flush):
                time.sleep(EVERY)

    def flush_all(self) -> None:
        """When the process ends."""
        _patiently(self.flush)


def _patiently(work: Callable[[], None]) -> bool:
    """Whether it was done. Whatever goes wrong, the thread goes on."""
    close_old_connections()
    try:
        work()
    except DatabaseError as error:
        logger.warning("Clicks could not be stored yet: %s", type(error).__name__)
        return False
    except Exception:
        logger.exception("Clicks could not be stored yet")
        return False
    finally:
        close_old_connections()
    return True


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
    if opened.is_head:
        return Machine.HEAD
    if is_bot(opened.user_agent):
        return Machine.BOT
    if sent_at is None or opened.at < sent_at + EARLY:
        return Machine.EARLY
    return Machine.MANY if opened.opens_many else Machine.NONE


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
