"""Whose token it is, and what it may do."""

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor, token_of
from campaigns.compose.audience.frequency_cap import brand_cap
from campaigns.shared.brands.scope import all_brands
from campaigns.team.models import Brand
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, role_of

router = Router(tags=["Token"])


class CapOut(Schema):
    messages: Annotated[int, Field(description="Promotional messages to a person, at most.")]
    days: Annotated[int, Field(description="In any so many days.")]


class BrandOut(Schema):
    id: int
    name: str
    slug: str
    frequency_cap: Annotated[CapOut | None, Field(description="null: it has none.")]
    promotional_needs_consent: bool


def brand_out(brand: Brand) -> BrandOut:
    """What answers say of a brand."""
    with all_brands():
        cap = brand_cap(brand.pk)
    shown = CapOut(messages=cap.messages, days=cap.days) if cap else None
    return BrandOut(
        id=brand.pk,
        name=brand.name,
        slug=brand.slug,
        frequency_cap=shown,
        promotional_needs_consent=brand.promotional_needs_consent,
    )


class OwnerOut(Schema):
    id: int
    username: str
    role: str
    time_zone: Annotated[str, Field(description="Empty: that of the installation.")]


class MeOut(Schema):
    name: Annotated[str, Field(description="Of the token.")]
    prefix: str
    scopes: list[Permission]
    permissions: Annotated[
        list[Permission], Field(description="The scopes that the role of the owner allows now.")
    ]
    brand: Annotated[BrandOut, Field(description="In which it acts, and the only one it sees.")]
    owner: OwnerOut
    created_at: datetime
    expires_at: datetime | None
    rate: Annotated[int, Field(description="Requests a minute.")]


@router.get(
    "me", summary="Show the token and its owner", response=MeOut, auth=Needs(Permission.VIEW)
)
def get_me(request: HttpRequest) -> Any:
    """The token of this request: its name, permissions, brand and owner."""
    token, user = token_of(request), actor(request)
    return MeOut(
        name=token.name,
        prefix=token.prefix,
        scopes=sorted(token.permissions),
        permissions=[each for each in sorted(token.permissions) if has_permission(user, each)],
        brand=brand_out(token.brand),
        owner=OwnerOut(
            id=user.pk,
            username=user.username,
            role=role_of(user) or "",
            time_zone=user.time_zone,
        ),
        created_at=token.created_at,
        expires_at=token.expires_at,
        rate=settings.API_RATE,
    )
