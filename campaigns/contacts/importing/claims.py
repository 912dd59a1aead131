"""One worker at a time for each import, one import at a time for each list, and an end for each.

Every step (open, check, run) claims its import, works under `guard`, and answers with an `Outcome`.
A worker that dies holds its claim until the lease ends; then the sweep wakes another one.
"""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from django.db import Error, InterfaceError, OperationalError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts import import_changes
from campaigns.contacts.field_types import typed_columns
from campaigns.contacts.importing import uploads
from campaigns.contacts.importing.errors import ContactsError, file_error
from campaigns.contacts.models import CHANGING, IMPORTING, ContactList, Import, ImportState
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.queue import enqueue

logger = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)  # a slice takes a second or two
OPENING_LEASE = timedelta(minutes=10)  # a workbook is converted at one go
MAX_FAILURES = 10  # errors of the database without a slice between them; about one a minute
OPEN, CHECK, RUN, UNDO = (
    f"campaigns.contacts.tasks.{name}"
    for name in ("open_file", "check", "run_import", "undo_import")
)
TASKS = {
    ImportState.READING: OPEN,
    ImportState.CHECKING: CHECK,
    ImportState.QUEUED: RUN,
    ImportState.RUNNING: RUN,
    ImportState.UNDOING: UNDO,
}
ENDED = (ImportState.FINISHED, ImportState.CANCELLED, ImportState.FAILED, ImportState.UNDONE)
FREE = {"lease_until": None, "lease_token": ""}


class Outcome(Enum):
    """What a worker did with an import."""

    NOT_MINE = auto()  # nothing: another worker has it, it waits for its turn, or has ended
    MORE = auto()  # a part; the rest is free for the next worker
    DONE = auto()  # the step has ended, well or not


class LeaseLost(Exception):  # noqa: N818 - not an error
    """The import was cancelled, or another worker has taken it over."""


def claim(import_id: int, state: ImportState, lease: timedelta = LEASE) -> str:
    """Take an import in `state`; the token of the claim, "" if there is nothing to take."""
    token, now = uuid.uuid4().hex, timezone.now()
    free = _free(now) | Q(lease_token="")  # a lease without a token: its task was just enqueued
    claimed = Import.objects.filter(free, pk=import_id, state=state).update(
        lease_token=token, lease_until=now + lease
    )
    return token if claimed else ""


def claim_list(import_id: int) -> str:
    """Take a queued or running import whose turn it is; the token, "" if there is nothing to take.

    An import whose list was deleted fails.
    """
    token, now = uuid.uuid4().hex, timezone.now()
    with transaction.atomic():
        contact_import = Import.objects.filter(pk=import_id, state__in=IMPORTING).first()
        if contact_import is None:
            return ""
        # Two imports into one list would count each other's contacts: the lock serialises claims.
        lists = ContactList.objects.select_for_update().filter(pk=contact_import.list_id or 0)
        if lists.first() is None:
            end_as_failed(Import.objects.filter(pk=import_id), list_deleted_text())
            return ""
        if next_in_line(contact_import.list_id or 0) != import_id:
            return ""
        claimed = Import.objects.filter(_free(now), pk=import_id, state__in=IMPORTING).update(
            state=ImportState.RUNNING,
            lease_token=token,
            lease_until=now + LEASE,
            started_at=Coalesce("started_at", Value(now)),
        )
        if claimed and contact_import.state == ImportState.QUEUED:
            import_changes.record(contact_import, ImportState.RUNNING)
    return token if claimed else ""


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=now)


def release(import_id: int, token: str) -> None:
    """Give the claim back, so that another worker can continue at once."""
    Import.objects.filter(pk=import_id, lease_token=token).update(**FREE)


def next_in_line(list_id: int) -> int | None:
    """The import whose turn it is: the one that has begun or is being undone, or else the first
    that was uploaded.

    An import that has begun keeps its turn between its parts: its values would otherwise overwrite
    those of a later file.
    """
    begun_first = Case(When(state=ImportState.QUEUED, then=Value(1)), default=Value(0))
    imports = Import.objects.filter(list=list_id, state__in=CHANGING).order_by(begun_first, "pk")
    return imports.values_list("pk", flat=True).first()


