"""Brands: those in which the owner of the token has a role. The token acts in its own alone."""

from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Status
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor
from campaigns.api.etags import etag, require_match, send
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import FieldError, Problem
from campaigns.api.resources.me import BrandOut, brand_out
from campaigns.api.schemas import NOT_BLANK, Body, Id
from campaigns.team import brands
from campaigns.team.models import Brand, User
from campaigns.team.pages.access import get_object_for
from campaigns.team.pages.brands.forms import BrandForm
from campaigns.team.permissions import Permission
from campaigns.team.roles import brands_of

router = Router(tags=["Brands"])
MANAGE = Needs(Permission.MANAGE_TEAM)
BrandId = Annotated[Id, Path()]
BrandName = Annotated[
    str, StringConstraints(min_length=1, max_length=60, pattern=NOT_BLANK), Field(examples=["Toys"])
]


class BrandPage(Page[BrandOut]):
    pass


class BrandIn(Body):
    name: Annotated[
        BrandName, Field(description="A new brand gets its `slug` from it, which never changes.")
    ]


@router.get("brands", response=BrandPage, auth=Needs(Permission.VIEW))
def list_brands(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """The brands in which the owner of the token has a role. `me` says in which the token acts."""
    return page(request, _brands(actor(request)), query, brand_out)


@router.post("brands", response={201: BrandOut}, auth=MANAGE)
def create_brand(request: HttpRequest, body: BrandIn, response: HttpResponse) -> Any:
    """A new brand. To work in it, make a token there."""
    try:
        made = brands.make(actor(request), _name(body))
    except brands.Refused as refused:
        raise _name_taken(refused) from None
    return Status(201, _shown(made, response))


@router.get("brands/{brand_id}", response=BrandOut, auth=Needs(Permission.VIEW))
def get_brand(request: HttpRequest, brand_id: BrandId, response: HttpResponse) -> Any:
    """One brand."""
    user = actor(request)
    return _shown(get_object_for(user, _brands(user), pk=brand_id), response)


@router.patch("brands/{brand_id}", response={200: BrandOut, 412: None}, auth=MANAGE)
def rename_brand(
    request: HttpRequest, brand_id: BrandId, body: BrandIn, response: HttpResponse
) -> Any:
    """Give a brand another name. Its addresses stay."""
    user, name = actor(request), _name(body)
    rows = _brands(user).select_for_update()
    brand = get_object_for(user, rows, Permission.MANAGE_TEAM, pk=brand_id)
    require_match(request, _tag(brand))
    try:
        brands.rename(user, brand, name)
    except brands.Refused as refused:
        raise _name_taken(refused) from None
    return _shown(brand, response)


def _brands(user: User) -> QuerySet[Brand]:
    own = brands_of(user, list(Brand.objects.all()))
    return Brand.objects.filter(pk__in=[brand.pk for brand in own])


def _name(body: BrandIn) -> str:
    name: str = require_valid(BrandForm(posted(body.model_dump())))["name"]
    return name


def _name_taken(refused: brands.Refused) -> Problem:
    text = str(refused)
    return Problem(409, "name_taken", text, [FieldError("name", "name_taken", text)])


def _tag(brand: Brand) -> str:
    return etag("brand", brand_out(brand).model_dump_json())


def _shown(brand: Brand, response: HttpResponse) -> BrandOut:
    send(response, _tag(brand))
    return brand_out(brand)
