"""The numbers beside a draft: who gets it, how long it gets, what it costs, what is wrong and what
is doubtful.
"""

from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.launch import checks
from campaigns.compose.launch.checks import Problem
from campaigns.compose.launch.funds_check import money_warnings
from campaigns.compose.message import message_lengths
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import Estimate, estimate_cost

NOBODY = Funnel(0, 0, 0, 0, 0)
KEPT = 30  # seconds for which a count is shown again while somebody types


@dataclass(frozen=True, slots=True)
class DraftMetrics:
    """All of it at once. `lengths` and `sms` are None where there is no audience, or no SMS."""

    funnel: Funnel
    lengths: message_lengths.LengthRange | None
    sms: message_lengths.SmsPartCounts | None
    estimate: Estimate
    problems: list[Problem]
    warnings: list[Problem]


def draft_metrics(campaign: Campaign, audience: Audience, refresh: bool = False) -> DraftMetrics:
    """The numbers of `campaign`, saved or not, for `audience`; `refresh` asks the gateway for its
    prices anew.
    """
    measured = message_lengths.MessageLengths(audience, compile_message(campaign))
    cost = estimate_cost(campaign, measured, refresh)
    return DraftMetrics(
        funnel=audience.funnel() if audience else NOBODY,
        lengths=measured.text,
        sms=measured.sms if campaign.sms_text else None,
        estimate=cost,
        problems=checks.problems(campaign, measured),
        warnings=[*checks.warnings(campaign, measured), *money_warnings(campaign, cost)],
    )


def cached_countries(audience: Audience) -> dict[str, int]:
    """`audience.by_country()`, counted again only now and then: for the preview, which is drawn as
    one types.
    """
    key = "countries:" + sha256(repr(audience).encode()).hexdigest()[:32]
    found: dict[str, int] | None = cache.get(key)
    if found is None:
        found = audience.by_country() if audience else {}
        cache.set(key, found, KEPT)
    return found
