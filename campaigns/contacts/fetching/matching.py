"""Whether a file still fits the first one of its schedule: its columns, its rejected rows, its
size.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.contacts.importing import column_mapping, lifecycle
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Import
from campaigns.team.mail import single_line

MIN_ROWS_PERCENT = 50  # of the last file; one with fewer rows is perhaps cut off
NAMES_SHOWN = 5


def match_columns(contact_import: Import, first: dict[str, Any]) -> tuple[Layout, ColumnMapping]:
    """How a file that was just opened is read, and its columns, as in the mapping `first`.

    Columns are found by their names, in any order; others may have been added. Raises ContactsError
    if one is missing.
    """
    found = Layout.from_json(contact_import.mapping)
    before = Layout.from_json(first)
    layout = found.replaced(header=before.header, encoding=_encoding(found, before))
    as_before = layout.replaced(
        delimiter=before.delimiter,
        quote=before.quote,
        escape=before.escape,
        skip_rows=before.skip_rows,
    )
    missing: list[str] = []
    for candidate in (layout, as_before):
        rows = lifecycle.read_rows(contact_import, candidate)
        names = column_mapping.column_names(rows, candidate)
        missing = missing_columns(names, first)
        if not missing:
            return candidate, _moved(names, first)
    raise ContactsError(
        ngettext(
            "The columns have changed: %(names)s is missing.",
            "The columns have changed: %(names)s are missing.",
            len(missing),
        )
        % {"names": ", ".join(f"“{single_line(name)[:40]}”" for name in missing[:NAMES_SHOWN])}
    )


def _encoding(found: Layout, before: Layout) -> str:
    """The encoding: that of the first file, unless one of the two is UTF-8, which is certain."""
    is_certain = any(layout.encoding.startswith("utf") for layout in (found, before))
    return found.encoding if is_certain else before.encoding


def missing_columns(names: list[str], first: dict[str, Any]) -> list[str]:
    """The used columns of the mapping `first` that are not, or not once, among `names`."""
    columns: list[str] = first["columns"]
    if names == columns:
        return []
    if not first.get("header", True):  # they have no names but their places
        return columns[len(names) :] or names[len(columns) :]
    used = [columns[position] for position in _used(first)]
    return [name for name in used if names.count(name) != 1 or columns.count(name) != 1]


def _used(first: dict[str, Any]) -> list[int]:
    mapping = ColumnMapping.from_json(first)
    consent = mapping.consent.columns.values() if mapping.consent else ()
    return [*mapping.phones, *mapping.fields, *consent]


def _moved(names: list[str], first: dict[str, Any]) -> ColumnMapping:
    """The mapping `first` for columns that may stand in other places."""
    mapping, columns = ColumnMapping.from_json(first), first["columns"]
    if names == columns or not first.get("header", True):
        return mapping
    place = {position: names.index(columns[position]) for position in _used(first)}
    return ColumnMapping(
        [place[position] for position in mapping.phones],
        {place[position]: tag for position, tag in sorted(mapping.fields.items())},
        {place[position]: each for position, each in mapping.formats.items()},
        mapping.consent and mapping.consent.moved(place),
    )


def refuse_counts(checked: Mapping[str, Any], max_rejected_percent: int, rows_before: int) -> str:
    """Why a file with these counts of its check is not imported without a user; "" if it is."""
    rows, rejected = checked["rows"], sum(checked["rejected"].values())
    if not checked["new"] + checked["known"]:
        return _("The file has no contacts that can be imported.")
    if rejected * 100 > rows * max_rejected_percent:
        return _(
            "%(rejected)d of %(rows)d rows would be rejected, which is more than %(limit)d%%."
        ) % {"rejected": rejected, "rows": rows, "limit": max_rejected_percent}
    if rows * 100 < rows_before * MIN_ROWS_PERCENT:
        return _("The file has only %(rows)d rows. The last one had %(before)d.") % {
            "rows": rows,
            "before": rows_before,
        }
    return ""
