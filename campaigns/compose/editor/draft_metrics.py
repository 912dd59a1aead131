"""The figures beside a draft: recipients, lengths, cost, problems and warnings."""

from dataclasses import dataclass

from campaigns.compose.audience.frequency_cap import Cap
from campaigns.compose.audience.selection import Funnel
from campaigns.compose.launch import checks
from campaigns.compose.launch.checks import Problem
from campaigns.compose.launch.funds_check import money_warnings, registered_warnings
from campaigns.compose.message import message_lengths
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import Estimate, estimate_cost


@dataclass(frozen=True, slots=True)
class DraftMetrics:
    """Recipients, lengths, cost, problems and warnings. `lengths` is None without an audience,
    `sms` without an SMS text, `cap` without a frequency cap.
    """

    funnel: Funnel
    cap: Cap | None
    lengths: message_lengths.LengthRange | None
    sms: message_lengths.SmsPartCounts | None
    estimate: Estimate
    problems: list[Problem]
    warnings: list[Problem]


def draft_metrics(
    campaign: Campaign, measured: MeasuredAudience, refresh: bool = False
) -> DraftMetrics:
    """The figures of `campaign`, saved or not, for its audience. `refresh`: with new prices."""
    cost = estimate_cost(campaign, measured, refresh)
    return DraftMetrics(
        funnel=measured.funnel,
        cap=measured.audience.cap,
        lengths=_lengths(measured),
        sms=measured.sms if campaign.sms_text else None,
        estimate=cost,
        problems=checks.problems(campaign, measured),
        warnings=[
            *checks.warnings(campaign, measured),
            *money_warnings(campaign, cost),
            *registered_warnings(campaign, cost),
        ],
    )


def _lengths(measured: MeasuredAudience) -> message_lengths.LengthRange | None:
    """Those of the text, which without merge tags has one length for everybody, and for nobody."""
    text = measured.template.text
    if not text.tags:
        return message_lengths.LengthRange(text.literal_length, text.literal_length)
    return measured.text
