"""Pictures: the images of the library."""

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import File, Form, Path, Query, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.form_values import require_known
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import invalid
from campaigns.api.schemas import Body, Id, Name
from campaigns.compose.library import pictures
from campaigns.compose.message.pictures import store_picture, stored_picture_url
from campaigns.compose.models import Picture
from campaigns.compose.pages.draft_request import base_url
from campaigns.shared.text import without_nul
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Pictures"])
COMPOSE = Needs(Permission.COMPOSE)
PictureId = Annotated[Id, Path()]


class PictureOut(Schema):
    id: int
    title: str
    url: Annotated[str, Field(description="Where phones load it.")]
    width: int
    height: int
    size: Annotated[int, Field(description="Bytes.")]
    used: Annotated[bool, Field(description="Whether a campaign uses it.")]
    created_at: datetime


class PicturePage(Page[PictureOut]):
    pass


class PictureQuery(PageQuery):
    q: Annotated[str, Field(max_length=100, description="A part of the title.")] = ""


class PictureOptions(Body):
    square: Annotated[bool, Field(description="Crop it to its middle.")] = False


class PictureChanges(Body):
    title: Name


@router.get("pictures", response=PicturePage, auth=Needs(Permission.VIEW))
def list_pictures(request: HttpRequest, query: Query[PictureQuery]) -> Any:
    """The images of the library, the newest first."""
    rows = visible_to(actor(request), pictures.with_uses(Picture.objects.all()))
    if query.q:
        rows = rows.filter(title__folded_contains=without_nul(query.q))
    return page(request, rows, query, lambda row: _out(request, row), newest_first=True)


@router.post("pictures", summary="Upload picture", response={201: PictureOut}, auth=COMPOSE)
@own_transactions
def create_picture(
    request: HttpRequest, body: Form[PictureOptions], file: File[UploadedFile]
) -> Any:
    """Upload an image (multipart/form-data): JPEG, PNG, WebP or HEIC, up to 20 MB."""
    require_known(request, body)
    try:
        picture = store_picture(file, actor(request), body.square)
    except ValidationError as refused:
        raise invalid("file", "unreadable", " ".join(refused.messages)) from refused
    return Status(201, _shown(request, picture.pk))


@router.patch("pictures/{picture_id}", response=PictureOut, auth=COMPOSE)
def rename_picture(request: HttpRequest, picture_id: PictureId, body: PictureChanges) -> Any:
    """Rename an image."""
    pictures.rename(_get(request, picture_id), body.title, actor(request))
    return _shown(request, picture_id)


@router.delete("pictures/{picture_id}", response={204: None}, auth=COMPOSE)
@own_transactions
def delete_picture(request: HttpRequest, picture_id: PictureId) -> Any:
    """Delete an image. Refused while a campaign or a template uses it."""
    pictures.delete(_get(request, picture_id), actor(request))
    return Status(204, None)


def _get(request: HttpRequest, picture_id: int) -> Picture:
    return get_object_for(actor(request), Picture.objects.all(), Permission.COMPOSE, pk=picture_id)


def _shown(request: HttpRequest, picture_id: int) -> PictureOut:
    return _out(request, pictures.with_uses(Picture.objects.all()).get(pk=picture_id))


def _out(request: HttpRequest, picture: Any) -> PictureOut:
    """An image of `pictures.with_uses`."""
    return PictureOut(
        id=picture.pk,
        title=picture.title,
        url=stored_picture_url(base_url(request), str(picture.file)),
        width=picture.width,
        height=picture.height,
        size=picture.size,
        used=picture.used,
        created_at=picture.created_at,
    )
