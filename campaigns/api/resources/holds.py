"""Holds: one switch that stops all sending of the brand, or of all brands."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.schemas import Body, Flag, Text
from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.dispatch import hold_effects
from campaigns.shared.brands.scope import MAIN, acting_brand
from campaigns.team.holds import switch
from campaigns.team.holds.models import NOTE_MAX
from campaigns.team.pages.access import require_permission
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones

router = Router(tags=["Holds"])
AllBrands = Annotated[
    Flag, Field(description="All brands, not that of the token alone. It takes `operate`.")
]


class HoldOut(Schema):
    all_brands: bool
    since: datetime
    by: Annotated[str, Field(description='Name of the user; "" for a command.')]
    note: Annotated[str, Field(description="Phones in it are masked without `see_phones`.")]


class HoldsOut(Schema):
    """What holds the sending of the brand; it goes on when `holds` is empty."""

    holds: list[HoldOut]
    under_way: Annotated[
        int, Field(description="Recipients whose request may be under way at this moment.")
    ]


class HoldIn(Body):
    note: Annotated[Text, Field(max_length=NOTE_MAX, description="Why, for those who see it.")] = ""
    all_brands: AllBrands = False


class ReleaseIn(Body):
    all_brands: AllBrands = False


@router.get("hold", response=HoldsOut, auth=Needs(Permission.VIEW))
def get_hold(request: HttpRequest) -> Any:
    """Whether sending is held."""
    return _shown(request)


@router.post("hold", response=HoldsOut, auth=Needs(Permission.SEND))
@own_transactions
def hold_sending(request: HttpRequest, body: HoldIn) -> Any:
    """Stop all sending at once. Campaigns keep their states. When this is answered, only messages
    leave that were under way before. What is held already stays as it is.
    """
    switch.hold(actor(request), _brand(request, body.all_brands), body.note)
    return _shown(request)


@router.post("hold/release", response=HoldsOut, auth=Needs(Permission.SEND))
def release_sending(request: HttpRequest, body: ReleaseIn) -> Any:
    """Let everything go on where it was. `holds` has what another hold still stops."""
    hold_effects.release(actor(request), _brand(request, body.all_brands))
    return _shown(request)


def _brand(request: HttpRequest, all_brands: bool) -> int | None:
    if all_brands:
        require_permission(actor(request), Permission.OPERATE)
        return None
    return acting_brand() or MAIN


def _shown(request: HttpRequest) -> dict[str, Any]:
    shown = hold_effects.described(acting_brand() or MAIN)
    if not sees_phones(actor(request)):
        for held in shown["holds"]:
            held["note"] = mask_phones_in(held["note"])
    return shown
