"""Changes of lists apart from imports: add, edit, remove and copy contacts, delete a list.

Each change keeps the stored counts of the list true.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.field_types import list_fields
from campaigns.contacts.importing import contact_store
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.seen_values import changed_values, find_conflicts
from campaigns.contacts.models import (
    CHANGING,
    CompactEncoder,
    Contact,
    ContactList,
    FieldType,
    Import,
)
from campaigns.contacts.phones.cell_texts import clean_value
from campaigns.contacts.phones.parsing import Phone, Reason, normalise
from campaigns.contacts.phones.prefix_rules import Normaliser
from campaigns.contacts.undo import kept_values
from campaigns.shared.bulk import among
from campaigns.team import removal
from campaigns.team.audit import record
from campaigns.team.models import User
from campaigns.team.removal import InUse, Reference


@dataclass(slots=True)
class PasteResult:
    """Counts of pasted phones. `rows` = new + known + duplicates + stop_listed + rejected."""

    rows: int = 0
    new: int = 0
    known: int = 0
    duplicates: int = 0
    stop_listed: int = 0
    rejected: list[tuple[str, Reason]] = field(default_factory=list)


def add_contact(
    contact_list: ContactList,
    phone: str,
    fields: Mapping[str, str],
    country: str,
    actor: User | None = None,
) -> Phone:
    """Add one contact to a list; `country` is that of phones without a country code. Recorded if
    there is an `actor`, else by the caller.

    Raises ContactsError for a phone that is invalid, on the stop list, or on the list already.
    """
    parsed = normalise(phone, country)
    if isinstance(parsed, Reason):
        raise ContactsError(parsed.label)
    if contact_store.find_stop_listed([parsed.msisdn]):
        raise ContactsError(_("This phone is on the stop list."))
    fields_json = CompactEncoder().encode(_clean_fields(fields))
    with transaction.atomic():
        locked_list = lock(contact_list)
        row = contact_store.ContactRows([parsed.msisdn], [parsed.country], [fields_json])
        result = contact_store.write(row, locked_list.pk, None, update=False)
        if not result.new:
            raise ContactsError(_("This phone is already on the list."))
        _change_counts(locked_list, result.countries)
        if actor:
            added = Contact.objects.get(list=locked_list, msisdn=parsed.msisdn)
            record(actor, added, "added", f"to contactlist:{locked_list.pk}")
    return parsed


@transaction.atomic
def create(
    name: str, actor: User | None, types: Mapping[str, FieldType] = MappingProxyType({})
) -> ContactList:
    """A new list without contacts, and with the fields in `types`. Raises IntegrityError if there
    is one of this name.
    """
    contact_list = ContactList(name=name, created_by=actor)
    list_fields.add_fields(contact_list, types)
    contact_list.save()
    record(actor, contact_list, "created", name)
    return contact_list


@transaction.atomic
def rename(contact_list: ContactList, name: str, actor: User | None) -> None:
    """Give a list another name. Raises IntegrityError if another one has it, and ContactsError if
    the list was deleted.
    """
    locked_list = lock(contact_list)
    if locked_list.name != name:
        locked_list.name = name
        locked_list.save(update_fields=["name", "updated_at"])
        record(actor, locked_list, "edited", "name")


@transaction.atomic
def add_fields(
    contact_list: ContactList, types: Mapping[str, FieldType], actor: User | None
) -> None:
    """Add the fields that the list does not have yet. Raises ContactsError for one that it has with
    another type, and if it was deleted.
    """
    locked_list = lock(contact_list)
    if name := list_fields.first_conflict(locked_list, types):
        text = _("“%(name)s” has another type on this list.")
        raise ContactsError(text % {"name": name})
    if list_fields.add_fields(locked_list, types):
        locked_list.save(update_fields=["fields", "field_types", "updated_at"])
        record(actor, locked_list, "edited", "fields")


def lock(contact_list: ContactList) -> ContactList:
    """Lock the row of a list, in the caller's transaction. Raises ContactsError if it is gone.

    Whoever adds contacts, starts an import or deletes the list takes this lock first.
    """
    locked_list = ContactList.objects.select_for_update().filter(pk=contact_list.pk).first()
    if locked_list is None:
        raise ContactsError(_("The list was deleted."))
    return locked_list


def add_phones(
    contact_list: ContactList, lines: Iterable[str], country: str, actor: User | None = None
) -> PasteResult:
    """Add phones, one per line, to a list; contacts already on it stay unchanged.

    Raises ContactsError if the list was deleted.
    """
    cells = [line.strip() for line in lines if line.strip()]
    pasted = PasteResult(rows=len(cells))
    phones: dict[str, str] = {}  # msisdn -> country
    for cell, msisdn, phone_country in zip(cells, *Normaliser(country).columns(cells), strict=True):
        if not phone_country:
            pasted.rejected.append((cell, Reason(msisdn)))
        elif msisdn in phones:
            pasted.duplicates += 1
        else:
            phones[msisdn] = phone_country
    stop_listed = contact_store.find_stop_listed(list(phones))
    pasted.stop_listed = len(stop_listed)
    rows = contact_store.ContactRows(list(phones), list(phones.values()), ["{}"] * len(phones))
    with transaction.atomic():
        locked_list = lock(contact_list)
        kept_values.mark_changed(locked_list.pk, *_with_phones(rows.msisdns))
        result = contact_store.write(rows.without(stop_listed), locked_list.pk, None, update=False)
        _change_counts(locked_list, result.countries)
        record(actor, locked_list, "contacts added", f"{result.new} of {len(cells)}")
    pasted.new, pasted.known = result.new, result.unchanged
    return pasted


@dataclass(frozen=True, slots=True)
class AddedRow:
    """What became of one of several contacts to add. `reason`: of one that is rejected."""

    outcome: str  # new, known, duplicate, stop_listed, rejected
    msisdn: str = ""
    reason: Reason | None = None


def add_contacts(
    contact_list: ContactList,
    contacts: Sequence[tuple[str, Mapping[str, str]]],
    country: str,
    actor: User | None,
) -> list[AddedRow]:
    """Add contacts with their phones and merge tags; those already on the list stay unchanged.

    `country`: of phones without a country code. Returned is what became of each, in order. Raises
    ContactsError if the list was deleted.
    """
    columns = Normaliser(country).columns([phone for phone, _fields in contacts])
    phones: dict[str, tuple[str, str]] = {}  # msisdn -> country, merge tags
    for msisdn, phone_country, (_phone, fields) in zip(*columns, contacts, strict=True):
        if phone_country and msisdn not in phones:
            phones[msisdn] = phone_country, CompactEncoder().encode(_clean_fields(fields))
    stop_listed = contact_store.find_stop_listed(list(phones))
    rows = contact_store.ContactRows(
        list(phones),
        [country for country, _ in phones.values()],
        [tags for _, tags in phones.values()],
    ).without(stop_listed)
    with transaction.atomic():
        locked_list = lock(contact_list)
        on_list = Contact.objects.filter(list=locked_list, msisdn__in=rows.msisdns)
        known = set(on_list.values_list("msisdn", flat=True))
        kept_values.mark_changed(locked_list.pk, *_with_phones(rows.msisdns))
        result = contact_store.write(rows, locked_list.pk, None, update=False)
        _change_counts(locked_list, result.countries)
        record(actor, locked_list, "contacts added", f"{result.new} of {len(contacts)}")
    return [*_outcomes(zip(*columns, strict=True), known, stop_listed)]


def _outcomes(
    phones: Iterable[tuple[str, str]], known: set[str], stop_listed: set[str]
) -> Iterator[AddedRow]:
    """What became of each of `phones`, which Normaliser made."""
    seen: set[str] = set()
    for msisdn, country in phones:
        if not country:
            yield AddedRow("rejected", reason=Reason(msisdn))
        elif msisdn in seen:
            yield AddedRow("duplicate", msisdn)
        elif msisdn in stop_listed:
            yield AddedRow("stop_listed", msisdn)
        else:
            yield AddedRow("known" if msisdn in known else "new", msisdn)
        seen.add(msisdn)


def _with_phones(msisdns: list[str]) -> tuple[str, list[object]]:
    """The SQL condition that a contact `c` has one of the phones, and its parameters."""
    condition, parameter = among("c.msisdn", msisdns)
    return condition, [parameter]


@transaction.atomic
def change_fields(
    contact: Contact, values: Mapping[str, str], seen: Mapping[str, str], actor: User | None
) -> dict[str, str]:
    """Change the merge tags whose `values` differ from those that the user has `seen`.

    Others keep what an import may have brought meanwhile. If one of those to change is no longer as
    it was seen, nothing is saved; returned are these tags with their present values. Raises
    ContactsError if the contact was removed meanwhile.
    """
    # A new version of the list. It is locked before its contacts, as wherever they change.
    ContactList.objects.filter(pk=contact.list_id).update(updated_at=timezone.now())
    locked = Contact.objects.select_for_update().filter(pk=contact.pk).first()
    if locked is None:
        raise ContactsError(_("The contact was removed from the list meanwhile."))
    changed, was = clean_changes(values, seen)
    present = {name: str(locked.fields.get(name, "")) for name in changed}
    conflicts = find_conflicts(changed, was, present)
    if not conflicts:
        write_fields(locked, changed, actor)
    return conflicts


def clean_changes(
    values: Mapping[str, str], seen: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The values that the user changed, and all that were seen, both as they are stored."""
    was = {name: clean_value(value) for name, value in seen.items()}
    new = {name: clean_value(value) for name, value in values.items()}
    return changed_values(new, was), was


