"""How many recipients of an audience never got a message before.

Recipients who do not expect a message block and report it more often, which harms the sender.
"""

from hashlib import sha256

from django.core.cache import cache
from django.db.models import Exists, OuterRef

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose

CACHE_SECONDS = 30  # typing changes the texts, not the audience


def count_first_time_recipients(audience: Audience) -> int:
    """Count the recipients of `audience` for whom no campaign was ever accepted.

    Looks each of them up by phone, so the count is cached.
    """
    key = "first-time-recipients:" + sha256(repr(audience).encode()).hexdigest()[:32]
    count: int | None = cache.get(key)
    if count is None:
        earlier = Campaign.objects.filter(
            purpose=Purpose.CAMPAIGN,
            recipients__msisdn=OuterRef("msisdn"),
            recipients__send_state="accepted",
        )
        count = audience.recipients().filter(~Exists(earlier)).count()
        cache.set(key, count, CACHE_SECONDS)
    return count
