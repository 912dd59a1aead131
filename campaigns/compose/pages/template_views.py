"""Templates: list them, save one, lock its fields, delete it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.library import message_templates
from campaigns.compose.models import CampaignState, CampaignTemplate
from campaigns.compose.pages.draft_request import draft_of
from campaigns.shared.query_values import read_text
from campaigns.team.pages.access import current_user, get_object_for
from campaigns.team.pages.navigation import campaign_tabs
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to

PAGE_SIZE = 50


@require_safe
def template_list(request: HttpRequest) -> HttpResponse:
    """All templates, each with its locked fields."""
    user = current_user(request)
    in_drafts = Q(campaigns__state=CampaignState.DRAFT)
    counted = CampaignTemplate.objects.annotate(
        uses=Count("campaigns"), drafts=Count("campaigns", filter=in_drafts)
    )
    templates = visible_to(user, counted.order_by("name"))
    page = Paginator(templates, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "locks": message_templates.LOCKABLE,
        "tabs": campaign_tabs("template-list"),
        "can_lock": has_permission(user, Permission.MODERATE),
    }
    return render(request, "campaigns/compose/template_list.html", context)


@once
@require_POST
def template_save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the message of campaign `pk` as a template."""
    campaign = draft_of(request, pk)
    try:
        message_templates.save_as_template(
            campaign, read_text(request.POST, "name"), current_user(request)
        )
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-edit", pk)
    messages.success(request, _("Template saved. You can start new campaigns from it."))
    return redirect("template-list")


@require_POST
def template_lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the fields that only administrators may change."""
    template = get_object_for(
        current_user(request), CampaignTemplate.objects.all(), Permission.MODERATE, pk=pk
    )
    message_templates.lock(template, request.POST.getlist("locked"), current_user(request))
    messages.success(request, _("Locked fields saved."))
    return redirect("template-list")


@require_POST
def template_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a template; only administrators delete one with locked fields."""
    template = get_object_for(
        current_user(request), CampaignTemplate.objects.all(), Permission.COMPOSE, pk=pk
    )
    try:
        message_templates.delete(template, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Template deleted. Campaigns made from it keep their content."))
    return redirect("template-list")
