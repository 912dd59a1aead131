"""Try whether statistics files work at a gateway, with a message that it knows.

The check of the gateway calls this; without it files are never used.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.statistics_files import for_ids, for_window, mark_of
from campaigns.gateway.errors import (
    FILE_EMPTY,
    FILE_NOT_READY,
    TOO_MANY_FILES,
    GatewayError,
    GatewayRefused,
    GatewayUnreachable,
)
from campaigns.gateway.types import MessageStatus, StatisticsRow
from campaigns.results.models import StatusFile
from campaigns.results.polling import file_use
from campaigns.results.polling.file_rows import contradiction
from campaigns.team.models import GatewayAccount

LOOK_EVERY = 2.0  # seconds between two questions whether a file is ready
PATIENCE = 30.0  # seconds for each of two files
DELETED_AFTER = timedelta(minutes=10)
AROUND = timedelta(seconds=5)  # of the window on each side of the moment of the message


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """`works`: files agree with the status call. `detail` says what happened, in English.

    `is_inconclusive`: nothing was learnt or stored, as the gateway did not answer in time or had no
    room.
    """

    works: bool
    detail: str
    takes_windows: bool = False
    is_inconclusive: bool = False


class _DoesNotWork(Exception):  # noqa: N818
    """A file is not as documented."""


def try_files(
    client: Client,
    account: GatewayAccount,
    gateway_id: str,
    wait: Callable[[float], object] = time.sleep,
) -> TrialOutcome:
    """Ask for a file about the message `gateway_id`, by its id and by a window, compare it with its
    status call, delete it, and store whether files work for `account`. Raises nothing.

    It takes up to a minute: `wait` waits so many seconds.
    """
    try:
        status = client.status_by_id(gateway_id)
        if status is None:
            return _inconclusive(f"the gateway does not know message {gateway_id}")
        trial = _Trial(client, account, gateway_id, wait)
        trial.compare(for_ids([gateway_id]))
        takes_windows, detail = trial.try_window(status)
    except _NotReady as reason:
        return _inconclusive(str(reason))
    except _DoesNotWork as failure:
        return _failed(account, str(failure))
    except GatewayRefused as refused:
        if refused.code == TOO_MANY_FILES or refused.retry_after or refused.http_status == 429:
            return _inconclusive(str(refused))
        return _failed(account, str(refused))
    except GatewayUnreachable as error:
        return _inconclusive(str(error))
    except GatewayError as error:
        return _failed(account, str(error))
    file_use.record_success(account, timezone.now(), takes_windows=takes_windows)
    return TrialOutcome(True, detail, takes_windows)


class _NotReady(_DoesNotWork):
    """A file takes longer than there is time for: that proves nothing."""


@dataclass(frozen=True, slots=True)
class _Trial:
    client: Client
    account: GatewayAccount
    gateway_id: str
    wait: Callable[[float], object]

    def try_window(self, status: MessageStatus) -> tuple[bool, str]:
        """Whether files work by window too, and what was seen."""
        if status.time_in is None:
            return False, "files work by id; windows were not tried, as the status has no time"
        try:
            self.compare(for_window(status.time_in - AROUND, status.time_in + AROUND))
        except (_DoesNotWork, GatewayError) as failure:
            return False, f"files work by id, and not by window: {failure}"
        return True, "files work by id and by window"

    def compare(self, question: bytes) -> None:
        """Raises _DoesNotWork if the file does not name the message as its status call does."""
        now = timezone.now()
        # if this process is killed, polling deletes the file
        row = StatusFile.objects.create(
            account=self.account, mark=mark_of(question), asked_at=now, until=now, is_over=True,
            look_at=now + DELETED_AFTER,
        )  # fmt: skip
        key = self.client.create_file(question)
        StatusFile.objects.filter(pk=row.pk).update(key=key)
        try:
            self._check(self._fetch(key))
        except (_DoesNotWork, GatewayError):
            with suppress(GatewayError):
                self.client.delete_file(key)
                row.delete()
            raise
        self.client.delete_file(key)
        row.delete()

    def _check(self, rows: Iterable[StatisticsRow]) -> None:
        row = next((row for row in rows if row.gateway_id == self.gateway_id), None)
        if row is None:
            raise _DoesNotWork(f"a file does not name message {self.gateway_id}")
        # asked after the file was made, as the message may move on
        if wrong := contradiction(row, self.client.status_by_id(self.gateway_id)):
            raise _DoesNotWork(wrong)
        if row.price is None:
            raise _DoesNotWork(f"a file names no price of message {self.gateway_id}")

    def _fetch(self, key: str) -> Iterable[StatisticsRow]:
        waited = 0.0
        while True:
            file = next((file for file in self.client.files() if file.key == key), None)
            if file is None or file.has_failed:
                raise _DoesNotWork("a file is not in the list" if file is None else "a file failed")
            if file.is_done:
                try:
                    return self.client.fetch_file(key).rows
                except GatewayRefused as refused:
                    if refused.code == FILE_EMPTY:
                        return []
                    if refused.code != FILE_NOT_READY:
                        raise
            if waited >= PATIENCE:
                raise _NotReady(f"a file was not ready after {PATIENCE:.0f} seconds")
            self.wait(LOOK_EVERY)
            waited += LOOK_EVERY


def _failed(account: GatewayAccount, detail: str) -> TrialOutcome:
    file_use.record_failure(account, timezone.now(), detail)
    return TrialOutcome(False, detail)


def _inconclusive(detail: str) -> TrialOutcome:
    return TrialOutcome(False, detail, is_inconclusive=True)
