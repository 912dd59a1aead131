"""Contacts of a list and rejected rows of an import as tables, read a part at a time."""

from collections.abc import Iterator

from campaigns.contacts.field_types import shown_values
from campaigns.contacts.field_types.shown_values import as_cell
from campaigns.contacts.importing.column_mapping import REPORT_COLUMNS
from campaigns.contacts.models import Consent, Contact, ContactList, Import, Person, RejectedRow
from campaigns.contacts.phones.parsing import Reason
from campaigns.contacts.search.queries import matches, split_terms
from campaigns.shared.table_columns import Cell, Column, Kind

CHUNK_ROWS = 2_000  # held in memory at a time
CONSENT_COLUMNS = (
    Column("consent"),
    Column("consent_on", Kind.DAY),
    Column("consent_source"),
    Column("consent_wording"),
)
NO_CONSENT: list[Cell] = [Consent.UNKNOWN.value, None, "", ""]

Table = tuple[list[Column], Iterator[list[Cell]]]


def file_name(contact_list: ContactList) -> str:
    """The name of the file of a list, without its extension."""
    return f"list-{contact_list.pk}"


def list_table(contact_list: ContactList, query: str = "") -> Table:
    """Columns and rows (phone, country, merge tags, consent) of the contacts that match `query`.

    Numbers and dates are such in a spreadsheet; in CSV all values are in their normal form.
    """
    typed = [shown_values.column(contact_list, name) for name in contact_list.fields]
    columns = [Column("phone", Kind.PHONE), Column("country"), *typed, *CONSENT_COLUMNS]
    return columns, _list_rows(contact_list, split_terms(query))


def _list_rows(contact_list: ContactList, search_terms: list[str]) -> Iterator[list[Cell]]:
    """Rows read by ranges of ids, so that memory use stays flat on every database."""
    contacts = (
        Contact.objects.filter(list=contact_list)
        .order_by("pk")
        .values_list("pk", "msisdn", "country", "fields")
    )
    types = [(name, contact_list.type_of(name)) for name in contact_list.fields]
    last_id = 0
    while chunk := list(contacts.filter(pk__gt=last_id)[:CHUNK_ROWS]):
        last_id = chunk[-1][0]
        matching = [
            row for row in chunk if matches(search_terms, row[1], map(str, row[3].values()))
        ]
        consents = _load_consents([msisdn for _pk, msisdn, _country, _fields in matching])
        for _pk, msisdn, country, fields in matching:
            cells = [as_cell(str(fields.get(name, "")), kind) for name, kind in types]
            yield [msisdn, country, *cells, *consents.get(msisdn, NO_CONSENT)]


def _load_consents(msisdns: list[str]) -> dict[str, list[Cell]]:
    """The cells of CONSENT_COLUMNS by phone, of those of whom something is known."""
    people = Person.objects.filter(msisdn__in=msisdns).exclude(consent=Consent.UNKNOWN)
    return {
        row.msisdn: [
            row.consent,
            row.consent_on,
            row.consent_source,
            row.consent_wording.text if row.consent_wording else "",
        ]
        for row in people.select_related("consent_wording")
    }


def rejected_name(contact_import: Import) -> str:
    """The name of the file of rejected rows, without its extension."""
    return f"rejected-{contact_import.pk}"


def rejected_table(contact_import: Import) -> Table:
    """Columns and rows of what the import rejected: the cells as uploaded, row number, reason.

    The file can be uploaded again once it is corrected: imports skip the two added columns.
    """
    names: list[str] = list(contact_import.mapping.get("columns") or [])
    row_number, reason = REPORT_COLUMNS
    columns = [*map(Column, names), Column(row_number, Kind.NUMBER), Column(reason)]
    return columns, _rejected_rows(contact_import, len(names))


def _rejected_rows(contact_import: Import, width: int) -> Iterator[list[Cell]]:
    rejected_rows = RejectedRow.objects.filter(source=contact_import).order_by("row_number")
    for rejected in rejected_rows.iterator(chunk_size=CHUNK_ROWS):
        yield [
            *rejected.row,
            *[""] * (width - len(rejected.row)),
            rejected.row_number,
            str(Reason(rejected.reason).label),
        ]
