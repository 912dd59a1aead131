"""The page of one campaign and its parts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.compose.editor import rehearsal
from campaigns.compose.launch import lifecycle, reachable, running_changes, state_changes
from campaigns.compose.launch.follow_ups import can_be_followed
from campaigns.compose.library import archive
from campaigns.compose.models import Campaign, CampaignState, Label
from campaigns.gateway.environment import Environment
from campaigns.ledger.models import Purpose
from campaigns.reports.campaign import recipients
from campaigns.reports.campaign.message_rows import load_tests
from campaigns.reports.campaign.progress import CampaignProgress, load_progress
from campaigns.reports.campaign.progress_figures import cost_tables, key_figures
from campaigns.reports.campaign.status_texts import (
    cancel_warning,
    go_live_warning,
    summary,
    take_back_text,
)
from campaigns.reports.campaign.timeline import load_timeline
from campaigns.reports.pages.campaign_tabs import (
    TABS,
    recipients_context,
    tab_context,
    tab_links,
)
from campaigns.team import accounts
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.audit.downloads import download
from campaigns.team.pages.sign_in.fresh import fresh_to_download
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, sees_phones


def _get_campaign(request: HttpRequest, pk: int) -> Campaign:
    return get_object_for(
        current_user(request),
        Campaign.objects.select_related(
            "sender", "created_by", "launched_by", "rehearsal_of", "decided_by", "follows"
        ),
        pk=pk,
    )


@require_safe
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page, with the tab that `?tab=` names."""
    campaign = _get_campaign(request, pk)
    default = "recipients" if campaign.launched_at else "message"
    tab = request.GET.get("tab", default)
    return _render_page(request, campaign, tab if tab in TABS else default)


def _render_page(request: HttpRequest, campaign: Campaign, tab: str) -> HttpResponse:
    progress = load_progress(campaign)
    context = _progress_context(request, progress) | {
        "summary": summary(campaign),
        "timeline": load_timeline(campaign),
        "follow_ups": campaign.follow_ups.order_by("pk") if campaign.launched_at else (),
        "all_labels": Label.objects.all(),
        "can_label": has_permission(current_user(request), Permission.COMPOSE),
        "tab": tab,
        "tabs": tab_links(campaign, tab),
        "tab_template": f"campaigns/reports/_{tab}.html",
        **tab_context(request, progress, tab),
    }
    return render(request, "campaigns/reports/campaign.html", context)


def _progress_context(request: HttpRequest, progress: CampaignProgress) -> dict[str, Any]:
    """Return what the part that updates by itself shows."""
    campaign, counts = progress.campaign, progress.counts
    known = accounts.cached()
    owner = known.owner(campaign.account_id)
    actions = _allowed_actions(request, campaign)
    return {
        "progress": progress,
        "campaign": campaign,
        "counts": counts,
        "bill": progress.bill,
        "figures": key_figures(progress),
        "cost_tables": cost_tables(progress),
        "status": progress.status,
        "is_of_test_key": owner is not None and owner.environment == Environment.TEST,
        "budget_link": _budget_link(request, campaign),
        "waiting_places": [
            (waiting, waiting.place_text(str(campaign.sending_hours or "")))
            for waiting in progress.waiting
        ],
        "cancel_warning": cancel_warning(progress),
        "go_live_warning": go_live_warning(campaign),
        **actions,
        "take_back_text": take_back_text(campaign) if actions["can_take_back"] else "",
    }


