"""Delete a rehearsal from its page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign
from campaigns.results.clear_rehearsals import delete_rehearsal
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.permissions import Permission


@require_POST
def rehearsal_clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a rehearsal that has ended, and go to its draft."""
    campaign = get_object_for(
        current_user(request),
        Campaign.objects.select_related("rehearsal_of"),
        Permission.SEND,
        pk=pk,
    )
    draft = campaign.rehearsal_of
    try:
        name = delete_rehearsal(pk, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": name})
    return redirect(draft) if draft else redirect("campaign-list")
