"""What answers say of a campaign."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Schema
from pydantic import Field

from campaigns.api.access import actor
from campaigns.api.etags import etag, send
from campaigns.api.resources.me import CapOut
from campaigns.api.schemas import Id, Money, money
from campaigns.compose.audience.frequency_cap import cap_of
from campaigns.compose.launch.pause_reasons import reason_text
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    DecisionMeasure,
    EarlierCampaign,
    Picture,
    RecipientOutcome,
    Timing,
    VariantSplit,
)
from campaigns.ledger.models import Purpose
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

CampaignId = Annotated[Id, Path()]


class Named(Schema):
    id: int
    name: str


class SourceOut(Schema):
    campaign: int
    outcome: RecipientOutcome


class ApprovalOut(Schema):
    asked_by: str | None
    asked_at: datetime | None
    approved_by: str | None
    note: Annotated[str, Field(description="What has to be changed, of an approver.")]


class CampaignSummary(Schema):
    id: int
    name: str
    purpose: Purpose
    state: CampaignState
    reason: Annotated[str | None, Field(description="Why it is paused, and what to do.")]
    archived: bool
    labels: list[Named]
    sender: str
    audience: Annotated[int | None, Field(description="Recipients, once they are fixed.")]
    created_by: str | None
    launched_by: str | None
    created_at: datetime
    updated_at: datetime
    scheduled_at: datetime | None
    launched_at: datetime | None
    finished_at: datetime | None


class VariantOut(Schema):
    text: str
    button_caption: str
    button_url: str
    image: Annotated[
        str,
        Field(
            description="`same` as A, `none`, `url`: at `image_url`, or `library`: `picture_id`."
        ),
    ]
    image_url: str
    picture_id: Annotated[int | None, Field(description="null: not of the library.")]


class CampaignOut(CampaignSummary):
    text: str
    image_url: str
    picture_id: int | None
    button_caption: str
    button_url: str
    track_links: bool
    untracked_links: list[str]
    track_conversions: bool
    sms_sender: str
    sms_text: str
    promotional: bool
    validity: Annotated[int, Field(description="Seconds.")]
    tariff: int
    variants: Annotated[list[VariantOut], Field(description="B, C and D; the text above is A.")]
    variant_split: VariantSplit
    test_share: Annotated[int, Field(description="Per cent.")]
    decision_measure: DecisionMeasure
    decision_hours: int
    decides_itself: bool
    winner: Annotated[str | None, Field(description="The variant that the rest gets.")]
    decided_at: datetime | None
    decided_by: Annotated[str | None, Field(description="null: ViberDash itself, or nobody yet.")]
    lists: list[Named]
    exclude_lists: list[Named]
    segments: list[Named]
    exclude_segments: list[Named]
    campaigns: list[SourceOut]
    exclude_campaigns: list[SourceOut]
    timing: Timing
    local_at: Annotated[str | None, Field(description="In the recipient's local time.")]
    follows: Annotated[int | None, Field(description="The campaign that a follow-up waits for.")]
    follow_hours: Annotated[int | None, Field(description="Hours after its end.")]
    time_zone: str
    sending_hours: Annotated[str | None, Field(description="In the recipient's local time.")]
    budget: Annotated[
        Money | None, Field(description="The currency is empty before the launch says which.")
    ]
    rate: Annotated[int | None, Field(description="Recipients per second.")]
    frequency_cap: Annotated[
        CapOut | None, Field(description="Its own or that of its brand. null: nothing limits it.")
    ]
    template_id: int | None
    rehearsal_of: Annotated[
        int | None,
        Field(description="The campaign that a rehearsal, a test or a resend was made from."),
    ]
    approval: ApprovalOut


def find_campaign(
    request: HttpRequest, campaign_id: int, permission: Permission = Permission.VIEW
) -> Campaign:
    """The campaign, for a user with `permission`."""
    return get_object_for(actor(request), _campaigns(), permission, pk=campaign_id)


def _campaigns() -> QuerySet[Campaign]:
    return Campaign.objects.select_related(
        "sender", "created_by", "launched_by", "made_from", "decided_by"
    )


def summary_values(campaign: Campaign) -> dict[str, Any]:
    """The values of a CampaignSummary."""
    sender = campaign.sender.name if campaign.sender else campaign.new_sender
    return {
        "id": campaign.pk,
        "name": campaign.name,
        "purpose": campaign.purpose,
        "state": campaign.state,
        "reason": reason_text(campaign) or None,
        "archived": campaign.archived_at is not None,
        "labels": [Named(id=label.pk, name=label.name) for label in campaign.labels.all()],
        "sender": sender,
        "audience": campaign.audience,
        "created_by": user_name(campaign.created_by),
        "launched_by": user_name(campaign.launched_by),
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
        "scheduled_at": campaign.scheduled_at,
        "launched_at": campaign.launched_at,
        "finished_at": campaign.finished_at,
    }


def campaign_out(campaign: Campaign) -> CampaignOut:
    """All that is set in a campaign."""
    earlier = list(campaign.earlier.order_by("source_id", "outcome"))
    hours, budget, cap = campaign.sending_hours, campaign.budget, cap_of(campaign)
    return CampaignOut(
        **summary_values(campaign),
        **{name: getattr(campaign, name) for name in _SAME},
        lists=_named(campaign, "lists"),
        exclude_lists=_named(campaign, "exclude_lists"),
        segments=_named(campaign, "segments"),
        exclude_segments=_named(campaign, "exclude_segments"),
        picture_id=_picture_id(str(campaign.image or "")),
        variants=[
            variant | {"picture_id": _picture_id(variant.get("image_file", ""))}
            for variant in campaign.variants
        ],
        campaigns=_sources(earlier, left_out=False),
        exclude_campaigns=_sources(earlier, left_out=True),
        winner=campaign.winner or None,
        decided_by=user_name(campaign.decided_by),
        local_at=campaign.local_at or None,
        follows=campaign.follows_id,
        sending_hours=str(hours) if hours else None,
        frequency_cap=CapOut(messages=cap.messages, days=cap.days) if cap else None,
        budget=None if budget is None else money(budget, campaign.budget_currency),
        template_id=campaign.made_from_id,
        rehearsal_of=campaign.rehearsal_of_id,
        approval=ApprovalOut(
            asked_by=user_name(campaign.approval_asked_by),
            asked_at=campaign.approval_asked_at,
            approved_by=user_name(campaign.approved_by),
            note=campaign.approval_note,
        ),
    )


_SAME = (
    "text", "image_url", "button_caption", "button_url", "track_links", "untracked_links",
    "track_conversions",
    "sms_sender", "sms_text", "promotional", "validity", "tariff", "timing", "time_zone", "rate",
    "variant_split", "test_share", "decision_measure", "decision_hours",
    "decides_itself", "decided_at",
    "follow_hours",
)  # fmt: skip


def _picture_id(file: str) -> int | None:
    pictures = Picture.objects.filter(file=file) if file else Picture.objects.none()
    return pictures.values_list("pk", flat=True).first()


def _named(campaign: Campaign, name: str) -> list[Named]:
    rows = getattr(campaign, name).order_by("pk").values_list("pk", "name")
    return [Named(id=pk, name=title) for pk, title in rows]


def _sources(earlier: list[EarlierCampaign], *, left_out: bool) -> list[SourceOut]:
    return [
        SourceOut(campaign=row.source_id, outcome=RecipientOutcome(row.outcome))
        for row in earlier
        if row.left_out == left_out
    ]


def user_name(user: User | None) -> str | None:
    """The user name; None for nobody, a command or a deleted user."""
    return user.get_username() if user else None


def tag(shown: CampaignOut) -> str:
    """The version of a campaign: another one whenever anything in it differs."""
    return etag("campaign", shown.model_dump_json())


def show_campaign(request: HttpRequest, campaign_id: int, response: HttpResponse) -> CampaignOut:
    """The answer that has the campaign as it is now. Whoever changed it may read it, too."""
    shown = campaign_out(
        get_object_or_404(visible_to(actor(request), _campaigns()), pk=campaign_id)
    )
    send(response, tag(shown))
    return shown
