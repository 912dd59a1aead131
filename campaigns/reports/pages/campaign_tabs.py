"""The tabs of a campaign's page: what each of them shows."""

from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.audience.selection import audience_sources
from campaigns.compose.editor.card_summaries import variant_rule
from campaigns.compose.library import notes
from campaigns.compose.library.web_pictures import shown_picture
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.variants import letters_of, others
from campaigns.compose.models import Campaign
from campaigns.contacts.pages.whole_phone import whole_phone_text
from campaigns.contacts.people.names import names_of
from campaigns.dispatch.evidence import TEST_ANSWER
from campaigns.dispatch.models import Evidence
from campaigns.reports.campaign import link_results, message_rows, recipients
from campaigns.reports.campaign.activity import describe_entries
from campaigns.reports.campaign.clicks import load_figures
from campaigns.reports.campaign.progress import CampaignProgress
from campaigns.reports.campaign.reasons import count_reasons
from campaigns.reports.campaign.recipients import RecipientQuery
from campaigns.reports.campaign.unusual_responses import format_responses
from campaigns.reports.campaign.variants import load_results
from campaigns.reports.shared.bills import load_country_bills
from campaigns.reports.shared.delivery_counts import load_country_counts
from campaigns.reports.shared.labels import country_name
from campaigns.reports.shared.opt_outs import load_opt_outs
from campaigns.shared.figures.durations import duration
from campaigns.shared.paging import PAGE
from campaigns.team import audit
from campaigns.team.pages.access import current_user
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, sees_phones

TABS: dict[str, str | Promise] = {
    "recipients": gettext_lazy("Recipients"),
    "variants": gettext_lazy("Variants"),
    "clicks": gettext_lazy("Clicks and opt-outs"),
    "countries": gettext_lazy("Countries"),
    "message": gettext_lazy("Message"),
    "notes": gettext_lazy("Notes"),
    "activity": gettext_lazy("Activity"),
}


def tab_links(campaign: Campaign, current: str) -> list[dict[str, Any]]:
    """Return the tabs for components/tabs.html."""
    url = reverse("campaign-detail", args=[campaign.pk])
    return [
        {"label": label, "url": f"{url}?tab={key}#tabs", "here": key == current}
        for key, label in TABS.items()
        if _has_tab(campaign, key)
    ]


def _has_tab(campaign: Campaign, key: str) -> bool:
    if key == "variants":
        return bool(campaign.variants) and campaign.launched_at is not None
    return key != "clicks" or campaign.has_short_links


def tab_context(request: HttpRequest, progress: CampaignProgress, tab: str) -> dict[str, Any]:
    """Return what the template of `tab`, a key of TABS, needs."""
    campaign = progress.campaign
    if tab == "recipients":
        return recipients_context(request, progress)
    if tab == "variants":
        user = current_user(request)
        return {
            "results": load_results(campaign),
            "can_choose": has_permission(user, Permission.SEND),
        }
    if tab == "clicks":
        return {
            "clicks": load_figures(campaign, progress.counts) if campaign.is_tracked else None,
            "opt_outs": load_opt_outs(campaign, progress.counts),
        }
    if tab == "countries":
        return {"countries": _countries(campaign)}
    if tab == "notes":
        return _notes_context(request, campaign)
    if tab == "activity":
        return _activity_context(request, campaign)
    return _message_context(campaign)


def _notes_context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    user = current_user(request)
    can_note = has_permission(user, Permission.COMPOSE)
    page = Paginator(campaign.notes.select_related("author"), PAGE).get_page(
        request.GET.get("page")
    )
    return {
        "page": page,
        "notes": [(note, can_note and notes.may_delete(note, user)) for note in page],
        "can_note": can_note,
        "note_max": notes.NOTE_MAX,
    }


def _activity_context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    page = Paginator(audit.activity(campaign), PAGE).get_page(request.GET.get("page"))
    unusual = Evidence.objects.filter(campaign=campaign).exclude(what=TEST_ANSWER)
    evidence = Paginator(unusual, PAGE)
    response_page = evidence.get_page(request.GET.get("answers"))
    masked = not sees_phones(current_user(request))
    return {
        "page": page,
        "entries": describe_entries(page.object_list),
        "response_page": response_page,
        "responses": format_responses(response_page.object_list, masked),
    }


def _message_context(campaign: Campaign) -> dict[str, Any]:
    return {
        "picture": shown_picture(campaign),
        "other_messages": [
            {"letter": letter, "message": message, "picture": shown_picture(message)}
            for letter, message in others(campaign).items()
        ],
        "variant_rule": variant_rule(campaign),
        "merge_tags": sorted(compile_message(campaign).names),
        "selected": audience_sources(campaign),
        "excluded": audience_sources(campaign, excluded=True),
        "validity": duration(campaign.validity),
        "type_label": _("Promotional") if campaign.promotional else _("Transactional"),
    }


