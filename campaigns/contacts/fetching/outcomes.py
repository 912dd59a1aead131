"""What a run of a schedule came to, and the e-mails to its owner.

Trouble is reported once, and again when it is over. What may pass, such as a server that does not
answer, is reported at the third try; a file that does not fit, at once.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.contacts.fetching import schedules
from campaigns.contacts.fetching.models import ImportSchedule, RunResult
from campaigns.contacts.fetching.share_links import shown_address
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.models import Import
from campaigns.team.mail import link, mail
from campaigns.team.time_zones import reader_zone

FIRST_WAIT = timedelta(minutes=5)  # after a failure; each further wait is doubled
LAST_DOUBLING = 8  # 21 hours; a run at its own time comes before
REPORTED_FAILURES = 3


def imported(schedule: ImportSchedule, contact_import: Import) -> None:
    """The file was imported; later ones have to be like it."""
    _record(
        schedule,
        RunResult.IMPORTED,
        rows=contact_import.rows,
        mapping=schedules.kept_mapping(contact_import),
        is_settled=True,
        refusal="",
        failures=0,
    )


def unchanged(schedule: ImportSchedule) -> None:
    """The address has the content that was imported or refused before."""
    result = RunResult.REFUSED if schedule.refusal else RunResult.UNCHANGED
    _record(schedule, result, schedule.refusal, failures=0)


def refused(schedule: ImportSchedule, reason: str) -> None:
    """The file is not imported without a user."""
    _record(schedule, RunResult.REFUSED, reason, refusal=reason[:300], is_settled=True, failures=0)


def failed(schedule: ImportSchedule, reason: str) -> None:
    """There was no file, or it could not be imported; it is tried again."""
    _record(schedule, RunResult.FAILED, reason, failures=schedule.failures + 1)


@transaction.atomic
def _record(schedule: ImportSchedule, result: RunResult, text: str = "", **columns: Any) -> None:
    """Write the outcome of a run, unless another worker has, and have it reported."""
    now = timezone.now()
    same_run = ImportSchedule.objects.filter(
        pk=schedule.pk,
        latest_import=schedule.latest_import_id,
        is_importing=schedule.is_importing,
        last_run_at=schedule.last_run_at,
        lease_token=schedule.lease_token,
    )
    failures = columns.get("failures", 0)
    next_run_at = _next_run(schedule, failures, now)
    trouble = result in (RunResult.REFUSED, RunResult.FAILED)
    report = trouble and (result == RunResult.REFUSED or failures >= REPORTED_FAILURES)
    written = same_run.update(
        last_result=result,
        last_text=text[:300],
        last_run_at=now,
        next_run_at=next_run_at,
        is_importing=False,
        lease_until=None,
        lease_token="",
        is_reported=trouble and (schedule.is_reported or report),
        **columns,
    )
    if written and report and not schedule.is_reported:
        _mail_trouble(schedule, text, next_run_at)
    elif written and schedule.is_reported and not trouble:
        _mail_end(schedule)


def _next_run(schedule: ImportSchedule, failures: int, now: datetime) -> datetime:
    regular = schedules.next_run(schedule, now)
    if not failures:
        return regular
    return min(regular, now + FIRST_WAIT * (1 << min(failures - 1, LAST_DOUBLING)))


def _mail_trouble(schedule: ImportSchedule, reason: str, next_run_at: datetime) -> None:
    waiting = _waiting_import(schedule)
    subject = _("ViberDash: the scheduled import into “%(list)s” needs your attention")
    advice = (
        _("Check the file and import it, or discard it: %(address)s")
        if waiting
        else _("It is tried again at %(time)s. All scheduled imports: %(address)s")
    )
    local = next_run_at.astimezone(reader_zone(schedule.owner.time_zone))
    values = {
        "address": link(waiting.get_absolute_url() if waiting else reverse("import-schedules")),
        "time": date_format(local, "j F Y, H:i"),
    }
    about = _("From %(address)s into “%(list)s”:") % _names(schedule)
    once = _("You get another e-mail when it works again.")
    body = f"{about}\n{reason}\n\n{advice % values}\n\n{once}\n"
    mail([schedule.owner], subject % _names(schedule), body)


def _waiting_import(schedule: ImportSchedule) -> Import | None:
    """The import of a file that was fetched, if a user can go on with it."""
    latest = schedule.latest_import if schedule.is_importing else None
    return latest if latest and latest.state in lifecycle.CAN_CHOOSE_COLUMNS else None


def _mail_end(schedule: ImportSchedule) -> None:
    subject = _("ViberDash: the scheduled import into “%(list)s” works again")
    body = _("From %(address)s into “%(list)s”. All scheduled imports: %(page)s")
    values = _names(schedule) | {"page": link(reverse("import-schedules"))}
    mail([schedule.owner], subject % values, f"{body % values}\n")


def _names(schedule: ImportSchedule) -> dict[str, str]:
    return {"list": schedule.list_name, "address": shown_address(schedule.address)}
