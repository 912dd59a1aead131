"""Why a campaign is paused: the keys in `Campaign.reason`, and their texts for a marketer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.compose.models import Campaign, CampaignState
from campaigns.gateway.errors import error_meaning
from campaigns.team.holds.switch import was_held


class Pause(NamedTuple):
    """A pause to be made: the campaign, the key of the reason, and more about it for the trail."""

    campaign_id: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PauseReason:
    """What happened, and what to do about it."""

    sentence: str | Promise
    next_step: str | Promise


_REASONS: dict[str, PauseReason] = {
    "by_person": PauseReason(
        _("Paused by a user."), _("Press Resume to send to the remaining recipients.")
    ),
    "approval": PauseReason(
        _("The audience or the cost has grown, so a second person has to approve the campaign."),
        _("Another approver presses Resume to approve it, or cancels the campaign."),
    ),
    "missed": PauseReason(
        _("The server was down at the scheduled time."),
        _("Press Resume to send now, or reschedule or cancel the campaign."),
    ),
    "held": PauseReason(
        _("Sending was held at the scheduled time."),
        _("Press Resume to send now, or reschedule or cancel the campaign."),
    ),
    "parent_cancelled": PauseReason(
        _("The campaign that it follows was cancelled."),
        _("Press Resume to send to those who got that one, or cancel the campaign."),
    ),
    "people_max": PauseReason(
        _("There are more recipients than a run of its series may have."),
        _("Press Resume to send to all of them, or cancel the campaign."),
    ),
    "nobody": PauseReason(
        _("The audience is empty."), _("All contacts are on the stop list or excluded.")
    ),
    "budget": PauseReason(
        _("The next messages could exceed the budget."),
        _("It continues by itself when enough of the budget is released, or when you raise it."),
    ),
    "month_budget": PauseReason(
        _("The next messages could exceed this month's budget."),
        _("It continues by itself next month, or when an administrator raises it in Settings."),
    ),
    "user_budget": PauseReason(
        _("The next messages could exceed this month's budget of the user who launched it."),
        _("It continues by itself next month, or when an administrator raises it in Settings."),
    ),
    "price_unknown": PauseReason(
        _("The campaign has a budget, but the price of some recipients is not known."),
        _("Refresh the price list or remove the budget, then press Resume."),
    ),
    "budget_currency": PauseReason(
        _("The campaign has a budget, but a price is in another currency, so it can't be limited."),
        _("Check the price list with BSG. Change or remove the budget, then press Resume."),
    ),
    "gateway_trouble": PauseReason(
        _("BSG has not accepted a message for an hour."),
        _("No message is lost. Press Resume to try again."),
    ),
}


def missed_reason(campaign: Campaign) -> str:
    """The key of why a scheduled campaign did not start within MISSED_SCHEDULE_MINUTES."""
    start = campaign.scheduled_at
    assert start is not None
    in_time = start + timedelta(minutes=settings.MISSED_SCHEDULE_MINUTES)
    return "held" if was_held(campaign.brand_id, start, in_time) else "missed"


def error_reason_key(code: int) -> str:
    """The key of the reason "the gateway answered with error `code`"."""
    return f"error_{code}"


def pause_reason(key: str) -> PauseReason:
    """The texts of a reason: one of the above, or an error of the gateway's ("error_8")."""
    if key.startswith("error_"):
        error = error_meaning(int(key.removeprefix("error_")))
        return PauseReason(error.sentence, error.next_step)
    return _REASONS[key]


def reason_text(campaign: Campaign) -> str:
    """Why `campaign` is paused and what to do, in one text; "" if it is not paused."""
    if campaign.state != CampaignState.PAUSED or not campaign.reason:
        return ""
    reason = pause_reason(campaign.reason)
    parts = (reason.sentence, campaign.reason_detail, reason.next_step)
    return " ".join(f"{str(part).rstrip('.')}." for part in parts if part)
