"""Campaigns: listed, written as drafts, copied, deleted, labelled, archived."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Status
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.etags import require_match
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.resources.campaigns.fields import (
    CampaignChanges,
    CampaignIn,
    changed_form,
    new_form,
)
from campaigns.api.resources.campaigns.schemas import (
    CampaignId,
    CampaignOut,
    CampaignSummary,
    campaign_out,
    find_campaign,
    show_campaign,
    summary_values,
    tag,
)
from campaigns.api.schemas import ID_MAX, Body, Id, Moment, Money, Text, money, read_moment
from campaigns.compose.editor import drafts
from campaigns.compose.library import archive, labels
from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.reports.campaigns.filters import Filters
from campaigns.reports.campaigns.overview import CampaignRow, load_rows
from campaigns.results.clear_rehearsals import delete_rehearsal
from campaigns.shared.text import without_nul
from campaigns.team.pages.access import get_object_for, require_permission
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Campaigns"])


class ListedCampaign(CampaignSummary):
    accepted: int
    delivered: Annotated[int, Field(description="By Viber, read or not.")]
    read: int
    by_sms: int
    costs: list[Money]


class CampaignPage(Page[ListedCampaign]):
    pass


class CampaignQuery(PageQuery):
    q: Annotated[str, Field(max_length=100, description="A part of the name.")] = ""
    state: CampaignState | None = None
    purpose: Purpose = Purpose.CAMPAIGN
    label: Annotated[int | None, Field(ge=1, le=ID_MAX, description="The id of a label.")] = None
    sender: Annotated[int | None, Field(ge=1, le=ID_MAX, description="Its id.")] = None
    user: Annotated[
        int | None,
        Field(ge=1, le=ID_MAX, description="The id of who launched it, or else wrote it."),
    ] = None
    archived: bool = False
    created_from: Moment = ""
    created_before: Moment = ""
    launched_from: Moment = ""
    launched_before: Moment = ""
    scheduled_from: Moment = ""
    scheduled_before: Moment = ""


class CampaignLabelIn(Body):
    name: Annotated[Text, Field(min_length=1, max_length=labels.LABEL_MAX)]


@router.get("campaigns", response=CampaignPage, auth=Needs(Permission.VIEW))
def list_campaigns(request: HttpRequest, query: Query[CampaignQuery]) -> Any:
    """The campaigns, the newest first, with their results and costs so far."""
    campaigns = visible_to(actor(request), Campaign.objects.filter(purpose=query.purpose))
    filters = Filters(
        state=query.state or "",
        search=without_nul(query.q),
        archived=query.archived,
        label=str(query.label or ""),
        sender=str(query.sender or ""),
        user=str(query.user or ""),
    )
    campaigns = filters.apply(campaigns)
    for column in ("created", "launched", "scheduled"):
        for end, lookup in (("from", "gte"), ("before", "lt")):
            if moment := read_moment(getattr(query, f"{column}_{end}")):
                campaigns = campaigns.filter(**{f"{column}_at__{lookup}": moment})
    campaigns = campaigns.select_related("sender", "launched_by", "created_by")
    rows = campaigns.prefetch_related("labels")
    return page(request, rows, query, _listed, load=load_rows, newest_first=True)


def _listed(row: CampaignRow) -> ListedCampaign:
    counts = row.counts
    return ListedCampaign(
        **summary_values(row.campaign),
        accepted=counts.accepted,
        delivered=counts.delivered,
        read=counts.read,
        by_sms=counts.by_sms,
        costs=[money(cost.total, cost.currency) for cost in row.bill.costs],
    )


@router.post("campaigns", response={201: CampaignOut}, auth=Needs(Permission.COMPOSE))
def create_campaign(request: HttpRequest, body: CampaignIn, response: HttpResponse) -> Any:
    """A new draft. Nothing is sent until it is launched. Without `sending_hours`, at any hour."""
    campaign = drafts.save(new_form(request, body), actor(request))
    return Status(201, show_campaign(request, campaign.pk, response))


@router.get("campaigns/{campaign_id}", response=CampaignOut, auth=Needs(Permission.VIEW))
def get_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """One campaign, as it is set."""
    return show_campaign(request, campaign_id, response)


@router.patch(
    "campaigns/{campaign_id}",
    response={200: CampaignOut, 412: None},
    auth=Needs(Permission.COMPOSE),
)
def change_campaign(
    request: HttpRequest, campaign_id: CampaignId, body: CampaignChanges, response: HttpResponse
) -> Any:
    """Change a draft. The whole draft is checked, as when it is saved in the composer."""
    find_campaign(request, campaign_id, Permission.COMPOSE)
    campaign = drafts.lock_draft(campaign_id)
    require_match(request, tag(campaign_out(campaign)))
    drafts.save(changed_form(request, campaign, body), actor(request))
    return show_campaign(request, campaign_id, response)


@router.delete("campaigns/{campaign_id}", response={204: None}, auth=Needs(Permission.COMPOSE))
@own_transactions
def delete_campaign(request: HttpRequest, campaign_id: CampaignId) -> Any:
    """Delete a draft for good; or a rehearsal that is over, which needs `send` too."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    if campaign.is_rehearsal:
        require_permission(actor(request), Permission.SEND)
        delete_rehearsal(campaign.pk, actor(request))
    else:
        drafts.delete(campaign.pk, actor(request))
    return Status(204, None)


@router.post(
    "campaigns/{campaign_id}/duplicate",
    response={201: CampaignOut},
    auth=Needs(Permission.COMPOSE),
)
def duplicate_campaign(
    request: HttpRequest, campaign_id: CampaignId, response: HttpResponse
) -> Any:
    """A new draft with the same message, audience and labels, and no schedule."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    copy = drafts.duplicate(campaign, actor(request))
    return Status(201, show_campaign(request, copy.pk, response))


@router.post(
    "campaigns/{campaign_id}/archive", response=CampaignOut, auth=Needs(Permission.COMPOSE)
)
def archive_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """Hide a draft, or a campaign that is over, from the list. Reports still count it."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    archive.archive(campaign, actor(request))
    return show_campaign(request, campaign_id, response)


@router.post(
    "campaigns/{campaign_id}/unarchive", response=CampaignOut, auth=Needs(Permission.COMPOSE)
)
def unarchive_campaign(
    request: HttpRequest, campaign_id: CampaignId, response: HttpResponse
) -> Any:
    """Show an archived campaign in the list again."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    archive.unarchive(campaign, actor(request))
    return show_campaign(request, campaign_id, response)


@router.post("campaigns/{campaign_id}/labels", response=CampaignOut, auth=Needs(Permission.COMPOSE))
def add_campaign_label(
    request: HttpRequest, campaign_id: CampaignId, body: CampaignLabelIn, response: HttpResponse
) -> Any:
    """Add the label with this name, which is made if there is none."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    labels.add_label(campaign, body.name, actor(request))
    return show_campaign(request, campaign_id, response)


@router.delete(
    "campaigns/{campaign_id}/labels/{label_id}",
    response=CampaignOut,
    auth=Needs(Permission.COMPOSE),
)
def remove_campaign_label(
    request: HttpRequest,
    campaign_id: CampaignId,
    label_id: Annotated[Id, Path()],
    response: HttpResponse,
) -> Any:
    """Remove a label from the campaign; the label itself stays."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    label = get_object_for(actor(request), campaign.labels.all(), pk=label_id)
    labels.remove_label(campaign, label, actor(request))
    return show_campaign(request, campaign_id, response)
