"""The lists of the brand that a recipient chooses by the link of a message."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.lists.public_lists import offered_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.models import Recipient
from campaigns.engagement.opt_outs import Visitor, is_stopped
from campaigns.team.audit import context, record


@dataclass(frozen=True, slots=True)
class Choice:
    """A list that is offered, and whether the recipient is on it."""

    list_id: int
    name: str
    description: str
    is_chosen: bool


def choices(recipient: Recipient) -> list[Choice]:
    """The lists that the brand offers. Within `acting_for` the brand."""
    offered = offered_lists(recipient.campaign)
    on_lists = set(
        Contact.objects.filter(
            msisdn=recipient.msisdn, list__in=[row.list_id for row in offered]
        ).values_list("list_id", flat=True)
    )
    return [
        Choice(row.list_id, row.name, row.description, row.list_id in on_lists) for row in offered
    ]


@transaction.atomic
def choose(recipient: Recipient, shown: Collection[int], chosen: Collection[int]) -> None:
    """Put the recipient on the lists that were `chosen` of those that were `shown`, and on no other
    of these; lists that are not offered any more stay as they are. Who opted out is put on none.
    """
    if is_stopped(recipient):
        return
    offered = {row.list_id: row.list for row in offered_lists(recipient.campaign)}
    with context.acting_from(Visitor()):
        for list_id in sorted(offered.keys() & set(shown)):  # locked in the order of all who do
            change = _add if list_id in chosen else _remove
            with suppress(ContactsError), transaction.atomic():  # there already, or deleted
                change(offered[list_id], recipient)


def _add(contact_list: ContactList, recipient: Recipient) -> None:
    contact_lists.add_contact(contact_list, f"+{recipient.msisdn}", {}, recipient.country)
    contact = Contact.objects.get(list=contact_list, msisdn=recipient.msisdn)
    record(None, contact, "added", f"to contactlist:{contact_list.pk}; {message_of(recipient)}")


def _remove(contact_list: ContactList, recipient: Recipient) -> None:
    for contact in Contact.objects.filter(list=contact_list, msisdn=recipient.msisdn):
        detail = f"from contactlist:{contact_list.pk}; {message_of(recipient)}"
        record(None, contact, "removed", detail)
        contact_lists.remove_contacts(contact_list, [contact.pk])


def message_of(recipient: Recipient) -> str:
    """What the trail says of the message whose link was opened."""
    return f"campaign {recipient.campaign_id}, message {recipient.pk}"
