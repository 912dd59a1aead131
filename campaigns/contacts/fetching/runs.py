"""A run of a schedule: fetch the file, then check and import it without a user, as far as it fits.

Each step is a conditional update, and `advance` may be called at any time: by the task that ended a
step of the import, and by the sweep, should that task be lost.
"""

import logging
import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.fetching import matching, outcomes, schedules
from campaigns.contacts.fetching.download import Download, download
from campaigns.contacts.fetching.models import ImportSchedule, RunResult
from campaigns.contacts.importing import claims, lifecycle, uploads
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError, file_error
from campaigns.contacts.importing.reading.cell_values import CellRules
from campaigns.contacts.models import Import, ImportState
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.queue import enqueue

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)  # fetching takes less
BUSY_WAIT = timedelta(minutes=5)
# An import that a user has undone was imported all the same.
WRITTEN = (ImportState.FINISHED, ImportState.UNDOING, ImportState.UNDONE)
AT_WORK = (ImportState.READING, ImportState.CHECKING, ImportState.QUEUED, ImportState.RUNNING)


def enqueue_due() -> None:
    """Enqueue the schedules whose time has come."""
    for schedule_id in _due().values_list("pk", flat=True):
        enqueue(schedules.RUN, schedule_id)


def _due() -> QuerySet[ImportSchedule]:
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    idle = Q(is_importing=False) | Q(latest_import=None)
    return ImportSchedule.objects.filter(free, idle, paused=False, next_run_at__lte=now)


def run(schedule_id: int) -> None:
    """Fetch the file of a schedule that is due, and make an import of it if it is new."""
    schedule = _claim(schedule_id)
    if schedule:
        with acting_for(schedule.brand_id):
            _run(schedule)


def _run(schedule: ImportSchedule) -> None:
    if reason := schedules.why_it_stops(schedule):
        schedules.stop(schedule, reason)
        return
    if schedule.latest_import and schedule.latest_import.state in AT_WORK:  # by a user
        _release(schedule, next_run_at=timezone.now() + BUSY_WAIT)
        return
    try:
        got = download(schedule.address, _conditions(schedule))
    except ContactsError as refused:
        outcomes.failed(schedule, str(refused))
    except OSError as error:
        logger.warning("scheduled import %d: cannot store its file: %s", schedule.pk, error)
        outcomes.failed(schedule, str(file_error(error)))
    else:
        _use(schedule, got)


def _claim(schedule_id: int) -> ImportSchedule | None:
    token = uuid.uuid4().hex
    lease_until = timezone.now() + LEASE
    if not _due().filter(pk=schedule_id).update(lease_token=token, lease_until=lease_until):
        return None
    schedules_with_all = ImportSchedule.objects.select_related("owner", "list", "latest_import")
    return schedules_with_all.filter(pk=schedule_id, lease_token=token).first()


def _release(schedule: ImportSchedule, **columns: object) -> bool:
    held = ImportSchedule.objects.filter(pk=schedule.pk, lease_token=schedule.lease_token)
    return bool(held.update(lease_until=None, lease_token="", **columns))


def _conditions(schedule: ImportSchedule) -> dict[str, str]:
    """The headers that ask for the content only if it is new."""
    if not schedule.is_settled:
        return {}
    headers = {"If-None-Match": schedule.etag, "If-Modified-Since": schedule.last_modified}
    return {name: value for name, value in headers.items() if value}


def _use(schedule: ImportSchedule, got: Download | None) -> None:
    if got is None:
        outcomes.unchanged(schedule)
        return
    if schedule.is_settled and got.content_hash == schedule.content_hash:
        uploads.remove(got.path)
        outcomes.unchanged(schedule)
        return
    superseded = schedule.latest_import
    if not _make_import(schedule, got):
        uploads.remove(got.path)
    elif superseded and superseded.state in lifecycle.CAN_CHOOSE_COLUMNS:
        lifecycle.cancel(superseded.pk)  # a newer file is here


