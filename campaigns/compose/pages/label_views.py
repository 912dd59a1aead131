"""Labels, notes and the archive on the page of a campaign."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import archive, labels, notes
from campaigns.compose.models import Campaign, Label, Note
from campaigns.shared.query_values import read_id, read_text
from campaigns.team.pages.access import current_user, get_object_for, require_permission
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission


def _campaign(request: HttpRequest, pk: int) -> Campaign:
    return get_object_for(current_user(request), Campaign.objects.all(), Permission.COMPOSE, pk=pk)


@require_POST
def campaign_labels(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a label (`name`) or remove one (`remove`). For htmx: the labels as they are now."""
    campaign, error = _campaign(request, pk), ""
    try:
        _change_labels(request, campaign)
    except Refused as refused:
        error = str(refused)
    if request.headers.get("HX-Request"):
        context = {
            "campaign": campaign,
            "all_labels": Label.objects.all(),
            "can_label": True,
            "error": error,
        }
        return render(request, "campaigns/compose/_labels.html", context)
    if error:
        messages.error(request, error)
    return redirect(campaign)


def _change_labels(request: HttpRequest, campaign: Campaign) -> None:
    user = current_user(request)
    if (removed := read_id(request.POST.get("remove", ""))) is not None:
        label = get_object_for(user, campaign.labels.all(), pk=removed)
        labels.remove_label(campaign, label, user)
    else:
        labels.add_label(campaign, read_text(request.POST, "name"), user)


@once
@require_POST
def campaign_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a note to a campaign."""
    campaign = _campaign(request, pk)
    try:
        notes.add_note(campaign, read_text(request.POST, "text"), current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"{reverse('campaign-detail', args=[pk])}?tab=notes#tabs")


@require_POST
def note_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own note; administrators delete any."""
    user = current_user(request)
    note = get_object_for(user, Note.objects.select_related("campaign"), Permission.COMPOSE, pk=pk)
    if not notes.may_delete(note, user):
        require_permission(user, Permission.MODERATE)
    notes.delete_note(note, user)
    messages.success(request, _("Note deleted."))
    return redirect(f"{reverse('campaign-detail', args=[note.campaign_id])}?tab=notes#tabs")


@require_POST
def campaign_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Hide a campaign from the list."""
    campaign = _campaign(request, pk)
    try:
        archive.archive(campaign, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(campaign)
    messages.success(
        request, _("“%(name)s” archived. Reports still count it.") % {"name": campaign.name}
    )
    return redirect(campaign)


@require_POST
def campaign_unarchive(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an archived campaign in the list again."""
    campaign = _campaign(request, pk)
    archive.unarchive(campaign, current_user(request))
    messages.success(
        request, _("“%(name)s” is back in the list of campaigns.") % {"name": campaign.name}
    )
    return redirect(campaign)
