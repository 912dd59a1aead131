"""What is done with a campaign after its launch."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from pydantic import Field, Strict

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.form_values import posted, require_valid
from campaigns.api.problems import Problem, invalid
from campaigns.api.resources.campaigns.fields import Hours, LocalTime
from campaigns.api.resources.campaigns.schemas import (
    CampaignId,
    CampaignOut,
    find_campaign,
    show_campaign,
)
from campaigns.api.schemas import Amount, Body, Flag, Moment, Text
from campaigns.compose.editor import follow_up_drafts
from campaigns.compose.editor.follow_up_drafts import FollowedRecipients
from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.launch.follow_ups import HOURS_MAX
from campaigns.compose.library import frequency_caps
from campaigns.compose.models import Timing
from campaigns.compose.models.frequency_cap import DAYS_MAX, MESSAGES_MAX
from campaigns.compose.pages.frequency_cap.forms import OWN, CampaignCapForm
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.pages.forms import SendingHoursForm, TimeForm
from campaigns.dispatch.people.resend import create_resend_draft
from campaigns.team.permissions import Permission

router = Router(tags=["Campaigns"])


class BudgetIn(Body):
    amount: Annotated[Amount | None, Field(description="null: no limit")]


class CampaignCapIn(Body):
    """`own` takes `messages` and `days`; the others take neither."""

    cap: Annotated[
        Literal["brand", "own", "none"],
        Field(description="That of the brand, one of its own, or none."),
    ]
    messages: Annotated[int, Strict(), Field(ge=1, le=MESSAGES_MAX)] | None = None
    days: Annotated[int, Strict(), Field(ge=1, le=DAYS_MAX)] | None = None


class HoursIn(Body):
    hours: Hours | None


class TimeIn(Body):
    """One of the first three, by the timing of the campaign."""

    scheduled_at: Moment | None = None
    local_at: LocalTime | None = None
    follow_hours: Annotated[int | None, Strict(), Field(ge=1, le=HOURS_MAX)] = None
    time_zone: Annotated[
        Text, Field(max_length=64, description="In which pages show `scheduled_at`.")
    ] = ""


class ResendIn(Body):
    unresolved: Annotated[
        Flag, Field(description="Also to those who may have got the message already.")
    ] = False


class FollowUpIn(Body):
    who: FollowedRecipients
    hours: Annotated[int, Strict(), Field(ge=1, le=HOURS_MAX)]


def _move(
    request: HttpRequest, campaign_id: int, response: HttpResponse, move: lifecycle.Move
) -> CampaignOut:
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    move(campaign.pk, actor(request))
    return show_campaign(request, campaign_id, response)


@router.post("campaigns/{campaign_id}/pause", response=CampaignOut, auth=Needs(Permission.SEND))
def pause_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """Stop sending. Requests to the gateway that are under way still finish."""
    return _move(request, campaign_id, response, lifecycle.pause)


@router.post("campaigns/{campaign_id}/resume", response=CampaignOut, auth=Needs(Permission.SEND))
@own_transactions
def resume_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """Go on with the remaining recipients. Where approval is missing, an approver gives it so."""
    return _move(request, campaign_id, response, lifecycle.resume)


@router.post("campaigns/{campaign_id}/cancel", response=CampaignOut, auth=Needs(Permission.SEND))
def cancel_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """End it: nobody else is sent to. What the gateway has accepted stays sent."""
    return _move(request, campaign_id, response, lifecycle.cancel)


@router.post(
    "campaigns/{campaign_id}/follow-up", response={201: CampaignOut}, auth=Needs(Permission.COMPOSE)
)
def create_follow_up(
    request: HttpRequest, campaign_id: CampaignId, body: FollowUpIn, response: HttpResponse
) -> Any:
    """A draft with the same message that goes out some hours after the campaign has finished, to
    those of its recipients of whom the result is certain by then.
    """
    parent = find_campaign(request, campaign_id, Permission.COMPOSE)
    draft = follow_up_drafts.create_follow_up(parent, actor(request), body.who, body.hours)
    return Status(201, show_campaign(request, draft.pk, response))


@router.put("campaigns/{campaign_id}/budget", response=CampaignOut, auth=Needs(Permission.SEND))
def set_campaign_budget(
    request: HttpRequest, campaign_id: CampaignId, body: BudgetIn, response: HttpResponse
) -> Any:
    """Change the most that a campaign may cost, until it is over. One that its budget had paused
    goes on, as far as the new one allows.
    """
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    amount = None if body.amount is None else Decimal(body.amount)
    reservations.change_budget(campaign.pk, actor(request), amount)
    return show_campaign(request, campaign_id, response)


@router.put(
    "campaigns/{campaign_id}/frequency-cap",
    summary="Set frequency cap of a draft",
    response=CampaignOut,
    auth=Needs(Permission.MANAGE_LIMITS),
)
def set_campaign_frequency_cap(
    request: HttpRequest, campaign_id: CampaignId, body: CampaignCapIn, response: HttpResponse
) -> Any:
    """Give a promotional draft another cap than its brand has, or none. Refused where the brand has
    none.
    """
    campaign = find_campaign(request, campaign_id, Permission.MANAGE_LIMITS)
    frequency_caps.require_can_have_own(campaign)
    form = CampaignCapForm(posted(body.model_dump()), campaign, None, "")
    require_valid(form)
    if body.cap != OWN and (body.messages or body.days):
        raise invalid("messages", "unexpected", "Only a cap of its own has numbers.")
    frequency_caps.set_campaign_cap(campaign, *form.columns, actor(request))
    return show_campaign(request, campaign_id, response)


@router.put(
    "campaigns/{campaign_id}/sending-hours",
    summary="Set sending hours of a campaign",
    response=CampaignOut,
    auth=Needs(Permission.SEND),
)
def set_sending_hours(
    request: HttpRequest, campaign_id: CampaignId, body: HoursIn, response: HttpResponse
) -> Any:
    """Change the sending hours of a campaign under way; senders obey from their next batch on."""
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    if not running_changes.can_change_hours(campaign):
        text = (
            "Sending hours can be changed only between launch and end, and not if it is scheduled"
            " at the gateway."
        )
        raise Problem(409, "refused", text)
    start, _dash, end = (body.hours or "").partition("-")
    form = SendingHoursForm({"sends_from": start, "sends_until": end}, campaign=campaign)
    if not form.is_valid():
        message = " ".join(str(text) for texts in form.errors.values() for text in texts)
        raise invalid("hours", "invalid", message)
    running_changes.change_hours(campaign.pk, actor(request), form.hours)
    return show_campaign(request, campaign_id, response)


@router.put("campaigns/{campaign_id}/time", response=CampaignOut, auth=Needs(Permission.SEND))
@own_transactions
def reschedule_campaign(
    request: HttpRequest, campaign_id: CampaignId, body: TimeIn, response: HttpResponse
) -> Any:
    """Change the time of a scheduled campaign, or of one that missed it, with the checks of a
    launch. One that was approved for its time has to be returned to draft instead.
    """
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    wanted = {Timing.AFTER: "follow_hours", Timing.LOCAL: "local_at"}
    name = wanted.get(Timing(campaign.timing), "scheduled_at")
    values = {
        "scheduled_at": body.local_at if name == "local_at" else body.scheduled_at,
        "time_zone": body.time_zone or campaign.time_zone,
        "follow_hours": body.follow_hours,
    }
    form = TimeForm(values, campaign=campaign)
    if not form.is_valid():
        message = " ".join(str(text) for texts in form.errors.values() for text in texts)
        raise invalid(name, "invalid", message)
    form.reschedule(campaign.pk, actor(request))
    return show_campaign(request, campaign_id, response)


@router.post(
    "campaigns/{campaign_id}/resend",
    summary="Send a campaign again to some recipients",
    response={201: CampaignOut},
    auth=Needs(Permission.SEND),
)
def resend_campaign(
    request: HttpRequest, campaign_id: CampaignId, body: ResendIn, response: HttpResponse
) -> Any:
    """A draft with the same message for the recipients whom a campaign did not reach."""
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    draft = create_resend_draft(campaign, actor(request), unresolved=body.unresolved)
    return Status(201, show_campaign(request, draft.pk, response))
