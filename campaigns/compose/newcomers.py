"""How many of an audience were never messaged before: all of a small one, a sample of a large one.

A campaign to people who do not expect it is blocked and reported more often, which the whole sender pays for.
"""

from dataclasses import dataclass

from django.db.models import Count, Exists, Max, Min, OuterRef, Q

from campaigns.compose.audience import Audience
from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose

LOOKED_AT = 1_000  # people; of larger audiences a sample of so many, which is right within three per cent
BLOCKS = 20  # places of the audience that the sample is taken from


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Of `looked_at` people `new` were never messaged; `sampled`: there are more people than that."""

    new: int
    looked_at: int
    sampled: bool

    @property
    def percent(self) -> int:
        """Their share, rounded up: where there is anybody it is never 0."""
        return -(-self.new * 100 // self.looked_at) if self.looked_at else 0


def newcomers(audience: Audience) -> Newcomers:
    """Whom of `audience` no campaign's message was accepted for yet. The cost does not grow with the audience."""
    everybody = list(audience.in_lists().values_list("pk", flat=True)[: LOOKED_AT + 1])
    sampled = len(everybody) > LOOKED_AT
    people = audience.people().filter(pk__in=_sample(audience) if sampled else everybody)
    reached = Campaign.objects.filter(
        purpose=Purpose.CAMPAIGN, recipients__msisdn=OuterRef("msisdn"), recipients__send_state="accepted"
    )
    found = people.annotate(reached=Exists(reached)).aggregate(
        all=Count("pk"), new=Count("pk", filter=Q(reached=False))
    )
    return Newcomers(found["new"], found["all"], sampled)


def _sample(audience: Audience) -> list[int]:
    """Ids of contacts from places that lie evenly between the first and the last one."""
    ends = audience.in_lists().aggregate(first=Min("pk"), last=Max("pk"))
    step = max(1, (ends["last"] - ends["first"]) // BLOCKS)
    rows = audience.in_lists().order_by("pk").values_list("pk", flat=True)
    starts = range(ends["first"], ends["first"] + BLOCKS * step, step)
    return sorted({pk for start in starts for pk in rows.filter(pk__gte=start)[: LOOKED_AT // BLOCKS]})
