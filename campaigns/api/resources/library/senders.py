"""Senders: the names that messages come from, as registered with the gateway."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.schemas import NOT_BLANK, Body, Id
from campaigns.compose.library.senders import add_sender, remove_sender, senders_with_use
from campaigns.compose.models import Sender
from campaigns.compose.pages.settings_forms import SenderForm
from campaigns.gateway.limits import SENDER_MAX
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Senders"])
MANAGE = Needs(Permission.MANAGE_SENDERS)
SenderId = Annotated[Id, Path()]


class SenderOut(Schema):
    id: int
    name: str
    campaigns: Annotated[int, Field(description="That use it.")]
    last_used: datetime | None
    created_at: datetime


class SenderPage(Page[SenderOut]):
    pass


class SenderIn(Body):
    name: Annotated[
        str,
        Field(min_length=1, max_length=SENDER_MAX, pattern=NOT_BLANK, description="As registered."),
    ]


@router.get("senders", response=SenderPage, auth=Needs(Permission.VIEW))
def list_senders(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The senders of the brand."""
    rows = visible_to(actor(request), senders_with_use())
    return page(request, rows, query, SenderOut.from_orm)


@router.post("senders", response={201: SenderOut}, auth=MANAGE)
def create_sender(request: HttpRequest, body: SenderIn) -> Any:
    """Add a sender, exactly as it is registered."""
    form = SenderForm(posted(body.model_dump()))
    require_valid(form)
    sender = form.save(commit=False)
    add_sender(sender, actor(request))
    return Status(201, SenderOut.from_orm(senders_with_use().get(pk=sender.pk)))


@router.delete("senders/{sender_id}", response={204: None}, auth=MANAGE)
def delete_sender(request: HttpRequest, sender_id: SenderId) -> Any:
    """Remove a sender. Refused while a campaign or a segment uses it."""
    user = actor(request)
    sender = get_object_for(user, Sender.objects.all(), Permission.MANAGE_SENDERS, pk=sender_id)
    remove_sender(sender, user)
    return Status(204, None)
