"""Templates: messages to start campaigns from."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.etags import etag, require_match, send
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import FieldError, Problem, invalid
from campaigns.api.schemas import Body, Id, Name
from campaigns.compose.library import message_templates
from campaigns.compose.models import CampaignTemplate
from campaigns.compose.pages.draft_request import draft_of
from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Templates"])
TemplateId = Annotated[Id, Path()]


class TemplateOut(Schema):
    id: int
    name: str
    content: Annotated[
        dict[str, str | int | list[str] | None], Field(description="The fields of the message.")
    ]
    locked: Annotated[list[str], Field(description="Fields that only `moderate` may change.")]
    campaign_count: Annotated[int, Field(description="Campaigns that were made from it.")]
    created_at: datetime
    updated_at: datetime


class TemplatePage(Page[TemplateOut]):
    pass


class TemplateIn(Body):
    campaign_id: Annotated[Id, Field(description="Whose message is saved.")]
    name: Name


class TemplateChanges(Body):
    locked: Annotated[
        list[str],
        Field(
            max_length=100,
            description=f"Exactly these, of: {', '.join(message_templates.LOCKABLE)}.",
        ),
    ]


@router.get("templates", response=TemplatePage, auth=Needs(Permission.VIEW))
def list_templates(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The templates of the brand."""
    rows = visible_to(actor(request), _counted())
    return page(request, rows, query, lambda row: template_out(row, actor(request)))


@router.post("templates", response={201: TemplateOut}, auth=Needs(Permission.COMPOSE))
def create_template(request: HttpRequest, body: TemplateIn, response: HttpResponse) -> Any:
    """Save the message of a campaign as a template."""
    if CampaignTemplate.objects.filter(name=body.name).exists():
        text = "This name is already in use."
        raise Problem(409, "name_taken", text, [FieldError("name", "name_taken", text)])
    campaign = draft_of(request, body.campaign_id)
    made = message_templates.save_as_template(campaign, body.name, actor(request))
    return Status(201, _shown(request, made.pk, response))


@router.get("templates/{template_id}", response=TemplateOut, auth=Needs(Permission.VIEW))
def get_template(request: HttpRequest, template_id: TemplateId, response: HttpResponse) -> Any:
    """One template."""
    return _shown(request, template_id, response)


@router.patch(
    "templates/{template_id}",
    summary="Lock fields of a template",
    response={200: TemplateOut, 412: None},
    auth=Needs(Permission.MODERATE),
)
def lock_template(
    request: HttpRequest, template_id: TemplateId, body: TemplateChanges, response: HttpResponse
) -> Any:
    """Choose the fields that only those with `moderate` may change in campaigns made from it."""
    for place, name in enumerate(body.locked):
        if name not in message_templates.LOCKABLE:
            raise invalid(f"locked.{place}", "unknown_field", "There is no such field.")
    _get(request, template_id, Permission.MODERATE)
    template = CampaignTemplate.objects.select_for_update().get(pk=template_id)
    require_match(request, _tag(template))
    message_templates.lock(template, body.locked, actor(request))
    return _shown(request, template_id, response)


@router.delete("templates/{template_id}", response={204: None}, auth=Needs(Permission.COMPOSE))
def delete_template(request: HttpRequest, template_id: TemplateId) -> Any:
    """Delete a template; with locked fields it takes `moderate`. Campaigns made from it stay."""
    template = _get(request, template_id, Permission.COMPOSE)
    message_templates.delete(template, actor(request))
    return Status(204, None)


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [mask_phones_in(text) for text in value]
    return mask_phones_in(value) if isinstance(value, str) else value


def template_out(template: Any, user: User) -> TemplateOut:
    """A template of `_counted`, as `user` sees it."""
    content = template.content
    if not sees_phones(user):
        content = {name: _masked(value) for name, value in content.items()}
    return TemplateOut(
        id=template.pk,
        name=template.name,
        content=content,
        locked=template.locked,
        campaign_count=template.campaign_count,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )


def _counted() -> Any:
    return CampaignTemplate.objects.annotate(campaign_count=Count("campaigns"))


def _get(request: HttpRequest, template_id: int, permission: Permission) -> CampaignTemplate:
    rows = CampaignTemplate.objects.all()
    return get_object_for(actor(request), rows, permission, pk=template_id)


def _tag(template: CampaignTemplate) -> str:
    return etag("template", template.pk, template.updated_at.isoformat())


def _shown(request: HttpRequest, template_id: int, response: HttpResponse) -> TemplateOut:
    template = get_object_for(actor(request), _counted(), pk=template_id)
    send(response, _tag(template))
    return template_out(template, actor(request))
