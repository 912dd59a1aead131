"""People and rejected rows as files, harmless to open in a spreadsheet."""

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse

from campaigns.contacts.importing.column_mapping import NOT_FIELDS
from campaigns.contacts.models import Contact, ContactList, Import, RejectedRow
from campaigns.contacts.phones.parsing import Reason
from campaigns.contacts.search.queries import matches, terms
from campaigns.shared.table_columns import Cell, Column
from campaigns.shared.table_export import FILES, csv_answer

AT_ONCE = 2_000  # rows that are in memory


def people(contact_list: ContactList, kind: str, words: str = "") -> StreamingHttpResponse:
    """Everybody on a list, or those who match `words`, as a file of `kind` (a key of FILES): phone,
    country, fields.
    """
    columns = [Column(name) for name in ("phone", "country", *contact_list.fields)]
    return FILES[kind](f"list-{contact_list.pk}", columns, _people_rows(contact_list, terms(words)))


def _people_rows(contact_list: ContactList, wanted: list[str]) -> Iterator[list[str]]:
    """Read by ranges of ids: memory stays flat on every database."""
    everybody = (
        Contact.objects.filter(list=contact_list)
        .order_by("pk")
        .values_list("pk", "msisdn", "country", "fields")
    )
    last = 0
    while rows := list(everybody.filter(pk__gt=last)[:AT_ONCE]):
        last = rows[-1][0]
        for _pk, msisdn, country, fields in rows:
            if matches(wanted, msisdn, map(str, fields.values())):
                yield [
                    msisdn,
                    country,
                    *(str(fields.get(name, "")) for name in contact_list.fields),
                ]


def rejected(done: Import) -> StreamingHttpResponse:
    """The rows that did not come in, as they were, with their number and the reason. Mended, they
    can be uploaded.
    """
    names: list[Any] = list(done.mapping.get("columns") or [])
    columns = [Column(name) for name in (*names, *NOT_FIELDS)]
    return csv_answer(f"rejected-{done.pk}", columns, _rejected_rows(done, len(names)))


def _rejected_rows(done: Import, width: int) -> Iterator[list[Cell]]:
    found = RejectedRow.objects.filter(source=done).order_by("row_number")
    for row in found.iterator(chunk_size=AT_ONCE):
        yield [
            *row.row,
            *[""] * (width - len(row.row)),
            str(row.row_number),
            str(Reason(row.reason).label),
        ]
