"""What pages and the API say of series and their runs."""

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.models import Repeat, Series

BY_PERSON, MISSED, HELD, NOBODY, PROBLEMS = "by_person", "missed", "held", "nobody", "problems"
# why a run is skipped
SKIP_REASONS = {
    BY_PERSON: gettext_lazy("Skipped by a user"),
    MISSED: gettext_lazy("The server was down at its time"),
    HELD: gettext_lazy("Sending was held at its time"),
    NOBODY: gettext_lazy("Nobody was in the audience"),
    PROBLEMS: gettext_lazy("The message could not be sent as it is"),
}
LAST_DAY_OF_MONTH = 31


def skip_reason(reason: str) -> str:
    """Why a run was skipped; "" for no reason."""
    return str(SKIP_REASONS.get(reason, ""))


def rule_text(series: Series) -> str:
    """When its runs are: “Every Monday, Thursday at 10:00 in the recipient's local time”."""
    text = _("%(days)s at %(time)s, recipient's local time") if series.is_local else _(
        "%(days)s at %(time)s"
    )  # fmt: skip
    return text % {"days": _days_text(series), "time": time_format(series.at, "H:i")}


def _days_text(series: Series) -> str:
    if series.repeat == Repeat.WEEKLY:
        names = ", ".join(str(WEEKDAYS[number]) for number in sorted(series.weekdays))
        return _("Every %(days)s") % {"days": names}
    if series.repeat == Repeat.MONTHLY:
        if series.month_day == LAST_DAY_OF_MONTH:
            return _("On the last day of each month")
        return _("On day %(day)d of each month") % {"day": series.month_day or 1}
    return str(Repeat.DAILY.label)


def period_text(series: Series) -> str:
    """From when until when it runs: “From 1 Dec 2026 to 31 Jan 2027”."""
    first = date_format(series.first_day, "j M Y")
    if series.last_day is None:
        return _("From %(first)s") % {"first": first}
    last = date_format(series.last_day, "j M Y")
    return _("From %(first)s to %(last)s") % {"first": first, "last": last}
