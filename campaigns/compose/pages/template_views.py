"""Pages of templates: start from one, keep one, lock its fields, delete it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import message_templates
from campaigns.compose.models import CampaignTemplate
from campaigns.compose.pages.draft_request import draft_of
from campaigns.team.access import current_user, get_object_for, has_role, visible_to
from campaigns.team.models import Role

ON_A_PAGE = 50


@require_safe
def template_list(request: HttpRequest) -> HttpResponse:
    """All templates, with what is locked in each."""
    person = current_user(request)
    saved = visible_to(
        person, CampaignTemplate.objects.annotate(uses=Count("campaigns")).order_by("name")
    )
    page = Paginator(saved, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "locks": message_templates.LOCKABLE,
        "administrates": has_role(person, Role.ADMINISTRATOR),
    }
    return render(request, "campaigns/compose/template_list.html", context)


@require_POST
def template_keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the message of campaign `pk` as a template."""
    campaign = draft_of(request, pk)
    try:
        message_templates.keep(campaign, request.POST.get("name", ""), current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-edit", pk)
    messages.success(request, _("The template is kept. New campaigns can start from it."))
    return redirect("template-list")


@require_POST
def template_lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose what only administrators may change."""
    saved = get_object_for(
        current_user(request), CampaignTemplate.objects.all(), Role.ADMINISTRATOR, pk=pk
    )
    message_templates.lock(saved, request.POST.getlist("locked"), current_user(request))
    messages.success(request, _("Saved."))
    return redirect("template-list")


@require_POST
def template_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a template; one with locks only by an administrator."""
    saved = get_object_for(
        current_user(request), CampaignTemplate.objects.all(), Role.MARKETER, pk=pk
    )
    if message_templates.locked_fields(saved, current_user(request)):
        messages.error(request, _("Only an administrator deletes a template with locked fields."))
    else:
        message_templates.delete(saved, current_user(request))
        messages.success(
            request, _("The template is deleted. Campaigns made from it keep their words.")
        )
    return redirect("template-list")
