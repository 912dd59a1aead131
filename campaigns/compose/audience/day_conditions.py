"""Conditions on days that move with today, or come again each year: birthdays, renewals.

Today is the site's day. In a year without a 29th of February, whoever has it has the 28th.
"""

import re
from calendar import isleap
from datetime import date, timedelta
from functools import reduce
from operator import or_

from django.db.models import Case, Q, Value
from django.db.models.functions import Substr
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThanOrEqual
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.comparable_values import read_day
from campaigns.compose.models import Operator
from campaigns.contacts.field_types.shown_values import for_reader
from campaigns.contacts.models import FieldType

O = Operator  # noqa: E741
LEAP_YEAR = 2024
BETWEEN_DAYS = re.compile(r"\s*(?:–|\.\.|\s-\s)\s*")
_MONTH_AND_DAY = re.compile(r"(?:(?P<m>\d\d?)-(?P<d>\d\d?)|(?P<d2>\d\d?)[./](?P<m2>\d\d?)\.?)")


def meets_day(operator: str, wanted: str, day: Case, today: date) -> Q | None:
    """The condition on `day`, a column with days as "2026-01-31" or NULL; None if `wanted`, the
    stored value, can't be read.
    """
    if operator == O.TODAY:
        return _comes_again(day, today)
    if operator == O.ANY_YEAR:
        return Q(Exact(Substr(day, 6, 5), Value(wanted)))
    if operator == O.BETWEEN:
        first, _dots, last = wanted.partition("..")
        return _is_within(day, first, last) if last else None
    if not wanted.isdecimal():
        return None
    away = timedelta(days=int(wanted))
    if operator == O.YEARLY:
        return _comes_again(day, today + away)
    ranges = {
        O.LAST_DAYS: (today - away, today),
        O.NEXT_DAYS: (today, today + away),
        O.DAYS_AGO: (today - away, today - away),
        O.IN_DAYS: (today + away, today + away),
    }
    first_day, last_day = ranges[Operator(operator)]
    return _is_within(day, first_day.isoformat(), last_day.isoformat())


def _is_within(day: Case, first: str, last: str) -> Q:
    return Q(GreaterThanOrEqual(day, Value(first))) & Q(LessThanOrEqual(day, Value(last)))


def _comes_again(day: Case, on: date) -> Q:
    """Whether the month and the day of `day` are those of `on`."""
    days = [f"{on:%m-%d}"]
    if days == ["02-28"] and not isleap(on.year):
        days.append("02-29")
    return reduce(or_, [Q(Exact(Substr(day, 6, 5), Value(each))) for each in days])


def read_period(typed: str) -> str:
    """The stored form of two days as a user types them, "1.1.2026 – 31.1.2026"; "" if they are none
    or not in order.
    """
    days = [read_day(part) for part in BETWEEN_DAYS.split(typed.strip())]
    if len(days) != 2 or days[0] is None or days[1] is None or days[0] > days[1]:
        return ""
    return f"{days[0].isoformat()}..{days[1].isoformat()}"


def read_month_and_day(typed: str) -> str:
    """The stored form, "02-14", of a month and a day: 02-14, 14.02 or a whole date; "" if there is
    no such day.
    """
    if day := read_day(typed):
        return f"{day:%m-%d}"
    found = _MONTH_AND_DAY.fullmatch(typed.strip())
    if not found:
        return ""
    month, number = int(found["m"] or found["m2"]), int(found["d"] or found["d2"])
    try:
        return f"{date(LEAP_YEAR, month, number):%m-%d}"
    except ValueError:
        return ""


def describe_day(operator: str, value: str) -> str:
    """What the condition says of a merge tag: “is in exactly 3 days”."""
    if operator == O.BETWEEN:
        first, last = (for_reader(day, FieldType.DATE) for day in value.split("..", 1))
        return _("is between %(first)s and %(last)s") % {"first": first, "last": last}
    if operator == O.ANY_YEAR:
        day = date.fromisoformat(f"{LEAP_YEAR}-{value}")
        return _("is on %(day)s of any year") % {"day": date_format(day, "j F")}
    count = int(value)
    texts = {
        O.LAST_DAYS: ngettext("is in the last %d day", "is in the last %d days", count),
        O.NEXT_DAYS: ngettext("is in the next %d day", "is in the next %d days", count),
        O.DAYS_AGO: ngettext("was exactly %d day ago", "was exactly %d days ago", count),
        O.IN_DAYS: ngettext("is in exactly %d day", "is in exactly %d days", count),
        O.YEARLY: ngettext(
            "has its anniversary in %d day", "has its anniversary in %d days", count
        ),
    }
    return texts[Operator(operator)] % count
