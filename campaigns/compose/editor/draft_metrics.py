"""The figures beside a draft: recipients, lengths, cost, problems and warnings."""

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
CACHED_FOR = 30  # seconds


@dataclass(frozen=True, slots=True)
class DraftMetrics:
    """Recipients, lengths, cost, problems and warnings. `lengths` is None without an audience,
    `sms` without an SMS text.
    """

    funnel: Funnel
    lengths: message_lengths.LengthRange | None
    sms: message_lengths.SmsPartCounts | None
    estimate: Estimate
    problems: list[Problem]
    warnings: list[Problem]


def draft_metrics(campaign: Campaign, audience: Audience, refresh: bool = False) -> DraftMetrics:
    """The figures of `campaign`, saved or not, for `audience`. `refresh`: with new prices."""
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
    """`audience.by_country()`, cached: the preview is redrawn at each pause in typing."""
    key = "countries:" + sha256(repr(audience).encode()).hexdigest()[:32]
    countries: dict[str, int] | None = cache.get(key)
    if countries is None:
        countries = audience.by_country() if audience else {}
        cache.set(key, countries, CACHED_FOR)
    return countries
