"""Erase the data of one phone: from every list, from rejected rows, from sent messages, from files
that wait, from the texts in which it stands, and what was entered about the person.

What stays: the entry of the stop list (created if there is none), so that no import brings the
phone back and no campaign is sent to it; the ledger, which names nobody; and the reference of each
message, by which the gateway knows it. Sums and counts stay true.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from campaigns.compose.models import TriggerEvent
from campaigns.contacts.importing import rejected_rows
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists, stop_list
from campaigns.contacts.lists.models import StopProposal
from campaigns.contacts.models import Contact, Person, StopListEntry
from campaigns.contacts.people import person
from campaigns.dispatch import message_changes
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.models import (
    ERASED_PREFIX,
    Batch,
    BatchState,
    Evidence,
    Recipient,
    SendState,
)
from campaigns.dispatch.people import phone_columns, waiting_files
from campaigns.dispatch.people.phone_texts import PhoneText
from campaigns.dispatch.tally import TallyChanges
from campaigns.shared.brands.scope import all_brands
from campaigns.team.audit import record
from campaigns.team.models import User

REASON = "erased"  # of recipients who were still queued and are cancelled


@dataclass(frozen=True, slots=True)
class StoredData:
    """How much data there is about a phone; false if there is none.

    `lists` it is on, `tags`: merge tags with a value there, `messages` to it, `person`: whether
    consent, language, topics or notes were entered. `rejected`: rows that an import rejected;
    counted only by the erasure, since all of them have to be read. So are `mentions`, rows with the
    phone in a text, and `imports` that were not started and have it in their file.
    """

    lists: int
    tags: int
    messages: int
    waiting: int  # messages that are not sent yet, and never will be
    person: bool
    rejected: int = 0
    mentions: int = 0
    imports: int = 0

    def __bool__(self) -> bool:
        return bool(self.lists or self.messages or self.person)


def count_stored_data(msisdn: str) -> StoredData:
    """Count the data about a phone."""
    contacts = Contact.objects.filter(msisdn=msisdn).values_list("fields", flat=True)
    states = list(Recipient.objects.filter(msisdn=msisdn).values_list("send_state", flat=True))
    return StoredData(
        lists=len(contacts),
        tags=sum(map(len, contacts)),
        messages=len(states),
        waiting=states.count(SendState.QUEUED),
        person=Person.objects.filter(msisdn=msisdn).exists(),
    )


def erase(msisdn: str, actor: User | None) -> StoredData:
    """Erase the data of a phone in all brands; return how much it was.

    Raises Refused while a message to the phone is being sent.
    """
    with all_brands():
        return _erase_everywhere(msisdn, actor)


def _erase_everywhere(msisdn: str, actor: User | None) -> StoredData:
    imports = waiting_files.imports_with_phone(PhoneText(msisdn))
    rejected = list(rejected_rows.find_with_phone(msisdn))
    data = _erase(msisdn, actor, rejected, len(imports))
    waiting_files.cancel(imports)  # after the commit, as deleted files do not come back
    return data


@transaction.atomic
def _erase(msisdn: str, actor: User | None, rejected: list[int], imports: int) -> StoredData:
    data = replace(count_stored_data(msisdn), rejected=len(rejected), imports=imports)
    person.erase(msisdn)  # before the stop list, as a change of the person locks the two
    stop_list.add_phones([msisdn], _("Erased"), actor, for_all_brands=True)
    contacts = Contact.objects.filter(msisdn=msisdn).select_related("list").order_by("list_id")
    for contact in contacts:
        contact_lists.remove_contacts(contact.list, [contact.pk])
    rejected_rows.clear_cells(rejected)
    TriggerEvent.objects.filter(msisdn=msisdn).delete()
    StopProposal.objects.filter(msisdn=msisdn).delete()
    # Batches before their recipients, as a sender locks them: or each could wait for the other.
    batches = _lock_batches_with_queued(msisdn)
    messages = list(Recipient.objects.select_for_update().filter(msisdn=msisdn).order_by("pk"))
    queued = [message for message in messages if message.send_state == SendState.QUEUED]
    _cancel_queued(queued, batches)
    for message in messages:
        _anonymise(message)
    data = replace(data, mentions=phone_columns.erase_mentions(PhoneText(msisdn)))
    detail = (
        f"lists {data.lists}, messages {data.messages}, rejected rows {data.rejected},"
        f" texts {data.mentions}, imports {data.imports}"
    )
    record(actor, StopListEntry.objects.get(msisdn=msisdn, brand=None), "erased", detail)
    return data


def _lock_batches_with_queued(msisdn: str) -> dict[tuple[int, int], Batch]:
    """Lock the batches in which a message to this phone is queued; by campaign and number.

    No sender can claim them until the transaction ends.
    """
    queued = Recipient.objects.filter(msisdn=msisdn, send_state=SendState.QUEUED)
    places = [
        Q(campaign=campaign_id, number=number)
        for campaign_id, number in queued.values_list("campaign_id", "batch_number")
    ]
    if not places:
        return {}
    batches = Batch.objects.filter(Q(*places, _connector=Q.OR))
    return {
        (batch.campaign_id, batch.number): batch
        for batch in batches.select_for_update().order_by("pk")
    }


def _cancel_queued(recipients: list[Recipient], batches: Mapping[tuple[int, int], Batch]) -> None:
    """QUEUED -> CANCELLED. Raises Refused if a sender has the batch of one of `recipients`.

    `batches` are locked; a batch that is not among them has come since.
    """
    changes = TallyChanges()
    batch_ids = []
    for recipient in recipients:
        batch = batches.get((recipient.campaign_id, recipient.batch_number))
        if batch is None or batch.state not in (BatchState.READY, BatchState.WAITING):
            raise ContactsError(
                _("A message to this phone is being sent right now. Try again in a few minutes.")
            )
        queued = Recipient.objects.filter(pk=recipient.pk)
        message_changes.record_cancelled(recipient.campaign_id, queued)
        queued.update(send_state=SendState.CANCELLED, reason=REASON)
        changes.add(
            recipient.campaign_id, recipient.country, SendState.CANCELLED.value, reason=REASON
        )
        batch_ids.append(batch.pk)
    holds.recompute(batch_ids)
    changes.write()


def _anonymise(recipient: Recipient) -> None:
    answers = Evidence.objects.filter(
        campaign=recipient.campaign_id, batch_number=recipient.batch_number
    )
    for answer in answers.filter(body__contains=recipient.msisdn):
        answer.body = answer.body.replace(recipient.msisdn, "•••")
        answer.save(update_fields=["body"])
    Recipient.objects.filter(pk=recipient.pk).update(
        msisdn=f"{ERASED_PREFIX}{recipient.pk}", fields={}
    )
