"""Whether everything that the installation needs works now, found out within LIMIT seconds.

The checks run in threads, as a server that is gone would keep the caller waiting for longer. Their
texts name no address, no user and no error message, which could contain either.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.workers.health import QUEUE, STALLED_AFTER
from campaigns.gateway.environment import key_fingerprint
from campaigns.gateway.key_in_use import using
from campaigns.reports.statuses.gateway_state import load_gateway_state
from campaigns.shared import database_clock
from campaigns.team import accounts
from campaigns.team.brand_keys.in_use import keys_in_use
from viberdash.observation.missing_migrations import missing_migrations

LIMIT = 1.5  # seconds for all checks
MIGRATIONS_NAMED = 5
_threads = ThreadPoolExecutor(4, "readiness")


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked. `is_needed`: the installation is not ready without it."""

    name: str
    works: bool
    text: str
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Readiness:
    checks: list[Check]

    @property
    def is_ready(self) -> bool:
        """Whether everything works that is needed."""
        return all(check.works for check in self.checks if check.is_needed)


def check_readiness() -> Readiness:
    """Check everything. Raises nothing, and takes LIMIT seconds at most."""
    until = time.monotonic() + LIMIT
    running = [
        ("database", _threads.submit(_check_database)),
        ("cache", _threads.submit(_check_cache)),
    ]
    return Readiness([check for name, future in running for check in _finish(name, future, until)])


def _finish(name: str, future: Future[list[Check]], until: float) -> list[Check]:
    try:
        return future.result(max(until - time.monotonic(), 0))
    except Late:
        future.cancel()  # if it has not begun, because others wait for the same server
        return [Check(name, works=False, text=f"no answer within {LIMIT} seconds")]
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not work
        return [Check(name, works=False, text=f"failed: {type(error).__name__}")]


def _check_database() -> list[Check]:
    """The database, and what it says about migrations, queue and gateway."""
    try:
        now = database_clock.now()
        checks = [check(now) for check in (_check_migrations, _check_queue, _check_gateway)]
        return [Check("database", works=True, text="answers"), *checks]
    except DatabaseError as error:
        return [Check("database", works=False, text=f"failed: {type(error).__name__}")]
    finally:
        connection.close()  # that of this thread


def _check_migrations(_now: datetime) -> Check:
    missing = missing_migrations()
    if not missing:
        return Check("migrations", works=True, text="all applied")
    names = ", ".join(missing[:MIGRATIONS_NAMED])
    text = f"{len(missing)} not applied ({names}): run manage.py prepare"
    return Check("migrations", works=False, text=text)


def _check_queue(now: datetime) -> Check:
    signs = Heartbeat.objects.filter(name__startswith=QUEUE)
    newest = signs.order_by("-at").values_list("at", flat=True).first()
    if newest is None:
        return Check("queue", works=False, text="no worker has started: run manage.py worker")
    seconds = max(int((now - newest).total_seconds()), 0)
    text = f"last task done {seconds} seconds ago"
    if seconds > STALLED_AFTER.total_seconds():
        return Check("queue", works=False, text=f"{text}: see the log of manage.py worker")
    return Check("queue", works=True, text=text)


def _check_gateway(now: datetime) -> Check:
    states = {}
    for key in keys_in_use():
        with using(key):
            known = accounts.cached()
            name = known.current.name if known.current else f"key {key_fingerprint()[:8]}"
            states[name] = load_gateway_state(now)
    text = next(iter(states.values())).text
    if len(states) > 1:
        text = "; ".join(f"{name}: {state.text}" for name, state in states.items())
    works = all(state.answers is not False for state in states.values())
    return Check("gateway", works=works, text=text, is_needed=False)


def _check_cache() -> list[Check]:
    if not settings.REDIS_URL:
        return [Check("cache", works=True, text="in each process, as REDIS_URL is not set")]
    cache.set("readiness", 1, 10)
    works = cache.get("readiness") == 1
    return [
        Check("cache", works=works, text="answers" if works else "Redis is away, or stores nothing")
    ]
