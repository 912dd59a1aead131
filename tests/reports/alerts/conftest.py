"""An installation in which nothing is wrong, and the time that alerts look at."""

import shutil
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings

from campaigns.dispatch.models import Heartbeat
from campaigns.reports.alerts import watch

START = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
SIGNS = ("queue@a", "sweep", "sweep-process")
Usage = namedtuple("Usage", "total used free")


class Site:
    """`look(minutes)`: all machines are alive but for `silent` ones; look, so long after START.
    Returns the kinds and objects that were told: started and ended.
    """

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock = clock
        self.silent: set[str] = set()
        self.signs = list(SIGNS)
        self.free = 50.0  # percent of each disk

    def look(self, minutes: float) -> tuple[list[str], list[str]]:
        now = START + timedelta(minutes=minutes)
        self.clock.move_to(now, tick=False)
        for name in set(self.signs) - self.silent:
            Heartbeat.objects.update_or_create(name=name, defaults={"at": now})
        changes = watch.look(now)
        return tuple(  # type: ignore[return-value]
            [f"{alert.kind} {alert.object}".strip() for alert in alerts]
            for alerts in (changes.started, changes.ended)
        )


@pytest.fixture
def site(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    settings.WORKER_NAME = "a"
    settings.ALERT_AFTER_MINUTES = 5
    with time_machine.travel(START, tick=False) as clock:
        made = Site(clock)

        def usage(_folder: object) -> Usage:
            return Usage(1000, 0, made.free * 10)

        monkeypatch.setattr(shutil, "disk_usage", usage)
        yield made
