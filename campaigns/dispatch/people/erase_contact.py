"""Forget one person: off every list, out of rejected rows and of what was sent. Sums, counts and
references stay true.

What stays: the stop list's entry (made now where there is none), so that no file brings them back
and no campaign writes to them; the ledger, which names nobody; the reference of each message, by
which the gateway knows it.
"""

from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.contacts.importing import rejected_rows
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists, stop_list
from campaigns.contacts.models import Contact, StopListEntry
from campaigns.dispatch.models import ERASED, Batch, BatchState, Evidence, Recipient, SendState
from campaigns.dispatch.tally import Moves
from campaigns.team.audit import record
from campaigns.team.models import User

REASON = "erased"  # why somebody still in the queue was cancelled


@dataclass(frozen=True, slots=True)
class Held:
    """What an erasure takes: rows on lists, their merge tags that hold something, and messages that
    name the phone.

    `rejected`: rows that an import turned away and that name it; counted by the erasure alone, as
    it takes reading all.
    """

    lists: int
    tags: int
    messages: int
    waiting: int  # of the messages, those not sent yet: they never will be
    rejected: int = 0

    def __bool__(self) -> bool:
        return bool(self.lists or self.messages)


def held(msisdn: str) -> Held:
    """How much there is to erase of a phone."""
    contacts = Contact.objects.filter(msisdn=msisdn).values_list("fields", flat=True)
    states = list(Recipient.objects.filter(msisdn=msisdn).values_list("send_state", flat=True))
    return Held(len(contacts), sum(map(len, contacts)), len(states), states.count(SendState.QUEUED))


def erase(msisdn: str, actor: User | None) -> Held:
    """Erase what is held on a phone; how much it was. Raises Refused while a message to it is on
    its way.
    """
    return _erase(msisdn, actor, list(rejected_rows.find_with_phone(msisdn)))


@transaction.atomic
def _erase(msisdn: str, actor: User | None, rejected: list[int]) -> Held:
    found = replace(held(msisdn), rejected=len(rejected))
    stop_list.add_phones([msisdn], _("Erased"), actor)
    for contact in Contact.objects.filter(msisdn=msisdn).select_related("list"):
        contact_lists.remove_contacts(contact.list, [contact.pk])
    rejected_rows.clear_cells(rejected)
    messages = list(Recipient.objects.select_for_update().filter(msisdn=msisdn))
    _withdraw([one for one in messages if one.send_state == SendState.QUEUED])
    for one in messages:
        _anonymise(one)
    detail = f"lists {found.lists}, messages {found.messages}, rejected rows {found.rejected}"
    record(actor, StopListEntry.objects.get(msisdn=msisdn), "erased", detail)
    return found


def _withdraw(waiting: list[Recipient]) -> None:
    """QUEUED -> CANCELLED, where no request can hold them: their batches are locked, and nobody has
    claimed them.
    """
    moves = Moves()
    for one in waiting:
        batch = Batch.objects.select_for_update().get(
            campaign=one.campaign_id, number=one.batch_number
        )
        if batch.state != BatchState.READY:
            raise ContactsError(
                _("A message to this phone is on its way just now. Try again in some minutes.")
            )
        Recipient.objects.filter(pk=one.pk).update(send_state=SendState.CANCELLED, reason=REASON)
        moves.arrive(one.campaign_id, one.country, SendState.CANCELLED.value, reason=REASON)
    moves.write()


def _anonymise(one: Recipient) -> None:
    answers = Evidence.objects.filter(campaign=one.campaign_id, batch_number=one.batch_number)
    for answer in answers.filter(body__contains=one.msisdn):
        answer.body = answer.body.replace(one.msisdn, "•••")
        answer.save(update_fields=["body"])
    Recipient.objects.filter(pk=one.pk).update(msisdn=f"{ERASED}{one.pk}", fields={})