def enqueue_next(list_id: int | None) -> None:
    """Wake a worker for the next import of a list whose last one has ended."""
    import_id = next_in_line(list_id) if list_id else None
    if import_id is not None:
        enqueue(RUN, import_id)


def enqueue_stalled() -> None:
    """Enqueue every import without a worker whose turn it is: its worker died, or its task is lost.

    Those that wait for another import are woken when that one ends.
    """
    stalled = Import.objects.filter(_free(timezone.now()), state__in=list(TASKS))
    for import_id, state, list_id in stalled.values_list("pk", "state", "list"):
        waits = state in IMPORTING and list_id and next_in_line(list_id) != import_id
        if not waits:
            enqueue(TASKS[ImportState(state)], import_id)


def guard(import_id: int, token: str, work: Callable[[Import], Outcome]) -> Outcome:
    """Do `work` on a claimed import; every error ends in a state that its page shows.

    A database that does not answer is asked again by the next worker, MAX_FAILURES times.
    """
    if not token:
        return Outcome.NOT_MINE
    claimed = Import.objects.filter(pk=import_id, lease_token=token)
    try:
        contact_import = Import.objects.get(pk=import_id)
        with acting_for(contact_import.brand_id):
            return work(contact_import)
    except LeaseLost:
        return Outcome.NOT_MINE
    except ContactsError as refused:
        end_as_failed(claimed, str(refused))
    except OSError as error:
        logger.warning("import %d: cannot read its file: %s", import_id, error)
        end_as_failed(claimed, str(file_error(error)))
    except (OperationalError, InterfaceError) as error:
        logger.warning("import %d: %s", import_id, error)
        _try_again(claimed)
        return Outcome.NOT_MINE
    except Error:
        logger.exception("import %d: refused by the database", import_id)
        end_as_failed(claimed, _("The database refused a row. The error was logged."))
    return Outcome.DONE


def _try_again(claimed: QuerySet[Import]) -> None:
    """Leave an import to the next sweep, or end it after MAX_FAILURES errors. An undo goes on until
    it is done: half of it would be of no use.
    """
    text = _("The database did not answer.")
    failures, state = claimed.values_list("failures", "state").first() or (0, "")
    if state == ImportState.UNDOING:
        text = f"{text} {_('The undo continues in a minute.')}"
        claimed.update(failure=text, **FREE)
    elif failures + 1 >= MAX_FAILURES:
        end_as_failed(claimed, f"{text} {_('Start the import again later.')}")
    else:
        text = f"{text} {_('The import continues in a minute.')}"
        claimed.update(failures=F("failures") + 1, failure=text, **FREE)


def end_as_failed(imports: QuerySet[Import], reason_text: str) -> None:
    """End the import in `imports` with the reason shown to users; contacts already written stay."""
    _end(imports.exclude(state__in=ENDED), state=ImportState.FAILED, failure=reason_text[:300])


def end_as_cancelled(imports: QuerySet[Import]) -> None:
    """End the import in `imports`, if it is in a state before its end. An undo goes on."""
    _end(imports.exclude(state__in=(*ENDED, ImportState.UNDOING)), state=ImportState.CANCELLED)


def end_as_finished(imports: QuerySet[Import], total_rows: int) -> None:
    """End the import in `imports` with all of its rows read."""
    _end(imports, state=ImportState.FINISHED, total_rows=total_rows, failure="")


def _without_examples(checked: dict[str, Any]) -> dict[str, Any]:
    """The check without its examples of cells, which hold phones: they go with the file."""
    guessed = {
        guess: {**facts, "examples": []} for guess, facts in checked.get("guessed", {}).items()
    }
    typed = typed_columns.without_examples(checked.get("typed", ()))
    kept = {"guessed": guessed, "typed": typed}
    return checked | {name: notes for name, notes in kept.items() if notes}


def _end(imports: QuerySet[Import], **values: object) -> None:
    """Set the last state, delete the file, and wake the next import of the list."""
    with transaction.atomic():
        row = imports.select_for_update().first()
        if row is None:
            return
        checked = _without_examples(row.checked)
        imports.update(**values, checked=checked, finished_at=timezone.now(), path="", **FREE)
        import_changes.record(row, ImportState(str(values["state"])))
    enqueue_next(row.list_id)
    uploads.remove(row.path)


def list_deleted_text() -> str:
    return _("The list was deleted. Upload the file again and choose another list.")
