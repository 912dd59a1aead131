"""People and rejected rows as CSV: streamed, and harmless to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from campaigns.audience.mapping import NOT_FIELDS
from campaigns.audience.models import Contact, ContactList, Import, RejectedRow
from campaigns.audience.phones import Reason

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula
AT_ONCE = 2_000  # rows fetched and sent in one piece


def safe(text: str) -> str:
    """The text with an apostrophe before what looks like a formula; importing takes it off again."""
    return f"'{text}" if text.startswith(FORMULA) else text


class _Line:
    def write(self, text: str) -> str:
        return text


def _lines(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    writer = csv.writer(_Line())
    lines: list[str] = []
    yield b"\xef\xbb\xbf"
    for row in rows:
        lines.append(writer.writerow([safe(cell) for cell in row]))
        if len(lines) >= AT_ONCE:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _answer(rows: Iterable[Sequence[str]], name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _lines(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def people(contact_list: ContactList) -> StreamingHttpResponse:
    """Everybody on a list: phone, country, merge fields."""
    return _answer(_people_rows(contact_list), f"list-{contact_list.pk}")


def _people_rows(contact_list: ContactList) -> Iterator[list[str]]:
    yield ["phone", "country", *contact_list.fields]
    found = Contact.objects.filter(list=contact_list).order_by("id").values_list("msisdn", "country", "fields")
    for msisdn, country, fields in found.iterator(chunk_size=AT_ONCE):
        yield [msisdn, country, *(str(fields.get(name, "")) for name in contact_list.fields)]


def rejected(done: Import) -> StreamingHttpResponse:
    """The rows that did not come in, as they were, with their number and the reason. Mended, they can be uploaded."""
    return _answer(_rejected_rows(done), f"rejected-{done.pk}")


def _rejected_rows(done: Import) -> Iterator[list[str]]:
    found = RejectedRow.objects.filter(source=done).order_by("row_number")
    names = list(done.mapping.get("columns") or [])
    yield [*names, *NOT_FIELDS]
    for row in found.iterator(chunk_size=AT_ONCE):
        cells = [*row.row, *[""] * (len(names) - len(row.row))]
        yield [*cells[: max(len(names), len(cells))], str(row.row_number), str(Reason(row.reason).label)]
