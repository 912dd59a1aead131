"""Labels: the team's own keywords of campaigns."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.schemas import NOT_BLANK, Body, Id
from campaigns.compose.library import labels
from campaigns.compose.models import Colour, Label
from campaigns.compose.pages.settings_forms import LabelForm
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Labels"])
COMPOSE = Needs(Permission.COMPOSE)
LabelId = Annotated[Id, Path()]
LabelName = Annotated[str, Field(min_length=1, max_length=labels.LABEL_MAX, pattern=NOT_BLANK)]


class LabelOut(Schema):
    id: int
    name: str
    colour: Colour
    campaign_count: int


class LabelPage(Page[LabelOut]):
    pass


class LabelIn(Body):
    name: LabelName
    colour: Colour = Colour.BLUE


class LabelChanges(Body):
    name: LabelName | None = None
    colour: Colour | None = None


@router.get("labels", response=LabelPage, auth=Needs(Permission.VIEW))
def list_labels(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The labels, each with the number of its campaigns."""
    return page(request, _labels(request), query, LabelOut.from_orm)


@router.post("labels", response={201: LabelOut}, auth=COMPOSE)
def create_label(request: HttpRequest, body: LabelIn) -> Any:
    """A new label. Names differ in more than capitals."""
    return Status(201, _saved(request, LabelForm(posted(body.model_dump()))))


@router.patch("labels/{label_id}", response=LabelOut, auth=COMPOSE)
def change_label(request: HttpRequest, label_id: LabelId, body: LabelChanges) -> Any:
    """Change the name or the colour of a label, on every campaign that has it."""
    label = _get(request, label_id)
    present = {"name": label.name, "colour": label.colour}
    values = present | body.model_dump(exclude_none=True)
    return _saved(request, LabelForm(posted(values), instance=label))


@router.delete("labels/{label_id}", response={204: None}, auth=COMPOSE)
def delete_label(request: HttpRequest, label_id: LabelId) -> Any:
    """Delete a label. The campaigns that had it stay."""
    labels.delete(_get(request, label_id), actor(request))
    return Status(204, None)


def _labels(request: HttpRequest) -> Any:
    return visible_to(actor(request), labels.labels_with_counts())


def _get(request: HttpRequest, label_id: int) -> Label:
    return get_object_for(actor(request), Label.objects.all(), Permission.COMPOSE, pk=label_id)


def _saved(request: HttpRequest, form: LabelForm) -> Any:
    require_valid(form)
    label = form.save(commit=False)
    labels.save(label, actor(request))
    return LabelOut.from_orm(_labels(request).get(pk=label.pk))
