"""Persons: what is held on one phone, in all lists and campaigns.

Their addresses have ids instead of phones, as those of pages: paths stand in logs.
"""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.etags import etag, require_match, send
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import FieldError, Problem, invalid
from campaigns.api.resources.contacts import ContactOut, contact_out
from campaigns.api.schemas import Body, Text
from campaigns.contacts.consent import history
from campaigns.contacts.consent.wordings import WORDING_MAX
from campaigns.contacts.models import Consent, ConsentRecord, Contact, StopListEntry
from campaigns.contacts.pages.contact_forms import NOTES_MAX, TOPICS_MAX, PersonForm
from campaigns.contacts.people import person, person_ids
from campaigns.contacts.people.topics import TOPIC_MAX, join_topics
from campaigns.contacts.phones.masking import mask_phone, mask_phones_in
from campaigns.contacts.search import queries
from campaigns.dispatch.people import erase_contact
from campaigns.reports.campaign.contact_history import export_data
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["People"])
PersonId = Annotated[
    str, Path(), Field(pattern="^[A-Za-z0-9_-]{22}$", description="The `id` of a person.")
]
Topics = Annotated[
    list[Annotated[str, Field(pattern=r"^[^,\n\x00]+$", max_length=TOPIC_MAX)]],
    Field(max_length=TOPICS_MAX),
]


class PersonQuery(Schema):
    phone: Annotated[
        str, Field(pattern=r"^\+?[0-9 ().-]{5,30}$", description="A whole phone, best +380….")
    ]


class StopEntry(Schema):
    id: int
    reason: str
    for_all_brands: bool
    created_at: datetime


class PersonOut(Schema):
    id: Annotated[str, Field(description="Stands for the phone in addresses.")]
    phone: Annotated[str, Field(description="+380971234567; masked without `see_phones`.")]
    consent: Consent
    consent_on: date | None
    consent_source: str
    consent_wording: Annotated[str, Field(description="What the person agreed to.")]
    language: Annotated[str, Field(description="A tag such as uk; empty if it is not known.")]
    wanted_topics: list[str]
    unwanted_topics: list[str]
    notes: str
    stop_list: StopEntry | None
    contacts: Annotated[list[ContactOut], Field(description="One for each list with the phone.")]
    message_count: int


class PersonChanges(Body):
    """What is not named stays."""

    consent: Consent | None = None
    consent_on: Annotated[
        date | None, Field(description="Today, if the consent is changed without it.")
    ] = None
    consent_source: Annotated[Text, Field(max_length=200)] | None = None
    consent_wording: Annotated[Text, Field(max_length=WORDING_MAX)] | None = None
    language: Annotated[Text, Field(max_length=35)] | None = None
    wanted_topics: Topics | None = None
    unwanted_topics: Topics | None = None
    notes: Annotated[Text, Field(max_length=NOTES_MAX)] | None = None


class ConsentRecordOut(Schema):
    """A change of consent. Who recorded it: a user, perhaps with an API token, or an import."""

    id: int
    consent: Consent
    consent_on: date | None
    consent_source: str
    consent_wording: str
    recorded_at: datetime
    recorded_by: Annotated[str | None, Field(description="The name of the user.")]
    token: Annotated[str, Field(description="The beginning of the API token.")]
    import_id: int | None
    is_undo: Annotated[bool, Field(description="Whether it is by the undo of the import.")]


class ConsentRecordPage(Page[ConsentRecordOut]):
    pass


class ErasedOut(Schema):
    """What was erased. The phone stays on the stop list of all brands."""

    lists: int
    messages: int
    rejected_rows: int
    texts: int
    imports: Annotated[int, Field(description="Cancelled because of their file.")]


@router.get(
    "people",
    summary="Find the person with a phone",
    response=PersonOut,
    auth=Needs(Permission.VIEW),
)
def find_person(request: HttpRequest, query: Query[PersonQuery], response: HttpResponse) -> Any:
    """The person with a phone, also one of whom nothing is held."""
    msisdn = queries.whole_phone(query.phone)
    if not msisdn:
        raise invalid("phone", "not_a_phone", "This is not a whole phone.")
    return _shown(request, msisdn, response)


@router.get("people/{person_id}", response=PersonOut, auth=Needs(Permission.VIEW))
def get_person(request: HttpRequest, person_id: PersonId, response: HttpResponse) -> Any:
    """What is held on a phone: its lists, consent, language, topics, its entry of the stop list."""
    return _shown(request, _msisdn(person_id), response)