def _countries(campaign: Campaign) -> list[dict[str, Any]]:
    bills = load_country_bills(campaign.pk)
    return [
        {"name": country_name(code), "code": code, "counts": counts, "bill": bills.get(code)}
        for code, counts in load_country_counts(campaign.pk).items()
    ]


def recipients_context(request: HttpRequest, progress: CampaignProgress) -> dict[str, Any]:
    """Return what the table of recipients shows for the query string."""
    masked = not sees_phones(current_user(request))
    query = recipients.read_query(request.GET, masked=masked)
    rows = recipients.load_page(
        progress.campaign, query, progress.counts, request.GET.get("at", "")
    )
    names = names_of([recipient.msisdn for recipient in rows.rows])
    return {
        **recipient_chips(progress, query),
        "rows": message_rows.load_rows(rows.rows, [progress.campaign], names),
        "slice": rows,
        "total": recipients.count_recipients(progress.counts, query),
        "phone": request.GET.get("phone", ""),
        "sees_phones": not masked,
        "any_part": recipients.searches_any_part(progress.campaign),
        "empty_text": _empty_text(progress, query, masked and "phone" in request.GET),
    }


def _empty_text(progress: CampaignProgress, query: RecipientQuery, needs_whole_phone: bool) -> str:
    """Return why the table is empty: which filter found nobody, or that nobody is in it yet."""
    if query.unreadable and needs_whole_phone:
        return whole_phone_text()
    if query.unreadable:
        return _("A filter in this address cannot be read. Remove it to see recipients.")
    if query.links or query.variant:
        return _("No recipient fits these filters.")
    if query.phone and query.state:
        return _("No “%(state)s” recipient has %(phone)s in the phone number.") % {
            "state": query.state.chip_label,
            "phone": query.phone,
        }
    if query.phone:
        text = (
            _("No phone number in this campaign contains %(phone)s.")
            if recipients.searches_any_part(progress.campaign)
            else _(
                "No phone number in this campaign begins with %(phone)s. Begin with the country"
                " code."
            )
        )
        return text % {"phone": query.phone}
    if query.state:
        return _("No recipient is “%(state)s”.") % {"state": query.state.chip_label}
    if progress.campaign.launched_at:
        return _("The audience is not fixed yet.")
    return _("Recipients appear here after the launch.")


def recipient_chips(progress: CampaignProgress, query: RecipientQuery) -> dict[str, Any]:
    """Return a chip for each state with recipients, and one for each reason within the state."""
    states = [
        *recipients.FILTERS.values(),
        *(group for group in recipients.GROUPS.values() if group == query.state),
    ]
    counted = [(state, state.number(progress.counts)) for state in states]
    reasons = count_reasons(progress.counts, query.state.key) if query.state else []
    return {
        "query": query,
        "link_chips": _link_chips(progress.campaign, query),
        "variant_chips": _variant_chips(progress.campaign, query),
        "chips": [
            {"value": state.key, "label": state.chip_label, "count": number}
            for state, number in counted
            if number or state == query.state
        ],
        "reasons": reasons if len(reasons) > 1 or query.why else [],
    }


def _link_chips(campaign: Campaign, query: RecipientQuery) -> list[dict[str, Any]]:
    """Return a chip for each thing that recipients may have done with links; pressed again, it
    shows everybody.
    """
    chosen = dict(query.links)
    return [
        _chip(
            f"{name}-{value}",
            label,
            replace(query, links=_toggled(chosen, name, value)),
            chosen.get(name) == value,
        )
        for name, each in link_results.FILTERS.items()
        if each.is_possible(campaign) or name in chosen
        for value, label in each.labels.items()
    ]


def _variant_chips(campaign: Campaign, query: RecipientQuery) -> list[dict[str, Any]]:
    """Return a chip for each variant; pressed again, it shows everybody."""
    return [
        _chip(
            f"variant-{letter}",
            _("Variant %(letter)s") % {"letter": letter},
            replace(query, variant="" if query.variant == letter else letter),
            query.variant == letter,
        )
        for letter in letters_of(campaign)
    ]


def _chip(name: str, label: Any, query: RecipientQuery, here: bool) -> dict[str, Any]:
    """A chip that leads to `query`, whose state the template adds."""
    more = query.more_query.removeprefix("&")
    return {"id": name, "label": label, "query": more, "here": here}


def _toggled(chosen: dict[str, str], name: str, value: str) -> tuple[tuple[str, str], ...]:
    rest = {key: each for key, each in chosen.items() if key != name}
    return tuple((rest if chosen.get(name) == value else rest | {name: value}).items())
