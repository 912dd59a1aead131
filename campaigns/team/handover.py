"""What runs in the name of a user, such as scheduled imports: who takes it over, or that it is
paused, when the account is closed.

The packages that own such objects register them at the start.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.shared.brands.scope import acting_for, all_brands
from campaigns.team import audit
from campaigns.team.models import Brand, User
from campaigns.team.permissions import Permission
from campaigns.team.roles import users_with_permission


class Undecided(Exception):  # noqa: N818 - not a failure: the reason is the user's
    """Nobody who may take it over was named, nor that it is paused; the message says so."""


class Kind(NamedTuple):
    """Objects with `owner`, `brand` and `paused` that run in the name of their owner."""

    model: type[Model]
    permission: Permission  # what the owner needs in the brand
    pause: Callable[[Any, User], None]  # (object, actor): records it; nothing if it is paused
    columns_of: Callable[[Any], dict[str, Any]]  # that differ with the new owner, who is set
    condition: Q = Q()  # on those that can still run


class Work(NamedTuple):
    """What runs in the name of a user in a brand, and the active users who may take it over."""

    brand: Brand
    objects: list[tuple[Kind, Any]]
    takers: QuerySet[User]


_kinds: list[Kind] = []


def register(kind: Kind) -> None:
    """Make a kind known. Called once, at the start."""
    _kinds.append(kind)


def work_of(member: User) -> list[Work]:
    """What runs in the name of `member`, by brand."""
    by_brand: dict[Brand, list[tuple[Kind, Any]]] = {}
    with all_brands():
        for kind in _kinds:
            rows = kind.model._default_manager.filter(kind.condition, owner=member).select_related(
                "brand", "owner"
            )
            row: Any
            for row in rows:
                by_brand.setdefault(row.brand, []).append((kind, row))
    return [
        Work(brand, by_brand[brand], _takers(member, brand, by_brand[brand]))
        for brand in sorted(by_brand, key=lambda brand: brand.pk)
    ]


def _takers(member: User, brand: Brand, objects: list[tuple[Kind, Any]]) -> QuerySet[User]:
    permissions = {kind.permission for kind, _row in objects}
    with acting_for(brand.pk):
        return users_with_permission(*permissions).exclude(pk=member.pk).order_by("username")


def hand_over(actor: User, member: User, takers: Mapping[int, int | None]) -> None:
    """Give what runs in the name of `member` to others, in the caller's transaction.

    `takers`: the id of a user by brand; None: it is paused, and stays with `member`. Raises
    Undecided if a brand is missing, or its user may not take it over.
    """
    for work in work_of(member):
        taker_id = takers.get(work.brand.pk, 0)
        taker = work.takers.filter(pk=taker_id).first() if taker_id else None
        if taker is None and taker_id is not None:
            text = _("Choose who takes over what runs in the name of %(name)s.")
            raise Undecided(text % {"name": member.username})
        with acting_for(work.brand.pk):
            for kind, row in work.objects:
                if taker is None:
                    kind.pause(row, actor)
                else:
                    _give(kind, row, taker, actor)


def _give(kind: Kind, row: Any, taker: User, actor: User) -> None:
    before, row.owner = row.owner, taker
    owned = kind.model._default_manager.filter(pk=row.pk, owner=before)
    if owned.update(owner=taker, **kind.columns_of(row)):
        audit.record(actor, row, "handed over", f"from {before} to {taker}")