def _allowed_actions(request: HttpRequest, campaign: Campaign) -> dict[str, bool]:
    """Return which actions the user may take in the state that the campaign is in."""
    user = current_user(request)
    can_compose = has_permission(user, Permission.COMPOSE)
    can_send = has_permission(user, Permission.SEND)
    is_rehearsal = campaign.purpose == Purpose.REHEARSAL
    can_go_live = can_send and rehearsal.can_go_live(campaign)
    return {
        "can_edit": can_compose and campaign.state in lifecycle.CAN_EDIT,
        "can_review": can_send and campaign.state == CampaignState.AWAITING_APPROVAL,
        "can_pause": can_send and campaign.state in lifecycle.CAN_PAUSE,
        "can_resume": can_send
        and campaign.state in lifecycle.CAN_RESUME
        and not reachable.waiting_text(campaign, accounts.cached()),
        "can_cancel": can_send and campaign.state in lifecycle.CAN_CANCEL,
        "can_take_back": can_send and state_changes.is_unprepared(campaign),
        "can_reschedule": can_send and running_changes.can_reschedule(campaign),
        "can_change_hours": can_send and running_changes.can_change_hours(campaign),
        "can_duplicate": can_compose and campaign.launched_at is not None,
        "can_follow": can_compose and can_be_followed(campaign),
        "can_resend": can_send and campaign.finished_at is not None and not is_rehearsal,
        "can_go_live": can_go_live,
        "can_clear": can_send and is_rehearsal and campaign.state in lifecycle.FINAL,
        "can_archive": can_compose
        and campaign.state in archive.CAN_ARCHIVE
        and not campaign.archived_at,
    }


def _budget_link(request: HttpRequest, campaign: Campaign) -> dict[str, str]:
    """Where the user can raise the budget that paused `campaign`: address, label."""
    if campaign.state != CampaignState.PAUSED:
        return {}
    user = current_user(request)
    if campaign.reason in ("budget", "budget_currency") and has_permission(user, Permission.SEND):
        address = reverse("campaign-budget", args=[campaign.pk])
        return {"url": address, "label": _("Change the budget")}
    of_month = campaign.reason in ("month_budget", "user_budget")
    if of_month and has_permission(user, Permission.MANAGE_LIMITS):
        return {"url": reverse("month-budgets"), "label": _("Change monthly budgets")}
    return {}


@permission_required(Permission.COMPOSE)
@require_safe
def campaign_menu(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions of a row in a list of campaigns, for htmx."""
    campaign = _get_campaign(request, pk)
    context = {
        "title": campaign.name,
        "campaign": campaign,
        **_allowed_actions(request, campaign),
        "take_back_text": take_back_text(campaign),
    }
    return render(request, "campaigns/reports/campaign_menu.html", context)


@require_safe
def campaign_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that updates by itself, for htmx. It tells the table of recipients when
    they have changed since the page saw them.
    """
    progress = load_progress(_get_campaign(request, pk))
    answer = render(
        request, "campaigns/reports/_progress.html", _progress_context(request, progress)
    )
    if request.GET.get("seen") != progress.fingerprint:
        answer.headers["HX-Trigger"] = "recipients-changed"
    return answer


@require_safe
def campaign_tests(request: HttpRequest, pk: int) -> HttpResponse:
    """The last test sends of a draft and how far they are, on its review, for htmx."""
    campaign = _get_campaign(request, pk)
    tests = load_tests(campaign)
    is_awaited = any(test.is_awaited for test in tests)
    context = {"campaign": campaign, "tests": tests, "is_awaited": is_awaited}
    return render(request, "campaigns/reports/_tests.html", context)


@require_safe
def campaign_recipients(request: HttpRequest, pk: int) -> HttpResponse:
    """The table of recipients: alone for htmx, or else within the page."""
    campaign = _get_campaign(request, pk)
    htmx = request.headers.get("HX-Request") and not request.headers.get(
        "HX-History-Restore-Request"
    )
    if not htmx:
        return _render_page(request, campaign, "recipients")
    progress = load_progress(campaign)
    context = {"campaign": campaign, **recipients_context(request, progress)}
    return render(request, "campaigns/reports/_recipients.html", context)


@require_safe
@fresh_to_download
def campaign_recipients_export(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """All recipients that the filters select, as a file."""
    campaign = _get_campaign(request, pk)
    masked = not sees_phones(current_user(request))
    query = recipients.read_query(request.GET, masked=masked)
    rows = recipients.export_rows(campaign, query, masked)
    table = recipients.EXPORT_COLUMNS, rows
    return download(request, kind, recipients.file_name(campaign), table, campaign)