def write_fields(locked: Contact, changed: Mapping[str, str], actor: User | None) -> bool:
    """Write merge tags of a contact whose row and list are locked; whether that changed any.

    The trail names the tags, not their values.
    """
    fields = {name: value for name, value in {**locked.fields, **changed}.items() if value}
    if fields == locked.fields:
        return False
    names = [name for name in changed if fields.get(name) != locked.fields.get(name)]
    locked.fields = fields
    locked.save(update_fields=["fields"])
    kept_values.mark_changed(locked.list_id, "c.id = %s", [locked.pk])
    record(actor, locked, "edited", ", ".join(names))
    return True


def _clean_fields(fields: Mapping[str, str]) -> dict[str, str]:
    cleaned = {name: clean_value(value) for name, value in fields.items()}
    return {name: value for name, value in cleaned.items() if value}


def remove_contacts(
    contact_list: ContactList, contact_ids: Iterable[int], actor: User | None = None
) -> int:
    """Remove contacts from a list; returns how many. Recorded if there is an `actor`, else by the
    caller. Raises ContactsError if the list was deleted.
    """
    with transaction.atomic():
        locked_list = lock(contact_list)
        contacts = Contact.objects.filter(list=locked_list, pk__in=list(contact_ids))
        countries = Counter(contacts.values_list("country", flat=True))
        kept_values.forget(list(contacts.values_list("pk", flat=True)))
        for contact in contacts if actor else ():
            record(actor, contact, "removed", f"from contactlist:{locked_list.pk}")
        removed = contacts.delete()[0]
        _change_counts(locked_list, {country: -count for country, count in countries.items()})
    return removed


