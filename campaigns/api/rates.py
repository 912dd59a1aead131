"""How many requests a token made in this minute, over all processes.

Redis counts them where there is one, else the row of the token. Where Redis fails, the row does.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case, F, Value, When
from redis import RedisError

from campaigns.team.tokens.models import ApiToken

WINDOW = 60  # seconds


@dataclass(frozen=True, slots=True)
class Rate:
    """`used`: requests in the present minute, with this one. `reset`: seconds until the next."""

    used: int
    reset: int

    @property
    def is_over(self) -> bool:
        return self.used > settings.API_RATE

    @property
    def headers(self) -> Mapping[str, str]:
        """What each answer says of it."""
        return {
            "RateLimit-Limit": str(settings.API_RATE),
            "RateLimit-Remaining": str(max(settings.API_RATE - self.used, 0)),
            "RateLimit-Reset": str(self.reset),
        }


def count(token: ApiToken) -> Rate:
    """Count one more request of `token`."""
    now = time.time()
    minute = int(now // WINDOW)
    return Rate(_counted(token, minute), WINDOW - int(now % WINDOW))


def _counted(token: ApiToken, minute: int) -> int:
    if settings.REDIS_URL:
        key = f"api-rate:{token.pk}:{minute}"
        try:
            cache.add(key, 0, timeout=2 * WINDOW)
            return int(cache.incr(key))
        except (RedisError, ValueError):  # not there, or emptied in this moment
            pass
    row = ApiToken.objects.filter(pk=token.pk)
    more = Case(When(counted_minute=minute, then=F("counted") + 1), default=Value(1))
    row.update(counted=more, counted_minute=minute)
    return row.values_list("counted", flat=True).first() or 1
