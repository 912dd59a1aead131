"""What the composer fetches while somebody types: preview, metrics, autosave, other editors."""

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.compose.editor import drafts
from campaigns.compose.editor.autosave import autosave, report_present
from campaigns.compose.editor.card_summaries import card_summaries
from campaigns.compose.editor.draft_metrics import draft_metrics
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.audience_counts import is_overdue, measure_soon
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.pages.draft_request import (
    countries_of,
    draft_of,
    form_of,
    links_context,
    local_times_context,
    preview_context,
    sketched,
)
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.body_limits import IMAGE, accepts_body
from campaigns.team.pages.submissions import new_token, token_of
from campaigns.team.permissions import Permission


@permission_required(Permission.COMPOSE)
@require_POST
def campaign_preview(request: HttpRequest) -> HttpResponse:
    """A fragment: the preview of the unsaved form."""
    form = sketched(request)
    return render(
        request,
        "campaigns/compose/_phone_update.html",
        preview_context(form.fill(Campaign()), form.audience, request),
    )


@permission_required(Permission.COMPOSE)
@require_POST
def campaign_figures(request: HttpRequest) -> HttpResponse:
    """A fragment: audience, lengths, cost, problems and warnings of the unsaved form.

    While a worker counts, it says so, and asks for itself again with `?counting`.
    """
    form = sketched(request)
    campaign, audience = form.fill(Campaign()), form.audience
    template = compile_message(campaign)
    measured = measure_soon(audience, template, polled="counting" in request.GET)
    context = {
        "metrics": draft_metrics(campaign, measured) if measured else None,
        "is_overdue": measured is None and is_overdue(audience, template),
        "template": request.GET.get("template", ""),
        "summaries": card_summaries(campaign, form.chosen),
        **links_context(campaign, is_locked="untracked_links" in form.locked),
        **local_times_context(campaign, countries_of(audience, measured)),
    }
    return render(request, "campaigns/compose/_metrics.html", context)


@permission_required(Permission.COMPOSE)
@require_POST
@accepts_body(IMAGE)
def campaign_autosave(request: HttpRequest, pk: int | None = None) -> JsonResponse:
    """Save the form as it is. Answers with the new version of the draft, or with 409 and the reason
    why nothing was saved. A repeated first save finds the draft that the first one made.
    """
    user, token = current_user(request), token_of(request)
    campaign = draft_of(request, pk) if pk else drafts.saved_with(token, user)
    try:
        saved = autosave(form_of(request, campaign, files=None), user, token)
    except Refused as refused:
        return JsonResponse({"message": str(refused)}, status=409)
    except drafts.DraftChanged:
        message = _("Autosave is off: this draft was changed elsewhere. Save to choose a version.")
        return JsonResponse({"message": message}, status=409)
    except IntegrityError:
        return JsonResponse({"message": _("Not saved yet. Trying again.")}, status=503)
    return JsonResponse(
        {
            "draft": saved.campaign.pk,
            "version": saved.campaign.updated_at.isoformat(),
            "submission": new_token(),
            "edit": reverse("campaign-edit", args=[saved.campaign.pk]),
            "autosave": reverse("campaign-autosave", args=[saved.campaign.pk]),
            "message": _saved_message(saved.unsaved),
            "incomplete": bool(saved.unsaved),
        }
    )


def _saved_message(unsaved: list[str]) -> str:
    if not unsaved:
        return _("Saved just now")
    return _("Saved, except: %(fields)s") % {"fields": ", ".join(unsaved)}


@require_POST
def campaign_present(request: HttpRequest, pk: int) -> HttpResponse:
    """A fragment: who else is editing this draft. Asking also records that this user is."""
    others = report_present(draft_of(request, pk), current_user(request))
    return render(request, "campaigns/compose/_also_editing.html", {"others": others})
