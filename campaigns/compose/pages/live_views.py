"""What lives beside the form: the phone, the figures, saving by itself, who else is here."""

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
from campaigns.compose.models import Campaign
from campaigns.compose.pages.draft_request import clocks, draft_of, form_of, phone, sketched
from campaigns.team.access import current_user, role_required
from campaigns.team.models import Role


@role_required(Role.MARKETER)
@require_POST
def campaign_preview(request: HttpRequest) -> HttpResponse:
    """A fragment: the phone, for the form as it stands."""
    form = sketched(request)
    return render(
        request,
        "campaigns/compose/_phone_fragment.html",
        phone(form.fill(Campaign()), form.audience, request),
    )


@role_required(Role.MARKETER)
@require_POST
def campaign_figures(request: HttpRequest) -> HttpResponse:
    """A fragment: people, lengths, cost, what is wrong and what is doubtful, for the form as it
    stands.
    """
    form = sketched(request)
    campaign, audience = form.fill(Campaign()), form.audience
    found = {
        "figures": draft_metrics(campaign, audience),
        "lines": card_summaries(campaign, audience),
        **clocks(campaign, audience),
    }
    return render(request, "campaigns/compose/_figures.html", found)


@role_required(Role.MARKETER)
@require_POST
def campaign_autosave(request: HttpRequest, pk: int | None = None) -> JsonResponse:
    """Save what is written so far. Answers with the draft's version, or 409 and the words why
    nothing was saved.
    """
    form = form_of(request, draft_of(request, pk) if pk else None, files=None)
    try:
        saved = autosave(form, current_user(request))
    except Refused as refused:
        return JsonResponse({"words": str(refused)}, status=409)
    except drafts.DraftChanged:
        words = _(
            "Somebody else saved this draft. Nothing of yours is saved by itself any more: press"
            " Save draft."
        )
        return JsonResponse({"words": words}, status=409)
    return JsonResponse(
        {
            "draft": saved.campaign.pk,
            "version": saved.campaign.updated_at.isoformat(),
            "edit": reverse("campaign-edit", args=[saved.campaign.pk]),
            "autosave": reverse("campaign-autosave", args=[saved.campaign.pk]),
            "words": _saved_words(saved.unsaved),
        }
    )


def _saved_words(left_out: list[str]) -> str:
    if not left_out:
        return _("Saved just now")
    return _("Saved, without: %(fields)s") % {"fields": ", ".join(left_out)}


@require_POST
def campaign_present(request: HttpRequest, pk: int) -> HttpResponse:
    """A fragment: who else has this draft open. Its page asks so often, which says that this person
    has.
    """
    others = report_present(draft_of(request, pk), current_user(request))
    return render(request, "campaigns/compose/_also_editing.html", {"others": others})
