"""Typed values as people read them: on pages, in messages, in exports.

A value that is not of its field's type is shown as it is.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from django.conf import settings
from django.utils import formats
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from campaigns.contacts.field_types.value_formats import (
    NO,
    YES,
    as_date,
    as_number,
    format_of_reader,
    read_value,
)
from campaigns.contacts.models import ContactList, FieldType
from campaigns.shared.table_columns import Cell, Column, Kind

GROUPED_FROM = 10_000  # smaller ones may be years
NO_BREAK_SPACES = str.maketrans("\u00a0\u202f", "  ")
KINDS = {FieldType.NUMBER: Kind.DECIMAL, FieldType.DATE: Kind.DAY}


def for_reader(value: str, field_type: FieldType) -> str:
    """A value in the language of the page."""
    if field_type == FieldType.TEXT:
        return value
    return _shown(value, field_type, get_language() or settings.LANGUAGE_CODE)


def in_message(value: str, field_type: FieldType) -> str:
    """A value in the site's language, which messages are in, whoever sends them.

    Spaces are plain ones: a no-break space would halve what fits into an SMS.
    """
    if field_type == FieldType.TEXT:
        return value
    return _shown(value, field_type, settings.LANGUAGE_CODE).translate(NO_BREAK_SPACES)


def fields_for_reader(contact_list: ContactList, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a contact on `contact_list` in the language of the page."""
    return {
        name: for_reader(str(value), contact_list.type_of(name)) for name, value in fields.items()
    }


@lru_cache(50_000)
def _shown(value: str, field_type: FieldType, language: str) -> str:
    with override(language):
        if field_type == FieldType.NUMBER and (number := as_number(value)) is not None:
            grouped = abs(number) >= GROUPED_FROM
            return formats.number_format(number, use_l10n=True, force_grouping=grouped)
        if field_type == FieldType.DATE and (day := as_date(value)):
            return formats.date_format(day, "SHORT_DATE_FORMAT")
        if field_type == FieldType.YES_NO and value in (YES, NO):
            return _("yes") if value == YES else _("no")
    return value


def value_for(value: str, field_type: FieldType, other_type: FieldType) -> str:
    """A value of a field of `field_type` as a field of `other_type` holds it, by what the reader
    sees; as it is shown if it is none of that type.
    """
    if field_type == other_type:
        return value
    shown = for_reader(value, field_type)
    normal = read_value(shown, format_of_reader(other_type)) if shown else ""
    return shown if normal is None else normal


def column(contact_list: ContactList, name: str) -> Column:
    """The column of a field in an export of the list."""
    return Column(name, KINDS.get(contact_list.type_of(name), Kind.TEXT))


def as_cell(value: str, field_type: FieldType) -> Cell:
    """A value for an export: a number or a date if it is one, else its text."""
    typed: Cell = None
    if field_type == FieldType.NUMBER:
        typed = as_number(value)
    elif field_type == FieldType.DATE:
        typed = as_date(value)
    return value if typed is None else typed


def in_words(day: date) -> str:
    """A date whose day and month nobody confuses."""
    return formats.date_format(day, "DATE_FORMAT")
