"""Notes: what users write about a campaign for their colleagues."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.resources.campaigns.schemas import CampaignId, find_campaign, user_name
from campaigns.api.schemas import Body, Id, Text
from campaigns.compose.library import notes
from campaigns.compose.models import Note
from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for, require_permission
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones

router = Router(tags=["Campaigns"])


class NoteOut(Schema):
    id: int
    author: str | None
    at: datetime
    text: Annotated[str, Field(description="Phones in it are masked without `see_phones`.")]


class NotePage(Page[NoteOut]):
    pass


class NoteIn(Body):
    text: Annotated[Text, Field(min_length=1, max_length=notes.NOTE_MAX)]


@router.get("campaigns/{campaign_id}/notes", response=NotePage, auth=Needs(Permission.VIEW))
def list_notes(request: HttpRequest, campaign_id: CampaignId, query: Query[PageQuery]) -> Any:
    """The notes on a campaign, the newest first."""
    rows = find_campaign(request, campaign_id).notes.select_related("author")
    return page(
        request, rows, query, lambda note: _note_out(note, actor(request)), newest_first=True
    )


@router.post(
    "campaigns/{campaign_id}/notes", response={201: NoteOut}, auth=Needs(Permission.COMPOSE)
)
def add_note(request: HttpRequest, campaign_id: CampaignId, body: NoteIn) -> Any:
    """Add a note."""
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    note = notes.add_note(campaign, body.text, actor(request))
    return Status(201, _note_out(note, actor(request)))


@router.delete("notes/{note_id}", response={204: None}, auth=Needs(Permission.COMPOSE))
def delete_note(request: HttpRequest, note_id: Annotated[Id, Path()]) -> Any:
    """Delete a note of one's own; with the permission `moderate`, any."""
    rows = Note.objects.select_related("campaign")
    note = get_object_for(actor(request), rows, Permission.COMPOSE, pk=note_id)
    if not notes.may_delete(note, actor(request)):
        require_permission(actor(request), Permission.MODERATE)
    notes.delete_note(note, actor(request))
    return Status(204, None)


def _note_out(note: Note, user: User) -> NoteOut:
    text = note.text if sees_phones(user) else mask_phones_in(note.text)
    return NoteOut(id=note.pk, author=user_name(note.author), at=note.at, text=text)
