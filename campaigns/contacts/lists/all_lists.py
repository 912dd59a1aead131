"""Editing a contact on all lists that its phone is on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.field_types.shown_values import value_for
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.team.models import User


@dataclass(frozen=True, slots=True)
class ChangeOnLists:
    """`conflicts`: as of `contact_lists.change_fields`. Without any, `lists`: how many now have the
    values, with the contact's own.
    """

    conflicts: dict[str, str] = field(default_factory=dict)
    lists: int = 0


class OtherListsChangedError(ContactsError):
    """The contacts on the other lists are no longer as the page showed them."""


def find_others(contact: Contact) -> list[Contact]:
    """The contacts with the same phone on other lists."""
    same_phone = Contact.objects.filter(msisdn=contact.msisdn).exclude(pk=contact.pk)
    return list(same_phone.select_related("list").order_by("list__name"))


def fingerprint(others: Iterable[Contact], tags: Iterable[str]) -> str:
    """What tells apart which other lists there are, and their values of `tags`."""
    names = sorted(tags)
    rows = sorted((row.list_id, [row.fields.get(name) for name in names]) for row in others)
    return hashlib.sha256(json.dumps([names, rows]).encode()).hexdigest()


def has_tag(contact: Contact, tag: str) -> bool:
    """Whether the contact or its list has the merge tag."""
    return tag in contact.fields or tag in contact.list.fields


@transaction.atomic
def change_on_all_lists(
    contact: Contact,
    values: Mapping[str, str],
    seen: Mapping[str, str],
    others_seen: str,
    actor: User | None,
) -> ChangeOnLists:
    """Change the merge tags of `values` that the user changed, on all lists that have them.

    Nothing is saved if the contact conflicts with what was `seen`. `others_seen` is the fingerprint
    of the other lists as the page showed them; raises OtherListsChangedError if that is not so any
    more, and ContactsError if the contact was removed.
    """
    others = _lock_others(contact)
    if fingerprint(others, seen) != others_seen:
        raise OtherListsChangedError(
            _("This contact was changed on another list meanwhile. Check the values, then save.")
        )
    if conflicts := contact_lists.change_fields(contact, values, seen, actor):
        return ChangeOnLists(conflicts)
    changed, _was = contact_lists.clean_changes(values, seen)
    having = [
        (other, own) for other in others if (own := _changes_of(other, changed, contact.list))
    ]
    written = [
        other.list_id for other, own in having if contact_lists.write_fields(other, own, actor)
    ]
    ContactList.objects.filter(pk__in=written).update(updated_at=timezone.now())
    return ChangeOnLists(lists=len(having) + 1)


def _changes_of(
    contact: Contact, changed: Mapping[str, str], edited: ContactList
) -> dict[str, str]:
    """Those of the `changed` values that a contact takes over, by the types of its own list."""
    return {
        tag: value_for(value, edited.type_of(tag), contact.list.type_of(tag))
        for tag, value in changed.items()
        if has_tag(contact, tag)
    }


def _lock_others(contact: Contact) -> list[Contact]:
    """Lock the lists of the phone, then its contacts on the other lists; return these."""
    list_ids = Contact.objects.filter(msisdn=contact.msisdn).values_list("list_id", flat=True)
    in_order = ContactList.objects.filter(pk__in=list(list_ids)).order_by("pk")
    lists = {row.pk: row for row in in_order.select_for_update()}
    same_phone = Contact.objects.select_for_update().filter(msisdn=contact.msisdn).order_by("pk")
    others = [row for row in same_phone if row.pk != contact.pk]
    for other in others:
        if other.list_id in lists:  # else it was added just now, and the fingerprint differs
            other.list = lists[other.list_id]
    return others
