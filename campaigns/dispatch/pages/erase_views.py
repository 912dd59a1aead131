"""Erasing what is held on a phone."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.contacts.importing.errors import ContactsError
from campaigns.dispatch.people import erase_contact
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.sign_in.fresh import fresh_to_change
from campaigns.team.permissions import Permission


@permission_required(Permission.ERASE_CONTACTS)
@require_POST
@fresh_to_change
def erase(request: HttpRequest, msisdn: str) -> HttpResponse:
    """Erase the phone from lists, messages and rejected rows; its page says what was erased."""
    try:
        erased = erase_contact.erase(msisdn, current_user(request))
    except ContactsError as refused:
        messages.error(request, str(refused))
        return redirect("person", msisdn)
    text = _(
        "Erased: %(lists)d lists, %(messages)d messages, %(rows)d rejected rows, %(texts)d other"
        " texts. Imports cancelled because of their file: %(imports)d. The phone stays on the stop"
        " list."
    )
    counts = {
        "lists": erased.lists,
        "messages": erased.messages,
        "rows": erased.rejected,
        "texts": erased.mentions,
        "imports": erased.imports,
    }
    messages.success(request, text % counts)
    return redirect("person", msisdn)