@transaction.atomic
def _make_import(schedule: ImportSchedule, got: Download) -> bool:
    """Make the import of a new file; False if another worker has taken the schedule over."""
    sheet = schedule.mapping.get("sheet", "")
    contact_import = Import.objects.create(
        list=schedule.list,
        list_name=schedule.list_name,
        file_name=got.name,
        address=schedule.address,
        path=got.path,
        mapping={
            "country": schedule.mapping["country"],
            **({lifecycle.WANTED_SHEET: sheet} if sheet else {}),
        },
        state=ImportState.READING,
        created_by=schedule.owner,
        lease_until=timezone.now() + claims.LEASE,
    )
    if not _release(
        schedule,
        latest_import=contact_import,
        is_importing=True,
        is_settled=False,
        refusal="",
        content_hash=got.content_hash,
        etag=got.etag,
        last_modified=got.last_modified,
    ):
        contact_import.delete()
        return False
    enqueue(claims.OPEN, contact_import.pk)
    return True


def advance_all() -> None:
    """Advance every import of a schedule whose step has ended. For the sweep."""
    refused = Q(last_result=RunResult.REFUSED, latest_import__state=ImportState.FINISHED)
    waiting = ImportSchedule.objects.filter(Q(is_importing=True) | refused)
    ended = waiting.exclude(latest_import=None).exclude(latest_import__state__in=AT_WORK)
    for import_id in ended.values_list("latest_import", flat=True):
        advance(import_id)


def advance(import_id: int) -> None:
    """Go on with an import of a schedule after a step of it has ended; nothing for any other."""
    schedule = (
        ImportSchedule.objects.select_related("owner", "list", "latest_import")
        .filter(latest_import=import_id)
        .first()
    )
    if schedule and schedule.latest_import:
        with acting_for(schedule.brand_id):
            _advance(schedule, schedule.latest_import)


def _advance(schedule: ImportSchedule, contact_import: Import) -> None:
    is_over = not schedule.is_importing
    if contact_import.state in WRITTEN:
        # also one that was refused, and that a user has imported all the same
        if not is_over or schedule.last_result == RunResult.REFUSED:
            outcomes.imported(schedule, contact_import)
    elif is_over:
        return
    elif contact_import.state == ImportState.CANCELLED:
        outcomes.refused(schedule, _("The import was cancelled."))
    elif contact_import.state == ImportState.FAILED:
        _end_failed(schedule, contact_import)
    elif not schedule.paused:
        _go_on(schedule, contact_import)


def _end_failed(schedule: ImportSchedule, contact_import: Import) -> None:
    """A file that could not even be opened would fail again; one that was being written may not."""
    outcome = outcomes.failed if contact_import.started_at else outcomes.refused
    outcome(schedule, contact_import.failure)


def _go_on(schedule: ImportSchedule, contact_import: Import) -> None:
    """Have an opened file checked, and a checked one imported, if they fit."""
    try:
        if contact_import.state == ImportState.UPLOADED:
            _check(schedule, contact_import)
        elif contact_import.state == ImportState.CHECKED:
            _start(schedule, contact_import)
    except ContactsError as reason:
        outcomes.refused(schedule, str(reason))


def _check(schedule: ImportSchedule, contact_import: Import) -> None:
    if contact_import.failure:  # of the sheet, or of a check
        if "kind" not in contact_import.mapping:  # no page could show it
            claims.end_as_failed(
                Import.objects.filter(pk=contact_import.pk), contact_import.failure
            )
        raise ContactsError(contact_import.failure)
    layout, columns = matching.match_columns(contact_import, schedule.mapping)
    if layout != Layout.from_json(contact_import.mapping):
        lifecycle.change_layout(contact_import.pk, layout)
    lifecycle.choose_columns(
        contact_import.pk,
        columns,
        schedule.mapping["country"],
        schedule.mapping.get("existing", "update"),
        CellRules.from_json(schedule.mapping.get("rules", {})),
    )
    lifecycle.start_check(contact_import.pk)


def _start(schedule: ImportSchedule, contact_import: Import) -> None:
    if reason := schedules.why_it_stops(schedule):
        outcomes.refused(schedule, reason)
        schedules.stop(schedule, reason)
        return
    percent, before = schedule.max_rejected_percent, schedule.rows
    if reason := matching.refuse_counts(contact_import.checked, percent, before):
        raise ContactsError(reason)
    lifecycle.start(contact_import.pk, schedule.owner)
