"""The cache in Redis, which may be away: then nothing is found in it, and pages do without.

A process that finds Redis away tries again after 1, 2, 4 … 32 seconds, not at each page. The log
has a line when it goes away, one each minute while it is, and one when it is back.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisIsAway
from redis.exceptions import TimeoutError as RedisIsSlow

logger = logging.getLogger(__name__)
T = TypeVar("T")
FIRST_WAIT, LONGEST_WAIT = 1.0, 32.0  # seconds
TELL_EVERY = 60.0  # seconds


@dataclass
class _Absence:
    """Of Redis, as this process sees it. Threads share it; one attempt more does no harm."""

    wait: float = 0.0  # seconds until the next attempt; 0: it is there
    until: float = 0.0
    told_at: float = 0.0


_absence = _Absence()


class AbsentRedisCache(RedisCache):
    """Django's cache in Redis; an empty one while Redis is away."""

    def add(self, *args: Any, **options: Any) -> bool:
        return _attempt(lambda: super(AbsentRedisCache, self).add(*args, **options), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _attempt(lambda: super(AbsentRedisCache, self).get(key, default, version), default)

    def set(self, *args: Any, **options: Any) -> None:
        return _attempt(lambda: super(AbsentRedisCache, self).set(*args, **options), None)

    def touch(self, *args: Any, **options: Any) -> bool:
        return _attempt(lambda: super(AbsentRedisCache, self).touch(*args, **options), False)

    def delete(self, *args: Any, **options: Any) -> bool:
        return _attempt(lambda: super(AbsentRedisCache, self).delete(*args, **options), False)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        return _attempt(lambda: super(AbsentRedisCache, self).get_many(keys, version), {})

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return _attempt(lambda: super(AbsentRedisCache, self).has_key(key, version), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError where the key is not there, as always."""
        value: int | None = _attempt(
            lambda: super(AbsentRedisCache, self).incr(key, delta, version), None
        )
        if value is None:
            raise ValueError(f"Key '{key}' not found.")
        return value

    def set_many(self, data: Any, *args: Any, **options: Any) -> list[Any]:
        """The keys that could not be set."""
        return _attempt(
            lambda: super(AbsentRedisCache, self).set_many(data, *args, **options), [*data]
        )

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        return _attempt(lambda: super(AbsentRedisCache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        _attempt(lambda: super(AbsentRedisCache, self).clear(), None)


def _attempt(operation: Callable[[], T], otherwise: T) -> T:
    """What `operation` returns; `otherwise` while Redis is away."""
    now = time.monotonic()
    if _absence.wait and now < _absence.until:
        return otherwise
    try:
        result = operation()
    except (RedisIsAway, RedisIsSlow) as fault:
        _note_absence(now, fault)
        return otherwise
    if _absence.wait:
        _absence.wait = 0.0
        logger.warning("Redis is back")
    return result


def _note_absence(now: float, fault: Exception) -> None:
    is_new = not _absence.wait
    _absence.wait = FIRST_WAIT if is_new else min(2 * _absence.wait, LONGEST_WAIT)
    _absence.until = now + _absence.wait
    if is_new or now - _absence.told_at >= TELL_EVERY:
        _absence.told_at = now
        logger.warning("Redis is away, so pages do without their cache: %s", fault)
