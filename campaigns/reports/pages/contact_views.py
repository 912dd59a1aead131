"""The page of one phone: its lists, the stop list, its campaigns; and all its data as a file."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from campaigns.contacts.models import Contact, StopListEntry
from campaigns.contacts.pages.person_views import describe_person
from campaigns.contacts.pages.tabs import tabs
from campaigns.dispatch.people import erase_contact
from campaigns.reports.campaign.contact_history import (
    campaigns_of_phone,
    export_data,
    load_contact_campaigns,
)
from campaigns.shared.paging import PAGE
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.sign_in.fresh import fresh_to_download
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to


@require_safe
def contact(request: HttpRequest, msisdn: str) -> HttpResponse:
    """Everything that is known about one phone."""
    user = current_user(request)
    contacts = visible_to(user, Contact.objects.filter(msisdn=msisdn))
    all_campaigns = request.GET.get("campaigns") == "all"
    page = Paginator(campaigns_of_phone(msisdn, all_campaigns), PAGE).get_page(
        request.GET.get("page")
    )
    held = erase_contact.count_stored_data(msisdn)
    context = {
        "msisdn": msisdn,
        "person": describe_person(msisdn),
        "contacts": contacts.select_related("list", "source").order_by("list__name"),
        "stopped": StopListEntry.objects.filter(msisdn=msisdn).first(),
        "page": page,
        "contact_campaigns": load_contact_campaigns(msisdn, page.object_list),
        "views": _views(msisdn, all_campaigns),
        "held": held,
        "erase_warning": _erase_warning(held),
        "tabs": tabs("people"),
        "can_edit": has_permission(user, Permission.EDIT_CONTACTS),
        "can_erase": has_permission(user, Permission.ERASE_CONTACTS),
    }
    return render(request, "campaigns/reports/contact.html", context)


def _views(msisdn: str, all_campaigns: bool) -> list[dict[str, object]]:
    url = reverse("person", args=[msisdn])
    return [
        {
            "label": _("Campaigns to these lists"),
            "url": f"{url}#messages",
            "here": not all_campaigns,
        },
        {
            "label": _("All campaigns"),
            "url": f"{url}?campaigns=all#messages",
            "here": all_campaigns,
        },
    ]


def _erase_warning(held: erase_contact.StoredData) -> str:
    """Return what an erasure deletes, in numbers, and what stays."""
    parts = [
        ngettext("%d list entry", "%d list entries", held.lists) % held.lists,
        ngettext("%d merge tag", "%d merge tags", held.tags) % held.tags,
        ngettext("the phone in %d message", "the phone in %d messages", held.messages)
        % held.messages,
    ]
    if held.person:
        parts.append(_("consent, language, topics and notes"))
    sentences = [_("Deletes for good: %(parts)s.") % {"parts": ", ".join(parts)}]
    if held.waiting:
        text = ngettext(
            "%d queued message is not sent.", "%d queued messages are not sent.", held.waiting
        )
        sentences.append(text % held.waiting)
    sentences.append(
        _("Totals stay, and the phone stays on the stop list so that it gets no more messages.")
    )
    return " ".join(sentences)


@permission_required(Permission.SEE_PHONES)
@require_safe
@fresh_to_download
def contact_data(request: HttpRequest, msisdn: str) -> HttpResponse:
    """Everything stored about one phone, as a JSON file.

    The audit trail says who downloaded it, without the phone.
    """
    return JsonResponse(
        export_data(msisdn, current_user(request)),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={
            "Content-Disposition": f'attachment; filename="contact-{msisdn}.json"',
            "Cache-Control": "no-store",
        },
    )
