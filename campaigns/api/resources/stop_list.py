"""The stop list: phones that never get a message."""

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja import File, Form, Path, Query, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.form_values import posted, require_known, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import invalid
from campaigns.api.schemas import Body, Country, Id, StrictId, Text
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import stop_list
from campaigns.contacts.lists.models import StopProposal
from campaigns.contacts.models import StopListEntry
from campaigns.contacts.pages.forms import StopListForm
from campaigns.contacts.people import person_ids
from campaigns.contacts.phones.masking import mask_cell, mask_phone, mask_phones_in
from campaigns.results.stop_proposals import decisions
from campaigns.shared.text import without_nul
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for, require_permission
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones

router = Router(tags=["Stop list"])
PHONES_MAX = 1_000  # of one request
REJECTED_SHOWN = 1_000
EDIT = Needs(Permission.EDIT_STOP_LIST)
EntryId = Annotated[Id, Path()]


class StopListEntryOut(Schema):
    id: int
    phone: Annotated[str, Field(description="+380971234567; masked without `see_phones`.")]
    person_id: str
    reason: str
    for_all_brands: bool
    created_at: datetime


class StopListPage(Page[StopListEntryOut]):
    pass


class StopListQuery(PageQuery):
    q: Annotated[
        str,
        Field(
            max_length=100,
            description="A phone, a part of one, or of a reason; with masked phones a whole one.",
        ),
    ] = ""


class StopOptions(Body):
    reason: Annotated[Text, Field(max_length=200)] = ""
    country: Country = settings.DEFAULT_COUNTRY
    for_all_brands: Annotated[bool, Field(description="Needs `stop_for_all`.")] = False


class PhonesIn(StopOptions):
    phones: Annotated[
        list[Annotated[Text, Field(max_length=100)]],
        Field(min_length=1, max_length=PHONES_MAX),
    ]


class StopRowOut(Schema):
    outcome: Annotated[str, Field(description="new, known, duplicate or rejected")]
    reason: Annotated[str | None, Field(description="Why it was rejected.")] = None


class StopRowsOut(Schema):
    new: int
    known: int
    duplicates: int
    rejected: int
    rows: Annotated[list[StopRowOut], Field(description="In the order of the request.")]


class RejectedPhone(Schema):
    text: Annotated[str, Field(description="Without digits if phones are masked.")]
    reason: str


class StopFileOut(Schema):
    """`rows` = `new` + `known` + `rejected`."""

    rows: int
    new: int
    known: int
    rejected: int
    rejected_rows: Annotated[list[RejectedPhone], Field(description="The first 1,000.")]


class ProposalOut(Schema):
    id: int
    phone: Annotated[str, Field(description="+380971234567; masked without `see_phones`.")]
    person_id: str
    failures: Annotated[int, Field(description="In a row.")]
    status: Annotated[str, Field(description="Of the gateway, of the last message.")]
    reason: Annotated[str, Field(description="The same in words.")]
    campaign_id: Annotated[int, Field(description="Of the last message.")]
    last_at: Annotated[datetime, Field(description="When the last message was sent.")]
    proposed_at: datetime


class ProposalPage(Page[ProposalOut]):
    pass


class ProposalsIn(Body):
    ids: Annotated[list[StrictId], Field(min_length=1, max_length=PHONES_MAX)]


class DecidedOut(Schema):
    decided: Annotated[
        int, Field(description="Without those that are no longer proposed, or never were.")
    ]


@router.get(
    "stop-list",
    summary="List entries of the stop list",
    response=StopListPage,
    auth=Needs(Permission.VIEW),
)
def list_stop_list(request: HttpRequest, query: Query[StopListQuery]) -> Any:
    """The entries of the brand and those of all brands, the newest first."""
    entries = stop_list.find_entries(without_nul(query.q).strip(), actor(request))
    return page(
        request, entries, query, lambda row: entry_out(row, actor(request)), newest_first=True
    )


@router.post("stop-list", summary="Add phones to the stop list", response=StopRowsOut, auth=EDIT)
def stop_phones(request: HttpRequest, body: PhonesIn) -> Any:
    """Add up to 1,000 phones, and say of each what became of it. Entries that are there stay
    unchanged.
    """
    user = actor(request)
    _require_for_all(user, body)
    rows = stop_list.add_rows(body.phones, body.reason, body.country, user, body.for_all_brands)
    outcomes = [row.outcome for row in rows]
    return StopRowsOut(
        new=outcomes.count("new"),
        known=outcomes.count("known"),
        duplicates=outcomes.count("duplicate"),
        rejected=outcomes.count("rejected"),
        rows=[
            StopRowOut(outcome=row.outcome, reason=row.reason.value if row.reason else None)
            for row in rows
        ],
    )


