"""The decision of a second person about a campaign that waits for approval; and back to draft."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.confirmation import counted_again_message
from campaigns.compose.launch.lifecycle import CAN_APPROVE, Refused
from campaigns.compose.message.audience_counts import measure_soon
from campaigns.compose.message.render import compile_message
from campaigns.compose.pages.draft_request import draft_of
from campaigns.compose.pages.launch_forms import launch_confirmation
from campaigns.compose.pages.review_views import review_page
from campaigns.ledger.models import Purpose
from campaigns.shared.query_values import read_text
from campaigns.team.pages.access import current_user, require_permission
from campaigns.team.pages.sign_in.fresh import require_fresh
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission


@once
@require_POST
def campaign_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve and launch a campaign, if it is still as on the review page that was posted, and the
    typed number of recipients and maximum cost are right: an approver confirms as a launcher does.
    """
    campaign = draft_of(request, pk)
    require_permission(current_user(request), Permission.APPROVE)
    require_fresh(request)
    measured = measure_soon(Audience.of(campaign), compile_message(campaign))
    if measured is None:
        messages.warning(request, counted_again_message())
        return redirect("campaign-review", pk)
    confirmation = launch_confirmation(campaign, measured, request.POST)
    if campaign.state in CAN_APPROVE and measured.recipients and not confirmation.is_valid():
        return review_page(request, campaign, confirmation)
    try:
        lifecycle.approve(pk, current_user(request), request.POST.get("fingerprint", ""))
    except Refused as refused:
        messages.error(request, str(refused))
        campaign.refresh_from_db(fields=["state"])
        return (
            redirect("campaign-review", pk) if campaign.state in CAN_APPROVE else redirect(campaign)
        )
    messages.success(request, _("“%(name)s” approved and launched.") % {"name": campaign.name})
    return redirect(campaign)


@require_POST
def campaign_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Request changes with a note, withdraw one's own campaign, or take back one that waits for its
    time: it becomes a draft again. A test is cancelled.
    """
    campaign = draft_of(request, pk)
    if was_launched := campaign.launched_at is not None:
        require_permission(current_user(request), Permission.SEND)
    try:
        lifecycle.return_to_draft(pk, current_user(request), read_text(request.POST, "note"))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign) if was_launched else redirect("campaign-review", pk)
    is_test = campaign.purpose == Purpose.TEST
    message = _("“%(name)s” is cancelled.") if is_test else _("“%(name)s” is a draft again.")
    messages.success(request, message % {"name": campaign.name})
    return redirect("campaign-edit", pk) if was_launched else redirect(campaign)
