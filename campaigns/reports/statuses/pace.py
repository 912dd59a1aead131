"""How many recipients of a campaign are sent to in a second, as its pages see it.

Each page that counts leaves its count in the cache. A pace is the difference to the oldest count of
the last minute, so no table has to be read for it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.templatetags.viberdash import number

WINDOW, APART = 60.0, 5.0  # seconds: of the counts that are kept, and between two of them


@dataclass(frozen=True, slots=True)
class Pace:
    """`per_second` None: not yet known."""

    per_second: float | None = None

    def text(self, queued: int) -> str:
        """The pace, and how long `queued` recipients take."""
        if self.per_second is None:
            return _("The time left is not yet known.")
        if not self.per_second:
            return _("No message was accepted in the last seconds.")
        rate = max(round(self.per_second), 1)
        text = ngettext(
            "About %(rate)s recipient per second, %(left)s left.",
            "About %(rate)s recipients per second, %(left)s left.",
            rate,
        )
        return text % {"rate": number(rate), "left": _left(queued / self.per_second)}


def _left(seconds: float) -> str:
    if seconds < 60:
        return _("less than a minute")
    minutes = round(seconds / 60)
    if minutes < 90:
        return ngettext("about %d minute", "about %d minutes", minutes) % minutes
    hours = round(minutes / 60)
    return ngettext("about %d hour", "about %d hours", hours) % hours


def measure_pace(campaign_id: int, done: int, now: datetime) -> Pace:
    """Note that `done` recipients were sent to by `now`; return the pace since earlier counts."""
    key, at = f"sent-to:{campaign_id}", now.timestamp()
    noted = cache.get(key)
    samples = [
        (float(when), int(count))
        for when, count in (noted if isinstance(noted, list) else [])
        if at - WINDOW <= when <= at and count <= done
    ]
    if not samples or at - samples[-1][0] >= APART:
        cache.set(key, [*samples, (at, done)], WINDOW)
    if not samples or at - samples[0][0] < APART:
        return Pace()
    return Pace((done - samples[0][1]) / (at - samples[0][0]))
