"""The lists of a brand that are offered to recipients, under names that these understand."""

from dataclasses import asdict, dataclass

from django.db import transaction

from campaigns.contacts.lists import contact_lists
from campaigns.contacts.lists.models import PublicList
from campaigns.contacts.models import ContactList
from campaigns.shared.brands.models import Branded
from campaigns.team.audit import record
from campaigns.team.models import User


def offered_lists(owner: Branded) -> list[PublicList]:
    """The lists that the brand of `owner` offers, by their public names."""
    rows = PublicList.objects.filter(is_offered=True, list__brand=owner.brand_id)
    return list(rows.select_related("list"))


def offer_of(contact_list: ContactList) -> PublicList | None:
    """What is told of a list, offered or not; None if nobody has said yet."""
    offer: PublicList | None = getattr(contact_list, "public", None)
    return offer


@dataclass(frozen=True, slots=True)
class Told:
    """What recipients are told of a list."""

    name: str
    description: str = ""


@transaction.atomic
def offer(
    contact_list: ContactList, told: Told, actor: User | None, *, is_offered: bool = True
) -> None:
    """Offer a list to recipients, change what they are told of it, or offer it no more: its
    contacts stay. Raises ContactsError if it was deleted.
    """
    locked_list = contact_lists.lock(contact_list)
    before = PublicList.objects.filter(list=locked_list).first() or PublicList(list=locked_list)
    after = PublicList(list=locked_list, is_offered=is_offered, **asdict(told))
    if _values(before) == _values(after):
        return
    after.save()
    locked_list.save(update_fields=["updated_at"])  # another version, for the API
    if before.is_offered or is_offered:
        action = "offered" if is_offered else "no longer offered"
        record(actor, locked_list, action, told.name)


def stop_offering(contact_list: ContactList, actor: User | None) -> None:
    """Offer a list no more, and keep what was told of it."""
    if row := PublicList.objects.filter(list=contact_list).first():
        offer(contact_list, Told(row.name, row.description), actor, is_offered=False)


def _values(row: PublicList) -> tuple[bool, str, str]:
    return row.is_offered, row.name, row.description
