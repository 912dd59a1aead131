"""The page of one campaign and its parts."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from campaigns.compose.audience.selection import audience_sources
from campaigns.compose.editor import rehearsal
from campaigns.compose.launch import lifecycle
from campaigns.compose.library.archive import CAN_ARCHIVE
from campaigns.compose.library.notes import NOTE_MAX, may_delete
from campaigns.compose.message.pictures import picture_url
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, Label
from campaigns.dispatch.models import Evidence
from campaigns.ledger.models import Purpose
from campaigns.reports.campaign import recipients as people
from campaigns.reports.campaign.activity import deeds
from campaigns.reports.campaign.hourly import over_time
from campaigns.reports.campaign.progress import CampaignProgress, load_progress
from campaigns.reports.campaign.reasons import reasons
from campaigns.reports.campaign.unusual_answers import answers
from campaigns.reports.shared.bills import country_bills
from campaigns.reports.shared.labels import country_name
from campaigns.reports.shared.outcomes import by_country
from campaigns.shared.durations import duration
from campaigns.shared.paging import PAGE
from campaigns.shared.table_export import FILES
from campaigns.team import audit
from campaigns.team.access import current_user, get_object_for, has_role
from campaigns.team.models import Role

TABS: dict[str, str | Promise] = {
    "recipients": gettext_lazy("Recipients"),
    "countries": gettext_lazy("Countries"),
    "message": gettext_lazy("Message"),
    "notes": gettext_lazy("Notes"),
    "activity": gettext_lazy("Activity"),
}


def _find(request: HttpRequest, pk: int) -> Campaign:
    return get_object_for(
        current_user(request),
        Campaign.objects.select_related("sender", "created_by", "launched_by", "rehearsal_of"),
        pk=pk,
    )


@require_safe
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _find(request, pk)
    default = "recipients" if campaign.launched_at else "message"
    tab = request.GET.get("tab", default)
    return _page(request, campaign, tab if tab in TABS else default)


def _page(request: HttpRequest, campaign: Campaign, tab: str) -> HttpResponse:
    now = load_progress(campaign)
    context = _live(request, now) | {
        "over_time": over_time(campaign),
        "all_labels": Label.objects.all(),
        "can_label": has_role(current_user(request), Role.MARKETER),
        "tab": tab,
        "tabs": _tabs(campaign, tab),
        "tab_template": f"campaigns/reports/_{tab}.html",
        **_tab_context(request, now, tab),
    }
    return render(request, "campaigns/reports/campaign.html", context)


def _live(request: HttpRequest, now: CampaignProgress) -> dict[str, Any]:
    """What the part of the page that moves shows, and which moves are open to this person."""
    campaign = now.campaign
    marketer = has_role(current_user(request), Role.MARKETER)
    return {
        "standing": now,
        "campaign": campaign,
        "outcome": now.outcome,
        "bill": now.bill,
        "can_edit": marketer and campaign.state in lifecycle.CAN_EDIT,
        "can_pause": marketer and campaign.state in lifecycle.CAN_PAUSE,
        "can_resume": marketer and campaign.state in lifecycle.CAN_RESUME,
        "can_cancel": marketer and campaign.state in lifecycle.CAN_CANCEL,
        "can_change_hours": marketer and lifecycle.can_change_hours(campaign),
        "can_duplicate": marketer,
        "can_go_live": marketer and rehearsal.can_go_live(campaign),
        "can_clear": marketer
        and campaign.purpose == Purpose.REHEARSAL
        and campaign.state in lifecycle.FINAL,
        "can_archive": marketer and campaign.state in CAN_ARCHIVE and not campaign.archived_at,
    }


def _tabs(campaign: Campaign, here: str) -> list[dict[str, Any]]:
    address = reverse("campaign-detail", args=[campaign.pk])
    return [
        {"label": label, "url": f"{address}?tab={key}#tabs", "here": key == here}
        for key, label in TABS.items()
    ]


def _tab_context(request: HttpRequest, now: CampaignProgress, tab: str) -> dict[str, Any]:
    campaign = now.campaign
    if tab == "recipients":
        return _recipients(request, now)
    if tab == "countries":
        return {"countries": _countries(campaign)}
    if tab == "notes":
        written = Paginator(campaign.notes.select_related("author"), PAGE).get_page(
            request.GET.get("page")
        )
        user = current_user(request)
        notes = [
            (note, has_role(user, Role.MARKETER) and may_delete(note, user)) for note in written
        ]
        return {
            "page": written,
            "notes": notes,
            "can_note": has_role(user, Role.MARKETER),
            "note_max": NOTE_MAX,
        }
    if tab == "activity":
        trail = Paginator(audit.activity(campaign), PAGE).get_page(request.GET.get("page"))
        kept = Paginator(Evidence.objects.filter(campaign=campaign), PAGE).get_page(
            request.GET.get("answers")
        )
        return {
            "page": trail,
            "deeds": deeds(trail.object_list),
            "kept": kept,
            "answers": answers(
                kept.object_list, masked=not has_role(current_user(request), Role.MARKETER)
            ),
        }
    return _message(campaign)


def _message(campaign: Campaign) -> dict[str, Any]:
    return {
        "picture": picture_url(campaign),
        "names": sorted(compile_message(campaign).names),
        "chosen": audience_sources(campaign),
        "left_out": audience_sources(campaign, excluded=True),
        "validity": duration(campaign.validity),
    }


def _countries(campaign: Campaign) -> list[dict[str, Any]]:
    billed = country_bills(campaign.pk)
    return [
        {"name": country_name(code), "code": code, "outcome": outcome, "bill": billed.get(code)}
        for code, outcome in by_country(campaign.pk).items()
    ]


def _recipients(request: HttpRequest, now: CampaignProgress) -> dict[str, Any]:
    chosen = people.read_chosen(request.GET)
    rows = people.page(now.campaign, chosen, now.outcome, request.GET.get("at", ""))
    return {
        **_chips(now, chosen),
        "rows": [(row, people.reason(row)) for row in rows.rows],
        "slice": rows,
        "total": people.expected(now.outcome, chosen),
        "phone": request.GET.get("phone", ""),
        "any_part": people.finds_any_part(now.campaign),
        "nothing": _nothing(now, chosen),
    }


def _nothing(now: CampaignProgress, chosen: people.Chosen) -> str:
    """Why the table is empty: which filter did it."""
    if chosen.phone and chosen.state:
        return _("Nobody who is “%(state)s” has %(phone)s in the phone.") % {
            "state": chosen.state.label,
            "phone": chosen.phone,
        }
    if chosen.phone:
        words = (
            _("No phone in this campaign has %(phone)s in it.")
            if people.finds_any_part(now.campaign)
            else _(
                "No phone in this campaign begins with %(phone)s. It begins with its country code."
            )
        )
        return words % {"phone": chosen.phone}
    if chosen.state:
        return _("Nobody is “%(state)s”.") % {"state": chosen.state.label}
    if now.campaign.launched_at:
        return _("The audience is not put together yet.")
    return _(
        "Everybody who gets the message stands here, one row each, once the campaign is launched."
    )


def _chips(now: CampaignProgress, chosen: people.Chosen) -> dict[str, Any]:
    """One filter for each state that anybody is in, and within the chosen one a filter for each
    reason.
    """
    states = [
        *people.FILTERS.values(),
        *(group for group in people.GROUPS.values() if group == chosen.state),
    ]
    counted = [(state, state.number(now.outcome)) for state in states]
    within = reasons(now.outcome, chosen.state.key) if chosen.state else []
    return {
        "chosen": chosen,
        "chips": [
            {"value": state.key, "label": state.label, "count": number}
            for state, number in counted
            if number or state == chosen.state
        ],
        "reasons": within if len(within) > 1 or chosen.why else [],
        "every": now.refresh_seconds,
    }


@require_safe
def campaign_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the campaign page that moves by itself."""
    return render(
        request,
        "campaigns/reports/_progress.html",
        _live(request, load_progress(_find(request, pk))),
    )


@require_safe
def campaign_recipients(request: HttpRequest, pk: int) -> HttpResponse:
    """The table of recipients: alone for htmx, else the whole page with it."""
    campaign = _find(request, pk)
    htmx = request.headers.get("HX-Request") and not request.headers.get(
        "HX-History-Restore-Request"
    )
    if not htmx:
        return _page(request, campaign, "recipients")
    now = load_progress(campaign)
    if "chips" in request.GET:
        context = {"campaign": campaign, **_chips(now, people.read_chosen(request.GET))}
        return render(request, "campaigns/reports/_recipient_chips.html", context)
    return render(
        request,
        "campaigns/reports/_recipients.html",
        {"campaign": campaign, **_recipients(request, now)},
    )


@require_safe
def campaign_recipients_export(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Everybody whom the filters select, as a file."""
    campaign = _find(request, pk)
    masked = not has_role(current_user(request), Role.MARKETER)
    rows = people.export_rows(campaign, people.read_chosen(request.GET), masked)
    return FILES[kind](f"{campaign.purpose}-{campaign.pk}-recipients", people.EXPORT_COLUMNS, rows)
