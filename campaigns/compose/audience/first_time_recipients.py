"""How many of an audience were never messaged before.

A campaign to people who do not expect it is blocked and reported more often, which the whole sender
pays for.
"""

from hashlib import sha256

from django.core.cache import cache
from django.db.models import Exists, OuterRef

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose

# seconds for which a count is shown again: it is that of the audience, whatever is written
# meanwhile
CACHE_SECONDS = 30


def count_first_time_recipients(audience: Audience) -> int:
    """Whom of `audience` no campaign's message was accepted for yet: every one of them is looked up
    by their phone.
    """
    key = "newcomers:" + sha256(repr(audience).encode()).hexdigest()[:32]
    found: int | None = cache.get(key)
    if found is None:
        reached = Campaign.objects.filter(
            purpose=Purpose.CAMPAIGN,
            recipients__msisdn=OuterRef("msisdn"),
            recipients__send_state="accepted",
        )
        found = audience.people().filter(~Exists(reached)).count()
        cache.set(key, found, CACHE_SECONDS)
    return found
