"""The operators of a condition on a merge tag, and what may be entered beside each."""

from datetime import date

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.audience.comparable_values import read_day, read_threshold
from campaigns.compose.audience.day_conditions import read_month_and_day, read_period
from campaigns.compose.models import Operator
from campaigns.compose.models.segments import (
    COMPARISONS,
    OF_CALENDAR,
    WITH_DAY,
    WITH_DAYS,
    WITHOUT_VALUE,
)
from campaigns.contacts.field_types.value_formats import (
    format_of_reader,
    normal_number,
    read_value,
)
from campaigns.contacts.models import FieldType
from campaigns.shared.query_values import read_id
from campaigns.shared.typed_numbers import read_number

DAYS_MAX = 3650

Group = tuple[str | Promise, list[tuple[str, str | Promise]]]


def _group(label: str | Promise, *operators: Operator) -> Group:
    return label, [(operator.value, operator.label) for operator in operators]


OPERATORS = [
    _group(
        gettext_lazy("Any value"),
        Operator.IS,
        Operator.IS_NOT,
        Operator.FILLED,
        Operator.EMPTY,
    ),
    _group(gettext_lazy("Text"), Operator.CONTAINS, Operator.STARTS),
    _group(gettext_lazy("Number"), *COMPARISONS),
    _group(gettext_lazy("Date"), *WITH_DAY, Operator.BETWEEN, *WITH_DAYS[:-1]),
    _group(gettext_lazy("Each year"), Operator.TODAY, Operator.YEARLY, Operator.ANY_YEAR),
    _group(gettext_lazy("Yes or no"), Operator.YES, Operator.NO),
]


def stored_value(operator: str, typed: str, field_type: FieldType) -> str:
    """What is stored of the value that a user `typed`. Raises ValidationError if it does not suit
    the operator or the type of the field.
    """
    if operator in WITHOUT_VALUE:
        return ""
    if not typed:
        raise ValidationError(_("Enter a value to compare with."))
    if operator in WITH_DAYS:
        return _days(typed, 0 if operator in (Operator.IN_DAYS, Operator.DAYS_AGO) else 1)
    if operator in OF_CALENDAR:
        return _days_of_calendar(operator, typed)
    if operator in WITH_DAY:
        return _day(typed)
    if operator in COMPARISONS:
        threshold = read_threshold(typed)
        if threshold is None:
            raise ValidationError(_("Enter a number such as 12.5 or a date such as 2026-01-31."))
        return str(threshold)
    if operator in (Operator.IS, Operator.IS_NOT):
        return _equal_value(typed, field_type)
    return typed


def _days(typed: str, least: int) -> str:
    text = typed.strip()
    days = 0 if text == "0" else read_id(text)
    if days is None or not least <= days <= DAYS_MAX:
        message = _("Enter a number of days from %(least)d to %(most)d.")
        raise ValidationError(message % {"least": least, "most": DAYS_MAX})
    return str(days)


def _days_of_calendar(operator: str, typed: str) -> str:
    if operator == Operator.BETWEEN:
        if period := read_period(typed):
            return period
        raise ValidationError(_("Enter two dates in order: 2026-01-01 – 2026-01-31."))
    if month_and_day := read_month_and_day(typed):
        return month_and_day
    raise ValidationError(_("Enter a month and a day, such as 02-14."))


def _day(typed: str) -> str:
    day: date | None = read_day(typed)
    if day is None:
        raise ValidationError(_("Enter a date such as 2026-01-31."))
    return day.isoformat()


def _equal_value(typed: str, field_type: FieldType) -> str:
    """The normal form of a value, in which values of the type are stored."""
    if field_type == FieldType.DATE:
        return _day(typed)
    if field_type == FieldType.NUMBER:
        number = read_number(typed)
        normal = None if number is None else normal_number(number)
        if normal is None:
            raise ValidationError(_("Enter a number such as 12.5."))
        return normal
    normal = read_value(typed.strip(), format_of_reader(field_type))
    if normal is None:
        raise ValidationError(_("Enter yes or no."))
    return typed if field_type == FieldType.TEXT else normal
