"""The stop list: phones that never get a message, whatever list they are on."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from campaigns.contacts.importing import column_mapping, csv_reader, file_types, uploads
from campaigns.contacts.importing.rows import RowParser
from campaigns.contacts.models import StopListEntry
from campaigns.contacts.phones.parsing import Reason
from campaigns.contacts.phones.prefix_rules import Normaliser
from campaigns.team.models import User

CHUNK = 5_000


@dataclass(slots=True)
class StopResult:
    """What became of the phones somebody wants stopped. `rows` = new + known + wrong."""

    rows: int = 0
    new: int = 0
    known: int = 0
    wrong: list[tuple[str, Reason]] = field(default_factory=list)


def add_lines(lines: Iterable[str], reason: str, country: str, actor: User | None) -> StopResult:
    """Put phones on the stop list, one a line. Who is there already keeps their reason and date."""
    cells = [line.strip() for line in lines if line.strip()]
    msisdns, countries = Normaliser(country).columns(cells)
    stopped = StopResult(rows=len(cells))
    wanted: dict[str, None] = {}
    for cell, msisdn, home in zip(cells, msisdns, countries, strict=True):
        if home:
            wanted[msisdn] = None
        else:
            stopped.wrong.append((cell, Reason(msisdn)))
    stopped.new = add_phones(list(wanted), reason, actor)
    stopped.known = stopped.rows - len(stopped.wrong) - stopped.new
    return stopped


def add_file(chunks: Iterable[bytes], reason: str, country: str, actor: User | None) -> StopResult:
    """The same for the phones of a file, in any form that can be imported. Raises Refused."""
    name = uploads.store(chunks)
    stopped = StopResult()
    try:
        path = file_types.unpack(uploads.locate(name)).path
        layout = csv_reader.detect(path, country)
        columns = column_mapping.propose_with_phone_column(
            csv_reader.read_sample(path, layout), layout, "", country
        )
        for parsed in RowParser(
            layout, column_mapping.ColumnMapping(columns.phones), country
        ).slices(path):
            stopped.rows += parsed.rows
            stopped.new += add_phones(parsed.people.msisdns, reason, actor)
            stopped.wrong += [
                ("; ".join(row)[:60], Reason(why)) for _number, row, why in parsed.rejected
            ]
    finally:
        uploads.remove(name)
    stopped.known = stopped.rows - len(stopped.wrong) - stopped.new
    return stopped


def add_phones(msisdns: list[str], reason: str, actor: User | None) -> int:
    """The same for E.164 digits, none twice; how many were not there before."""
    before = (
        StopListEntry.objects.filter(msisdn__in=msisdns).count() if len(msisdns) <= CHUNK else None
    )
    total = StopListEntry.objects.count() if before is None else 0
    entries = [
        StopListEntry(msisdn=msisdn, reason=reason[:200], created_by=actor) for msisdn in msisdns
    ]
    StopListEntry.objects.bulk_create(entries, CHUNK, ignore_conflicts=True)
    if before is None:
        return StopListEntry.objects.count() - total
    return len(msisdns) - before


def remove_entry(entry: StopListEntry) -> None:
    """Take a phone off the stop list."""
    entry.delete()