@router.post(
    "stop-list/file",
    summary="Add the phones of a file to the stop list",
    response=StopFileOut,
    auth=EDIT,
)
@own_transactions
def stop_file(request: HttpRequest, body: Form[StopOptions], file: File[UploadedFile]) -> Any:
    """Add the phones of a file (multipart/form-data) of any type that can be imported, up to
    10 MB.
    """
    require_known(request, body)
    user = actor(request)
    _require_for_all(user, body)
    values = {"reason": body.reason, "country": body.country}
    data = require_valid(StopListForm(posted(values), MultiValueDict({"file": [file]})))
    try:
        result = stop_list.add_file(
            file.chunks(), data["reason"], data["country"], user, body.for_all_brands
        )
    except ContactsError as refused:
        raise invalid("file", "unreadable", str(refused)) from refused
    sees = sees_phones(user)
    return StopFileOut(
        rows=result.rows,
        new=result.new,
        known=result.known,
        rejected=len(result.rejected),
        rejected_rows=[
            RejectedPhone(text=text if sees else mask_cell(text), reason=reason.value)
            for text, reason in result.rejected[:REJECTED_SHOWN]
        ],
    )


@router.get("stop-list-proposals", response=ProposalPage, auth=EDIT)
def list_stop_list_proposals(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """Phones that messages of the brand did not reach several times in a row, the newest first."""
    user = actor(request)
    rows = decisions.valid_proposals()
    return page(request, rows, query, lambda row: _proposal_out(row, user), newest_first=True)


@router.post("stop-list-proposals/accept", response=DecidedOut, auth=EDIT)
def accept_stop_list_proposals(request: HttpRequest, body: ProposalsIn) -> Any:
    """Put the phones of proposals on the stop list of the brand."""
    return DecidedOut(decided=decisions.accept(_proposals(body), actor(request)))


@router.post("stop-list-proposals/dismiss", response=DecidedOut, auth=EDIT)
def dismiss_stop_list_proposals(request: HttpRequest, body: ProposalsIn) -> Any:
    """Close proposals. A phone is proposed again only after as many failures from now on."""
    return DecidedOut(decided=decisions.dismiss(_proposals(body), actor(request)))


def _proposals(body: ProposalsIn) -> QuerySet[StopProposal]:
    return decisions.valid_proposals().filter(pk__in=body.ids)


def _proposal_out(proposal: StopProposal, user: User) -> ProposalOut:
    sees = sees_phones(user)
    return ProposalOut(
        id=proposal.pk,
        phone=f"+{proposal.msisdn}" if sees else mask_phone(proposal.msisdn),
        person_id=person_ids.id_of(proposal.msisdn),
        failures=proposal.failures,
        status=proposal.status,
        reason=decisions.reason_text(proposal),
        campaign_id=proposal.campaign_id,
        last_at=proposal.last_at,
        proposed_at=proposal.proposed_at,
    )


@router.get("stop-list/{entry_id}", response=StopListEntryOut, auth=Needs(Permission.VIEW))
def get_stop_list_entry(request: HttpRequest, entry_id: EntryId) -> Any:
    """One entry."""
    user = actor(request)
    return entry_out(get_object_for(user, StopListEntry.objects.all(), pk=entry_id), user)


@router.delete("stop-list/{entry_id}", response={204: None}, auth=EDIT)
def remove_stop_list_entry(request: HttpRequest, entry_id: EntryId) -> Any:
    """Remove a phone from the stop list. Refused where consent is withdrawn; an entry for all
    brands needs `stop_for_all`.
    """
    user = actor(request)
    entries = StopListEntry.objects.all()
    entry = get_object_for(user, entries, Permission.EDIT_STOP_LIST, pk=entry_id)
    stop_list.remove_entry(entry, user)
    return Status(204, None)


def entry_out(entry: StopListEntry, user: User) -> StopListEntryOut:
    """An entry as `user` sees it."""
    sees = sees_phones(user)
    return StopListEntryOut(
        id=entry.pk,
        phone=f"+{entry.msisdn}" if sees else mask_phone(entry.msisdn),
        person_id=person_ids.id_of(entry.msisdn),
        reason=entry.reason if sees else mask_phones_in(entry.reason),
        for_all_brands=entry.brand_id is None,
        created_at=entry.created_at,
    )


def _require_for_all(user: User, body: StopOptions) -> None:
    if body.for_all_brands:
        require_permission(user, Permission.STOP_FOR_ALL)
