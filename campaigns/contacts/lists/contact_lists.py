"""People on lists, outside of imports: add, paste, change, remove, copy, merge, delete. Counts move
with the people.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import PROTECT, Count, ManyToManyRel, ManyToOneRel, Model
from django.utils.translation import gettext as _

from campaigns.contacts.importing import contact_store
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.rows import clean_value
from campaigns.contacts.models import CompactEncoder, Contact, ContactList, Import, ImportState
from campaigns.contacts.phones.parsing import Phone, Reason, normalise
from campaigns.contacts.phones.prefix_rules import Normaliser
from campaigns.team.audit import record
from campaigns.team.models import User

# states of what refers to a list in which it needs the list no more
STATES_THAT_RELEASE = ("", "draft", "finished", "cancelled")
AT_WORK = (ImportState.QUEUED, ImportState.RUNNING)


@dataclass(slots=True)
class PasteResult:
    """What became of phones that somebody typed or pasted. `rows` = new + known + repeated +
    stop_listed + wrong.
    """

    rows: int = 0
    new: int = 0
    known: int = 0
    repeated: int = 0
    stop_listed: int = 0
    wrong: list[tuple[str, Reason]] = field(default_factory=list)


def add_contact(
    contact_list: ContactList, phone: str, fields: Mapping[str, str], country: str
) -> Phone:
    """Put one person on a list. Raises Refused: no mobile, on the stop list, on the list
    already.
    """
    verdict = normalise(phone, country)
    if isinstance(verdict, Reason):
        raise ContactsError(verdict.label)
    if contact_store.find_stop_listed([verdict.msisdn]):
        raise ContactsError(_("This phone is on the stop list."))
    values = CompactEncoder().encode(_clean_fields(fields))
    with transaction.atomic():
        locked = ContactList.objects.select_for_update().get(pk=contact_list.pk)
        people = contact_store.ContactRows([verdict.msisdn], [verdict.country], [values])
        written = contact_store.write(people, locked.pk, None, update=False)
        if not written.new:
            raise ContactsError(_("This phone is already on the list."))
        _add_to_counts(locked, written.countries)
    return verdict


def add_phones(contact_list: ContactList, lines: Iterable[str], country: str) -> PasteResult:
    """Put the phones on a list, one a line."""
    cells = [line.strip() for line in lines if line.strip()]
    added = PasteResult(rows=len(cells))
    msisdns, countries = Normaliser(country).columns(cells)
    people: dict[str, str] = {}
    for cell, msisdn, home in zip(cells, msisdns, countries, strict=True):
        if not home:
            added.wrong.append((cell, Reason(msisdn)))
        elif msisdn in people:
            added.repeated += 1
        else:
            people[msisdn] = home
    stopped = contact_store.find_stop_listed(list(people))
    added.stop_listed = len(stopped)
    kept = {msisdn: home for msisdn, home in people.items() if msisdn not in stopped}
    with transaction.atomic():
        locked = ContactList.objects.select_for_update().get(pk=contact_list.pk)
        ready = contact_store.ContactRows(list(kept), list(kept.values()), ["{}"] * len(kept))
        written = contact_store.write(ready, locked.pk, None, update=False)
        _add_to_counts(locked, written.countries)
    added.new, added.known = written.new, written.unchanged
    return added


def update_fields(contact: Contact, fields: Mapping[str, str]) -> None:
    """Give a person other merge fields; empty ones go."""
    contact.fields = _clean_fields(fields)
    contact.save(update_fields=["fields"])


def _clean_fields(fields: Mapping[str, str]) -> dict[str, str]:
    cleaned = {name: clean_value(value) for name, value in fields.items()}
    return {name: value for name, value in cleaned.items() if value}


def remove_contacts(contact_list: ContactList, contact_ids: Iterable[int]) -> int:
    """Take people off a list; how many."""
    with transaction.atomic():
        locked = ContactList.objects.select_for_update().get(pk=contact_list.pk)
        leaving = Contact.objects.filter(list=locked, pk__in=list(contact_ids))
        countries = Counter(leaving.values_list("country", flat=True))
        gone = leaving.delete()[0]
        _add_to_counts(locked, Counter({country: -number for country, number in countries.items()}))
    return gone


def _add_to_counts(locked: ContactList, more: Mapping[str, int]) -> None:
    """Move the counts of a list whose row is locked."""
    counts = Counter(locked.countries)
    counts.update(more)
    locked.countries = {country: number for country, number in counts.items() if number > 0}
    locked.contact_count = max(locked.contact_count + sum(more.values()), 0)
    locked.save(update_fields=["countries", "contact_count", "updated_at"])


def recount(contact_list: ContactList) -> None:
    """Count a list anew. Scans it: for copies and repairs, never for a page."""
    rows = (
        Contact.objects.filter(list=contact_list)
        .order_by()
        .values_list("country")
        .annotate(n=Count("pk"))
    )
    contact_list.countries = dict(rows)
    contact_list.contact_count = sum(contact_list.countries.values())
    contact_list.save(update_fields=["countries", "contact_count", "updated_at"])


def copy_contacts(
    source: ContactList, target: ContactList, contact_ids: Iterable[int] | None = None
) -> int:
    """Put the people of `source` (or some of them) on `target` too, with their merge fields; how
    many were new there.

    Who is on `target` already stays as they are.
    """
    statement = (
        "INSERT INTO campaigns_contact (list_id, msisdn, country, fields, source_id)"
        " SELECT %s, msisdn, country, fields, source_id FROM campaigns_contact WHERE list_id = %s"
    )
    values: list[int] = [target.pk, source.pk]
    if contact_ids is not None:
        ids = list(contact_ids)
        statement += f" AND id IN ({', '.join(['%s'] * len(ids))})" if ids else " AND false"
        values += ids
    with transaction.atomic():
        locked = ContactList.objects.select_for_update().get(pk=target.pk)
        before = locked.contact_count
        with connection.cursor() as cursor:
            cursor.execute(
                f"{statement} ORDER BY id ON CONFLICT (list_id, msisdn) DO NOTHING", values
            )
        locked.fields = [
            *locked.fields,
            *(name for name in source.fields if name not in locked.fields),
        ]
        locked.save(update_fields=["fields"])
        recount(locked)
    return locked.contact_count - before


class Dependant(NamedTuple):
    """Something that refers to a list: what it is, its name, and whether it needs the list
    still.
    """

    kind: str
    name: str
    needs_it: bool


def find_dependants(thing: Model) -> list[Dependant]:
    """What of the later stages refers to a list, or to a thing like it.

    They are found by their relations: this stage does not know them. What protects a thing needs
    it; of others their state says whether they do.
    """
    found: dict[Dependant, None] = {}
    for relation in thing._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ManyToOneRel | ManyToManyRel):
            continue
        protects = getattr(relation, "on_delete", None) is PROTECT
        if not protects and not isinstance(relation, ManyToManyRel):
            continue
        for user in _select_referring(relation.related_model, relation.field.name, thing):
            needs_it = protects or str(getattr(user, "state", "")) not in STATES_THAT_RELEASE
            found[Dependant(str(user._meta.verbose_name), str(user), needs_it)] = None
    return list(found)


def _select_referring(model: type[Model], name: str, thing: Model) -> Iterable[Model]:
    return model._default_manager.filter(**{name: thing})[:1000]


def delete_list(contact_list: ContactList, actor: User | None) -> int:
    """Delete a list with its people; how many. Raises Refused while something needs it."""
    needed = [found.name for found in find_dependants(contact_list) if found.needs_it]
    if needed:
        raise ContactsError(
            _("The list cannot be deleted. It is used by: %(names)s.")
            % {"names": ", ".join(needed[:5])}
        )
    if Import.objects.filter(list=contact_list, state__in=AT_WORK).exists():
        raise ContactsError(
            _("A file is being imported into this list. Wait until it finishes, or cancel it.")
        )
    with transaction.atomic():
        people = contact_list.contact_count
        record(actor, contact_list, "deleted", f"{contact_list.name}: {people}")
        contact_list.delete()
    return people