def _change_counts(locked_list: ContactList, changes: Mapping[str, int]) -> None:
    """Add `changes` by country to the counts of a list whose row is locked."""
    counts = Counter(locked_list.countries)
    counts.update(changes)
    locked_list.countries = {country: count for country, count in counts.items() if count > 0}
    locked_list.contact_count = max(locked_list.contact_count + sum(changes.values()), 0)
    locked_list.save(update_fields=["countries", "contact_count", "updated_at"])


def recount(contact_list: ContactList) -> None:
    """Count the contacts of a list anew. Reads all of them: for copies and repairs, not pages."""
    counts = (
        Contact.objects.filter(list=contact_list)
        .order_by()
        .values_list("country")
        .annotate(n=Count("pk"))
    )
    contact_list.countries = dict(counts)
    contact_list.contact_count = sum(contact_list.countries.values())
    contact_list.save(update_fields=["countries", "contact_count", "updated_at"])


def copy_contacts(
    source: ContactList,
    target: ContactList,
    contact_ids: Iterable[int] | None = None,
    actor: User | None = None,
) -> int:
    """Copy all contacts of `source`, or those of `contact_ids`, to `target`; returns how many.

    Merge tags are copied too, with their types. Contacts already on `target` stay unchanged. Raises
    ContactsError if `target` was deleted or has one of them with another type.
    """
    chosen = "list_id = %s"
    parameters: list[int] = [source.pk]
    if contact_ids is not None:
        ids = list(contact_ids)
        chosen += f" AND id IN ({', '.join(['%s'] * len(ids))})" if ids else " AND false"
        parameters += ids
    statement = (
        "INSERT INTO campaigns_contact"  # noqa: S608 - our own table
        " (list_id, msisdn, country, fields, source_id)"
        " SELECT %s, msisdn, country, fields, source_id FROM campaigns_contact"
        f" WHERE {chosen} ORDER BY id ON CONFLICT (list_id, msisdn) DO NOTHING"
    )
    phones = f"SELECT msisdn FROM campaigns_contact WHERE {chosen}"  # noqa: S608 - our own table
    with transaction.atomic():
        locked_list = lock(target)
        _refuse_other_types(source, locked_list)
        count_before = locked_list.contact_count
        kept_values.mark_changed(locked_list.pk, f"c.msisdn IN ({phones})", parameters)
        with connection.cursor() as cursor:
            cursor.execute(statement, [target.pk, *parameters])
        list_fields.add_fields(locked_list, list_fields.types_of(source))
        locked_list.save(update_fields=["fields", "field_types"])
        recount(locked_list)
        copied = locked_list.contact_count - count_before
        record(actor, locked_list, "contacts added", f"{copied} from contactlist:{source.pk}")
    return copied