@router.patch(
    "people/{person_id}",
    response={200: PersonOut, 412: None},
    auth=Needs(Permission.EDIT_CONTACTS),
)
def change_person(
    request: HttpRequest, person_id: PersonId, body: PersonChanges, response: HttpResponse
) -> Any:
    """Change consent, language, topics and notes. Withdrawn consent adds the phone to the stop
    list.
    """
    msisdn = _msisdn(person_id)
    present = person.values_of(person.find(msisdn))
    require_match(request, _tag(msisdn, present))
    values = body.model_dump(exclude_unset=True, exclude_none=True)
    for name in (person.WANTED, person.UNWANTED):
        if name in values:
            values[name] = join_topics(values[name])
    form = PersonForm(present, posted(values))
    require_valid(form)
    # what somebody changes at this moment is not overwritten
    if conflicts := person.change(msisdn, form.values(), form.seen(), actor(request)):
        text = "This was changed meanwhile. Read it again."
        errors = [FieldError(name, "changed_meanwhile", text) for name in conflicts]
        raise Problem(412, "changed_meanwhile", text, errors)
    return _shown(request, msisdn, response)


@router.get("people/{person_id}/consents", response=ConsentRecordPage, auth=Needs(Permission.VIEW))
def list_consents(request: HttpRequest, person_id: PersonId, query: Query[PageQuery]) -> Any:
    """The history of consent: a record of each change, the newest first."""
    user, stored = actor(request), person.find(_msisdn(person_id))
    records = history.records_of(stored) if stored.pk else ConsentRecord.objects.none()

    def record_out(record: ConsentRecord) -> ConsentRecordOut:
        by, wording = record.recorded_by, record.wording
        return ConsentRecordOut(
            id=record.pk,
            consent=Consent(record.consent),
            consent_on=record.day,
            consent_source=_text(record.source, user),
            consent_wording=_text(wording.text, user) if wording else "",
            recorded_at=record.recorded_at,
            recorded_by=(by.get_full_name() or by.get_username()) if by else None,
            token=record.token,
            import_id=record.imported_id,
            is_undo=record.is_undo,
        )

    return page(request, records, query, record_out, newest_first=True)


@router.delete(
    "people/{person_id}",
    summary="Erase person",
    response=ErasedOut,
    auth=Needs(Permission.ERASE_CONTACTS),
)
@own_transactions
def erase_person(request: HttpRequest, person_id: PersonId) -> Any:
    """Erase what is held on a phone, in all brands: lists, messages, rejected rows, texts."""
    erased = erase_contact.erase(_msisdn(person_id), actor(request))
    return ErasedOut(
        lists=erased.lists,
        messages=erased.messages,
        rejected_rows=erased.rejected,
        texts=erased.mentions,
        imports=erased.imports,
    )


@router.get(
    "people/{person_id}/data",
    summary="Get all data of a person",
    response=dict[str, Any],
    auth=Needs(Permission.SEE_PHONES),
)
def export_person(request: HttpRequest, person_id: PersonId) -> Any:
    """Everything held on a phone, for a person who asks for it. The trail says who asked."""
    return export_data(_msisdn(person_id), actor(request))


def _msisdn(person_id: str) -> str:
    try:
        return person_ids.msisdn_of(person_id)
    except ValueError:
        raise Http404 from None


def _tag(msisdn: str, values: dict[str, str]) -> str:
    return etag("person", msisdn, sorted(values.items()))


def _shown(request: HttpRequest, msisdn: str, response: HttpResponse) -> PersonOut:
    user, stored = actor(request), person.find(msisdn)
    values = person.values_of(stored)
    send(response, _tag(msisdn, values))
    contacts = visible_to(user, Contact.objects.filter(msisdn=msisdn).select_related("list"))
    sees = sees_phones(user)
    return PersonOut(
        id=person_ids.id_of(msisdn),
        phone=f"+{msisdn}" if sees else mask_phone(msisdn),
        consent=Consent(stored.consent),
        consent_on=stored.consent_on,
        consent_source=_text(stored.consent_source, user),
        consent_wording=_text(values["consent_wording"], user),
        language=stored.language,
        wanted_topics=person.topics_of(stored, wanted=True),
        unwanted_topics=person.topics_of(stored, wanted=False),
        notes=_text(stored.notes, user),
        stop_list=_stop_entry(msisdn, user),
        contacts=[contact_out(row, user) for row in contacts.order_by("list__name", "pk")],
        message_count=erase_contact.count_stored_data(msisdn).messages,
    )


def _text(text: str, user: User) -> str:
    return text if sees_phones(user) else mask_phones_in(text)


def _stop_entry(msisdn: str, user: User) -> StopEntry | None:
    entry = StopListEntry.objects.filter(msisdn=msisdn).first()
    if entry is None:
        return None
    return StopEntry(
        id=entry.pk,
        reason=_text(entry.reason, user),
        for_all_brands=entry.brand_id is None,
        created_at=entry.created_at,
    )
