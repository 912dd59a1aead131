"""Post delivery reports to the callback_url of a message when its status changes, once each."""

import heapq
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import requests

from campaigns.gateway.sandbox.account import Account, SentMessage
from campaigns.gateway.sandbox.faults import Faults

WAITING_MAX = 200_000  # messages with reports to come; beyond that none are sent
TIMEOUT = 2.0  # seconds
TICK = 0.1  # seconds
POSTERS = 4

logger = logging.getLogger(__name__)


class Callbacks:
    """Looks at each message when its status changes next, and posts the report.

    `describe` returns the fields of a report.
    """

    def __init__(
        self, account: Account, faults: Faults, describe: Callable[[SentMessage], dict[str, Any]]
    ) -> None:
        self._account = account
        self._faults = faults
        # due (monotonic clock), order, url, report
        self._late: list[tuple[float, int, str, dict[str, Any]]] = []
        self._describe = describe
        self._lock = threading.Lock()
        self._order = itertools.count()
        # due (message clock), order, last report, message
        self._followed: list[tuple[float, int, str, SentMessage]] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def follow(self, sent: SentMessage) -> None:
        """Report the changes of `sent` from now on."""
        with self._lock:
            if len(self._followed) >= WAITING_MAX:
                return
            self._push(sent, "")
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._run, daemon=True) for _ in range(POSTERS)
                ]
                for thread in self._threads:
                    thread.start()

    def forget(self) -> None:
        """Report none of the messages any more."""
        with self._lock:
            self._followed.clear()
            self._late.clear()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(TIMEOUT + 1)

    def _push(self, sent: SentMessage, last: str) -> None:
        course = self._account.course(sent)
        age = self._account.age(sent)
        steps = (
            course.sent,
            course.ended,
            course.read or 0.0,
            course.sms_starts,
            course.sms_sent,
            course.over(bool(sent.submission.content.parts)),
        )
        due = [step for step in steps if step > age] if last else [course.sent]
        if due:
            heapq.heappush(
                self._followed,
                (self._account.clock() - age + min(due), next(self._order), last, sent),
            )

    def _run(self) -> None:
        while not self._stopping.wait(TICK):
            for sent, last in iter(self._take, None):
                if self._stopping.is_set():
                    return
                self._report(sent, last)
            for url, report in iter(self._take_late, None):
                post(url, report)

    def _take_late(self) -> tuple[str, dict[str, Any]] | None:
        with self._lock:
            if not self._late or self._late[0][0] > time.monotonic():
                return None
            _due, _order, url, report = heapq.heappop(self._late)
            return url, report

    def _take(self) -> tuple[SentMessage, str] | None:
        with self._lock:
            if not self._followed or self._followed[0][0] > self._account.clock():
                return None
            _due, _order, last, sent = heapq.heappop(self._followed)
            return sent, last

    def _report(self, sent: SentMessage, last: str) -> None:
        report = self._describe(sent)
        current = json.dumps([report["status"], report.get("alt_route")])
        if current != last:
            self._post(sent.submission.content.callback_url, report)
        with self._lock:
            self._push(sent, current)

    def _post(self, url: str, report: dict[str, Any]) -> None:
        """Post `report`; with faults, not at all, twice, or later than the next ones."""
        if self._faults.happens("reports_lost"):
            return
        if self._faults.happens("reports_doubled"):
            post(url, report)
        if not self._faults.happens("reports_late"):
            post(url, report)
            return
        due = time.monotonic() + self._faults.number("late_s")
        with self._lock:
            heapq.heappush(self._late, (due, next(self._order), url, report))


def post(url: str, report: dict[str, Any]) -> None:
    """Post one delivery report and ignore its answer."""
    try:
        requests.post(url, json=report, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        logger.info("A delivery report could not be posted: %s", type(error).__name__)