def _refuse_other_types(source: ContactList, target: ContactList) -> None:
    name = list_fields.first_conflict(target, list_fields.types_of(source))
    if name:
        text = _("“%(name)s” has another type on “%(list)s”. Give it the same type on both lists.")
        raise ContactsError(text % {"name": name, "list": target.name})


def register_removal() -> None:
    """Let an import keep its list, also one that starts while the list is being deleted. Called
    once, at the start.
    """
    removal.register(ContactList, _imports_into)


def _imports_into(contact_list: ContactList) -> Iterator[Reference]:
    for contact_import in Import.objects.filter(list=contact_list, state__in=CHANGING):
        yield Reference(contact_import, needs_it=True)


def delete_list(contact_list: ContactList, actor: User | None) -> int:
    """Delete a list with its contacts; returns how many. Raises ContactsError if it is in use, or
    was deleted before.
    """
    if Import.objects.filter(list=contact_list, state__in=CHANGING).exists():
        raise ContactsError(
            _(
                "A file is being imported into this list, or an import is being undone. Wait until"
                " it ends."
            )
        )
    count = contact_list.contact_count
    try:
        deleted = removal.remove_if_unneeded(
            contact_list, actor, "deleted", f"{contact_list.name}: {count}"
        )
    except InUse as used:
        text = _("The list cannot be deleted. It is used by: %(names)s.")
        raise ContactsError(text % {"names": used}) from used
    if not deleted:
        raise ContactsError(_("The list was deleted."))
    kept_values.prune()  # what the imports into it overwrote
    return count
