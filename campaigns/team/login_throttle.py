"""A limit on trying passwords."""

import hashlib

from django.core.cache import cache
from django.utils import timezone

ATTEMPTS = 20
WINDOW = 15 * 60  # seconds


class LoginThrottle:
    """Wrong passwords for one user name from one address. After ATTEMPTS of them within WINDOW, no
    password is checked until the window ends.

    Counted in the cache, so web processes that share none count each on its own.
    """

    def __init__(self, address: str, username: str) -> None:
        # the window is part of the key, so this process's clock counts and not the cache's
        window = int(timezone.now().timestamp()) // WINDOW
        subject = f"{window} {address} {username.casefold()}"
        self._key = f"tries:{hashlib.sha256(subject.encode()).hexdigest()}"

    def exhausted(self) -> bool:
        failures: int = cache.get(self._key, 0)
        return failures >= ATTEMPTS

    def record_failure(self) -> None:
        cache.add(self._key, 0, WINDOW)
        try:
            cache.incr(self._key)
        except ValueError:  # it expired in between
            cache.set(self._key, 1, WINDOW)

    def record_success(self) -> None:
        cache.delete(self._key)
