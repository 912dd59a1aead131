"""Schedules of addresses: creating, pausing and deleting them, and when they run."""

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.fetching.models import ImportRhythm, ImportSchedule, RunResult
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Import, ImportState
from campaigns.shared.days import next_time
from campaigns.shared.queue import enqueue
from campaigns.team import audit, handover
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.time_zones import reader_zone

MAX_REJECTED_PERCENT = 10
RUN = "campaigns.contacts.tasks.run_import_schedule"
# of Import.mapping: how the file is read and what its columns are used as
KEPT_OF_MAPPING = (
    "encoding", "delimiter", "quote", "header", "skip_rows", "escape", "other_encoding",
    "phones", "fields", "columns", "country", "existing", "rules", "sheet", "consent",
)  # fmt: skip


def can_be_repeated(contact_import: Import) -> bool:
    """Whether a schedule can be made of an import: it has an address and is finished."""
    return bool(
        contact_import.address
        and contact_import.state == ImportState.FINISHED
        and contact_import.list_id
    )


def kept_mapping(contact_import: Import) -> dict[str, object]:
    """The part of an import's mapping that its schedule uses for later files."""
    mapping = contact_import.mapping
    return {name: mapping[name] for name in KEPT_OF_MAPPING if name in mapping}


def used_columns(contact_import: Import) -> list[str]:
    """The names of the columns that later files must have."""
    columns: list[str] = contact_import.mapping.get("columns", [])
    mapping = ColumnMapping.from_json(contact_import.mapping)
    consent = mapping.consent.columns.values() if mapping.consent else ()
    return [columns[place] for place in sorted({*mapping.phones, *mapping.fields, *consent})]


def proposed_percent(contact_import: Import) -> int:
    """The largest share of rejected rows to propose, in per cent: more than this file had."""
    rows = max(contact_import.rows, 1)
    had = -(-100 * contact_import.rejected // rows)
    return min(max(MAX_REJECTED_PERCENT, had + MAX_REJECTED_PERCENT if had else 0), 100)


def describe(schedule: ImportSchedule) -> str:
    """When it runs: "Every Monday at 08:00", in its owner's time zone."""
    at = f"{schedule.at or time():%H:%M}"
    if schedule.rhythm == ImportRhythm.DAILY:
        return _("Every day at %(time)s") % {"time": at}
    if schedule.rhythm == ImportRhythm.WEEKLY:
        day = schedule.get_weekday_display()  # type: ignore[attr-defined, unused-ignore]
        return _("Every %(day)s at %(time)s") % {"day": day, "time": at}
    return str(ImportRhythm.HOURLY.label)


def create(
    contact_import: Import,
    rhythm: str,
    at: time | None,
    weekday: int,
    max_rejected_percent: int,
    owner: User,
) -> ImportSchedule:
    """Have the address of a finished import imported again and again, with the same columns.

    Raises ContactsError if the import cannot be repeated.
    """
    if not can_be_repeated(contact_import) or contact_import.list is None:
        raise ContactsError(_("Only a finished import from an address can be repeated."))
    schedule = ImportSchedule(
        address=contact_import.address,
        list=contact_import.list,
        list_name=contact_import.list.name,
        mapping=kept_mapping(contact_import),
        rhythm=rhythm,
        at=at,
        weekday=weekday,
        max_rejected_percent=max_rejected_percent,
        owner=owner,
        latest_import=contact_import,
        rows=contact_import.rows,
        last_run_at=contact_import.created_at,
        last_result=RunResult.IMPORTED,
    )
    schedule.next_run_at = next_run(schedule, timezone.now())
    with transaction.atomic():
        schedule.save()
        audit.record(owner, schedule, "created", schedule.list_name)
    return schedule


def next_run(schedule: ImportSchedule, after: datetime) -> datetime:
    """When the schedule runs next; its time of day is that of its owner's time zone."""
    if schedule.rhythm == ImportRhythm.HOURLY:
        return after + timedelta(hours=1)
    zone = reader_zone(schedule.owner.time_zone)
    moment = next_time(schedule.at or time(), after + timedelta(seconds=1), zone)
    while schedule.rhythm == ImportRhythm.WEEKLY and (
        moment.astimezone(zone).weekday() != schedule.weekday
    ):
        moment = next_time(schedule.at or time(), moment + timedelta(hours=1), zone)
    return moment


def why_it_stops(schedule: ImportSchedule) -> str:
    """Why the schedule may not run any more, for its page; "" if it may."""
    if not has_permission(schedule.owner, Permission.EDIT_CONTACTS):
        return _("%(user)s may no longer import contacts.") % {"user": schedule.owner}
    if schedule.list_id is None:
        return _("The list was deleted.")
    return ""


@transaction.atomic
def stop(schedule: ImportSchedule, reason: str) -> None:
    """Pause a schedule that may not run any more. `reason`: of `why_it_stops`."""
    running = ImportSchedule.objects.filter(pk=schedule.pk, paused=False)
    if running.update(paused=True, pause_reason=reason[:200], lease_until=None, lease_token=""):
        audit.record(None, schedule, "paused", reason)


@transaction.atomic
def pause(schedule: ImportSchedule, actor: User) -> None:
    """Run it no more until it is resumed. An import that has begun goes on."""
    running = ImportSchedule.objects.filter(pk=schedule.pk, paused=False)
    if running.update(paused=True, pause_reason=""):
        audit.record(actor, schedule, "paused", schedule.list_name)


@transaction.atomic
def resume(schedule: ImportSchedule, actor: User) -> None:
    """Run it again, at its next time; it becomes that of `actor` if its owner may not import.

    Raises ContactsError if its list was deleted.
    """
    if schedule.list_id is None:
        raise ContactsError(_("The list was deleted. Delete this schedule and create another."))
    if not has_permission(schedule.owner, Permission.EDIT_CONTACTS):
        schedule.owner = actor
    paused = ImportSchedule.objects.filter(pk=schedule.pk, paused=True)
    at = next_run(schedule, timezone.now())
    if paused.update(paused=False, pause_reason="", owner=schedule.owner, next_run_at=at):
        audit.record(actor, schedule, "resumed", schedule.list_name)


def register_handover() -> None:
    """Let somebody else take over the schedules of a user whose account is closed. Called once, at
    the start.
    """
    kind = handover.Kind(ImportSchedule, Permission.EDIT_CONTACTS, pause, _columns_of_new_owner)
    handover.register(kind)


def _columns_of_new_owner(schedule: ImportSchedule) -> dict[str, Any]:
    """Its time of day is that of the new owner's time zone; what is due stays due."""
    now = timezone.now()
    if schedule.rhythm == ImportRhythm.HOURLY or schedule.next_run_at <= now:
        return {}
    return {"next_run_at": next_run(schedule, now)}


@transaction.atomic
def run_now(schedule: ImportSchedule, actor: User) -> None:
    """Run it at once, and import the file even if it is unchanged. Not one that is paused."""
    running = ImportSchedule.objects.filter(pk=schedule.pk, paused=False)
    if running.update(next_run_at=timezone.now(), is_settled=False, refusal=""):
        audit.record(actor, schedule, "run", schedule.list_name)
        enqueue(RUN, schedule.pk)


def delete(schedule: ImportSchedule, actor: User) -> None:
    """Delete the schedule; its imports stay."""
    audit.delete(actor, schedule, "deleted", schedule.list_name)
