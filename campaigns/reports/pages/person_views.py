"""One person's page: lists, stop list, messages; all of it as a file; and its erasure."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from campaigns.contacts.models import Contact, StopListEntry
from campaigns.contacts.pages.tabs import tabs
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people import erase_contact
from campaigns.reports.campaign.person import campaigns_of, document, stories
from campaigns.shared.paging import PAGE
from campaigns.team.access import current_user, has_role, role_required, visible_to
from campaigns.team.audit import record
from campaigns.team.models import Role


@require_safe
def person(request: HttpRequest, msisdn: str) -> HttpResponse:
    """All that is known of one phone."""
    contacts = visible_to(
        current_user(request), Contact.objects.filter(msisdn=msisdn)
    ).select_related("list", "source")
    everything = request.GET.get("campaigns") == "all"
    page = Paginator(campaigns_of(msisdn, everything), PAGE).get_page(request.GET.get("page"))
    held = erase_contact.held(msisdn)
    context = {
        "msisdn": msisdn,
        "contacts": contacts.order_by("list__name"),
        "stopped": StopListEntry.objects.filter(msisdn=msisdn).first(),
        "page": page,
        "stories": stories(msisdn, page.object_list),
        "views": _views(msisdn, everything),
        "held": held,
        "erase_words": _erase_words(held),
        "tabs": tabs("people"),
        "can_edit": has_role(current_user(request), Role.MARKETER),
        "can_erase": has_role(current_user(request), Role.ADMINISTRATOR),
    }
    return render(request, "campaigns/reports/person.html", context)


def _views(msisdn: str, everything: bool) -> list[dict[str, object]]:
    here = reverse("person", args=[msisdn])
    return [
        {"label": _("Of this person’s lists"), "url": f"{here}#messages", "here": not everything},
        {"label": _("All campaigns"), "url": f"{here}?campaigns=all#messages", "here": everything},
    ]


def _erase_words(held: erase_contact.Held) -> str:
    """What is lost, in numbers, and what stays."""
    parts = [
        ngettext("%d list", "%d lists", held.lists) % held.lists,
        ngettext("%d merge tag", "%d merge tags", held.tags) % held.tags,
        ngettext("the phone in %d message", "the phone in %d messages", held.messages)
        % held.messages,
    ]
    words = _("It goes for good: %(parts)s.") % {"parts": ", ".join(parts)}
    if held.waiting:
        waiting = (
            ngettext("%d message is not sent.", "%d messages are not sent.", held.waiting)
            % held.waiting
        )
        words = f"{words} {waiting}"
    return f"{words} " + _(
        "Sums stay, and the stop list keeps the phone so that nobody writes to it again."
    )


@role_required(Role.MARKETER)
@require_safe
def person_data(request: HttpRequest, msisdn: str) -> HttpResponse:
    """All that is held on one phone, as a JSON file. That somebody took it stands in the trail,
    without the phone.
    """
    held = document(msisdn)
    for rows in (StopListEntry, Contact, Recipient):
        if row := rows._default_manager.filter(msisdn=msisdn).first():
            numbers = {"lists": len(held["lists"]), "messages": len(held["messages"])}
            record(
                current_user(request),
                row,
                "exported",
                _("Lists: %(lists)d, messages: %(messages)d") % numbers,
            )
            break
    return JsonResponse(
        held,
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={
            "Content-Disposition": f'attachment; filename="person-{msisdn}.json"',
            "Cache-Control": "no-store",
        },
    )
