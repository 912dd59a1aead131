"""What belongs to a person and not to a list: how pages show it, and the form to edit it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.contacts.consent import history
from campaigns.contacts.models import Consent, ConsentRecord, Person, StopListEntry
from campaigns.contacts.pages.contact_forms import PersonForm
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.people import languages, person
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission

HISTORY_ROWS = 50


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """A person as pages show it; `stored` is false if nothing was ever entered.

    `history`: the newest records of consent, the newest first; `has_older`: there are more.
    """

    row: Person
    language: str
    wanted: list[str]
    unwanted: list[str]
    history: list[ConsentRecord]
    has_older: bool

    @property
    def stored(self) -> bool:
        return bool(self.row.pk)


def describe_person(msisdn: str) -> ShownPerson:
    """The person with a phone, for the template contacts/_person.html."""
    row = person.find(msisdn)
    records = list(history.records_of(row)[: HISTORY_ROWS + 1]) if row.pk else []
    return ShownPerson(
        row=row,
        language=languages.name(row.language),
        wanted=person.topics_of(row, wanted=True),
        unwanted=person.topics_of(row, wanted=False),
        history=records[:HISTORY_ROWS],
        has_older=len(records) > HISTORY_ROWS,
    )


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def person_edit(request: HttpRequest, msisdn: str) -> HttpResponse:
    """Edit consent, language, topics and notes."""
    form = PersonForm(person.values_of(person.find(msisdn)), request.POST or None)
    if request.method == "POST" and form.is_valid():
        conflicts = person.change(msisdn, form.values(), form.seen(), current_user(request))
        if not conflicts:
            messages.success(request, _saved_text(msisdn))
            return redirect("person", msisdn)
        form.show_conflicts(conflicts)
    context: dict[str, Any] = {
        "form": form,
        "msisdn": msisdn,
        "title": _("Consent and preferences"),
        "tabs": tabs("people"),
    }
    return render(request, "campaigns/contacts/person_form.html", context)


def _saved_text(msisdn: str) -> str:
    """That it was saved, and whether the phone gets messages now, if that could be mistaken."""
    stored = person.find(msisdn)
    is_stopped = StopListEntry.objects.filter(msisdn=msisdn).exists()
    if stored.consent == Consent.WITHDRAWN:
        return _("Saved. The phone is on the stop list and gets no more messages.")
    if stored.consent == Consent.GIVEN and is_stopped:
        return _(
            "Saved. The phone is still on the stop list. Remove it from there if it is to get"
            " messages."
        )
    return _("Saved.")
