"""Follow many messages with statistics files instead of a call for each (docs/results.md).

Only for messages without an SMS fallback, of campaigns large enough, and only where files were seen
to work (file_use). `StatusFiles` is a source of questions: it asks for files about batches that are
due, reads those that are ready, and asks about a sample of their messages by single calls. What is
then believed of a file is recorded; all others get a hint, so that single calls ask for them.

A worker that is killed loses nothing: its batches become due again when the time of their file is
over, and its files stand in a table. A file whose key was lost with the worker is found in the
gateway's list by its question.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState, Recipient
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.statistics_files import mark_of
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.bsg.transport import TOO_LONG
from campaigns.gateway.errors import (
    FILE_EMPTY,
    FILE_NOT_READY,
    NO_SUCH_FILE,
    NO_SUCH_FUNCTION,
    TOO_MANY_AT_ONCE,
    TOO_MANY_FILES,
    GatewayError,
    GatewayRefused,
    GatewayUnreachable,
)
from campaigns.gateway.types import Address, StatisticsFile, StatisticsRow
from campaigns.results.models import StatusFile, StatusFileBatch, StatusFileUse, WhyOff
from campaigns.results.polling import file_use, hints
from campaigns.results.polling.batch_checks import BatchCheck, Replies, still_open, write_all
from campaigns.results.polling.file_questions import NEVER, Question, questions
from campaigns.results.polling.file_rows import (
    NamedRecipient,
    believed,
    contradiction,
    named_recipients,
    sample,
    wrong_phone,
)
from campaigns.results.polling.recording import StatusUpdate

logger = logging.getLogger(__name__)

OWN_FILES_MAX = 4  # at a time; an account has 5, and somebody else may need one
PATIENCE = timedelta(minutes=10)  # until a file that is not ready is given up
ASK_EVERY = timedelta(seconds=5)  # looks whether there are enough batches for a file
FIRST_LOOK, LAST_LOOK = timedelta(seconds=2), timedelta(seconds=30)
LOOK_GROWTH = 0.3  # a file is looked at again after this share of its age
CLAIM = timedelta(minutes=2)  # of a file, by a worker that looks at it
LOST_AFTER = timedelta(minutes=5)  # a file that is not in the list by then was never made
SOON, LATER, MUCH_LATER = timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1)


class Run(Protocol):
    """Runs a call of the gateway and returns its result."""

    def __call__(self, call: Callable[[], Any]) -> Any:
        """The result of `call`, or what it raises."""
        ...


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A file that was read, and the sample of its messages to ask about by single calls."""

    file: StatusFile
    batches: list[Batch]
    recipients: list[Recipient]  # whose messages are open
    named: list[NamedRecipient]  # by the file
    sampled: list[NamedRecipient]

    @property
    def batch_id(self) -> int:
        """The first of its batches; all of them are claimed until the time of the file is over."""
        return self.batches[0].pk

    @property
    def messages(self) -> list[Address]:
        """The messages to ask about."""
        recipients = [each.recipient for each in self.sampled]
        return [Address(recipient.msisdn, recipient.reference) for recipient in recipients]


class _NotBelieved(Exception):  # noqa: N818
    """A file is not used. `pause`: how long no other is asked for; None: files are switched off."""

    def __init__(self, detail: str, pause: timedelta | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pause = pause


def is_due(now: datetime) -> bool:
    """Whether any file is to be looked at."""
    return StatusFile.objects.filter(file_use.of_current_account(), look_at__lte=now).exists()


class StatusFiles:
    """A source of questions: the statistics files of the account in use.

    `client` is a client of it, `run` runs its calls.
    """

    def __init__(self, client: Client, run: Run = lambda call: call()) -> None:
        self._client = client
        self._run = run
        self._ask_at = NEVER

    def is_due(self, now: datetime) -> bool:
        """Whether any file is to be looked at."""
        return is_due(now)

    def take(self, _people: int, _under_way: Collection[int]) -> list[FileCheck]:
        """Ask for files about due batches, and read one file that is ready. Return its sample.

        Batches in files are claimed: no single call asks for them until the file is given up.
        """
        self._ask_for_files(timezone.now())
        check = self._look(timezone.now())
        return [check] if check else []

    def record(self, answered: Sequence[tuple[FileCheck, Sequence[StatusReply]]]) -> None:
        """Record what is believed of files, by the replies about their samples; delete them."""
        for check, replies in answered:
            if not any(reply.was_asked for reply in replies):
                StatusFile.objects.filter(pk=check.file.pk).update(look_at=timezone.now())
                continue
            try:
                updates = _updates(check, replies)
            except _NotBelieved as reason:
                self._discard(check.file, reason)
            else:
                _write(check, updates)
                self._delete(check.file)

    def answer_rehearsals(self) -> bool:
        """No file is about a rehearsal."""
        return False

    # Ask for files

    def _ask_for_files(self, now: datetime) -> None:
        """Ask for as many files as are worth it and allowed."""
        use = file_use.usable(now) if now >= self._ask_at else None
        if use is None:
            return
        self._ask_at = now + ASK_EVERY
        claimed = _claim(use, now)
        while claimed:
            file, question = claimed.pop(0)
            if not self._create(file, question.body):
                break
        for file, _question in claimed:  # after one that was refused
            _release(file)
            file.delete()

    def _create(self, file: StatusFile, question: bytes) -> bool:
        """Ask the gateway for `file`; return whether it will be there."""
        try:
            file.key = self._run(lambda: self._client.create_file(question))
        except GatewayUnreachable as error:  # it may have been made all the same
            _stop(file, f"a file could not be asked for: {error}", SOON)
            return False
        except GatewayRefused as refused:
            if refused.code == TOO_MANY_FILES:
                _stop(file, "there is no room for another file", LATER)
            elif refused.code == TOO_MANY_AT_ONCE:
                _stop(file, str(refused), SOON)
            elif refused.code == NO_SUCH_FUNCTION:
                _switch_off(file, WhyOff.NOT_THERE, f"a file was refused: {refused}")
            else:
                _stop(file, f"a file was refused: {refused}", MUCH_LATER)
            file.delete()
            return False
        except GatewayError as error:
            _stop(file, f"no file was made: {error}", MUCH_LATER)
            return False
        failpoint("file_asked")
        file.save(update_fields=["key"])
        return True

    # Read files

    def _look(self, now: datetime) -> FileCheck | None:
        """Look at a file that may be ready, and read it if it is."""
        file = _claim_look(now)
        if file is None:
            return None
        try:
            listed = self._run(self._client.files)
        except GatewayError as error:
            if not file.is_over and now >= file.until:
                _stop(file, f"the list of files failed: {error}", LATER)
            _look_again(file, now)
            return None
        entry = _entry(file, listed)
        if entry is None:
            if (file.key and file.is_over) or now > file.asked_at + LOST_AFTER:
                _release(file)
                file.delete()
            else:
                _look_again(file, now)
            return None
        file.key = entry.key
        file.save(update_fields=["key"])
        if file.is_over:
            self._delete(file)
            return None
        try:
            return self._read(file, entry, now)
        except _NotBelieved as reason:
            self._discard(file, reason)
            return None

    def _read(self, file: StatusFile, entry: StatisticsFile, now: datetime) -> FileCheck | None:
        """What is to be checked of `file`; None if it is not ready. Raises _NotBelieved."""
        if entry.has_failed:
            raise _NotBelieved("the gateway could not make a file", MUCH_LATER)
        rows = self._fetch(file) if entry.is_done else None
        if rows is None:
            if now >= file.until:
                raise _NotBelieved(f"a file was not ready after {PATIENCE}", MUCH_LATER)
            _look_again(file, now)
            return None
        in_file = Batch.objects.filter(pk__in=file.batches.values("batch"), state=BatchState.DONE)
        batches = list(in_file.select_related("campaign"))
        recipients = [recipient for _batch, recipient in still_open(batches)]
        named = named_recipients(recipients, rows)
        if 2 * len(named) < len(recipients):
            detail = f"a file names {len(named)} of {len(recipients)} messages"
            raise _NotBelieved(detail, MUCH_LATER)
        if wrong := wrong_phone(named):
            raise _NotBelieved(wrong, None)
        if not named:  # nobody is open any more
            self._delete(file)
            return None
        return FileCheck(file, batches, recipients, named, sample(named))

    def _fetch(self, file: StatusFile) -> Sequence[StatisticsRow] | None:
        """The rows of `file`; None if it is to be fetched later. Raises _NotBelieved."""
        try:
            read = self._run(lambda: self._client.fetch_file(file.key))
        except GatewayUnreachable as error:
            if TOO_LONG in error.why:
                raise _NotBelieved(f"a file could not be read: {error}", LATER) from error
            return None
        except GatewayRefused as refused:
            if refused.code in (FILE_NOT_READY, TOO_MANY_AT_ONCE):
                return None
            if refused.code == FILE_EMPTY:
                return []
            raise _NotBelieved(f"a file was refused: {refused}", MUCH_LATER) from refused
        except GatewayError as error:
            raise _NotBelieved(f"a file could not be read: {error}", MUCH_LATER) from error
        if read.unreadable:
            logger.warning("%d rows of a statistics file could not be read", read.unreadable)
        return tuple(read.rows)

    # Give files up

    def _discard(self, file: StatusFile, reason: _NotBelieved) -> None:
        if reason.pause is None:
            _switch_off(file, WhyOff.MISMATCH, reason.detail)
        else:
            _stop(file, reason.detail, reason.pause)
        self._delete(file)

    def _delete(self, file: StatusFile) -> None:
        """Delete a file at the gateway; if that fails, later again."""
        _release(file)
        try:
            self._run(lambda: self._client.delete_file(file.key))
        except GatewayRefused as refused:
            if refused.code not in (NO_SUCH_FILE, NO_SUCH_FUNCTION):
                return
        except GatewayError:
            return
        file.delete()


def _claim(use: StatusFileUse, now: datetime) -> list[tuple[StatusFile, Question]]:
    """Files to be asked for now, with their questions. One worker at a time chooses."""
    chosen = questions(now, takes_windows=use.takes_windows)
    if not chosen:
        return []
    with transaction.atomic():
        use = StatusFileUse.objects.select_for_update().get(pk=use.pk)
        room = OWN_FILES_MAX - StatusFile.objects.filter(account=use.account_id).count()
        allowed = chosen[: max(room, 0)] if use.is_usable(now) else []
        return [(file, question) for question in allowed if (file := _store(use, question, now))]


def _store(use: StatusFileUse, question: Question, now: datetime) -> StatusFile | None:
    """The row of a file, with the batches of `question` that nobody has claimed since."""
    ids = [batch.pk for batch in question.batches]
    locked = Batch.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    check_at = dict(locked.values_list("pk", "check_at"))
    own = [batch for batch in question.batches if check_at[batch.pk] == batch.check_at]
    if not own:
        return None
    file = StatusFile.objects.create(
        account_id=use.account_id,
        mark=mark_of(question.body),
        asked_at=now,
        look_at=now + FIRST_LOOK,
        until=now + PATIENCE,
    )
    StatusFileBatch.objects.bulk_create(StatusFileBatch(file=file, batch=batch) for batch in own)
    Batch.objects.filter(pk__in=[batch.pk for batch in own]).update(check_at=file.until)
    return file


def _claim_look(now: datetime) -> StatusFile | None:
    """The file to look at now, for this worker alone for a while."""
    due = StatusFile.objects.filter(file_use.of_current_account(), look_at__lte=now)
    for file in due.order_by("look_at").select_related("account")[:OWN_FILES_MAX]:
        same = StatusFile.objects.filter(pk=file.pk, look_at=file.look_at)
        if same.update(look_at=now + CLAIM):
            return file
    return None


def _entry(file: StatusFile, listed: Sequence[StatisticsFile]) -> StatisticsFile | None:
    """The entry of `file` in the list: by its key, or by its question if the key was lost."""
    others = set(StatusFile.objects.exclude(pk=file.pk).values_list("key", flat=True))
    for entry in listed:
        is_same = entry.key == file.key if file.key else entry.mark == file.mark
        if entry.key and is_same and entry.key not in others:
            return entry
    return None


def _updates(check: FileCheck, replies: Sequence[StatusReply]) -> dict[int, StatusUpdate]:
    """What to record, by recipient: what the file says, or of the sample the single status.

    Raises _NotBelieved.
    """
    updates = {each.recipient.pk: update for each in check.named if (update := believed(each))}
    unanswered = 0
    for each, reply in zip(check.sampled, replies, strict=True):
        if reply.has_failed:
            unanswered += 1
        elif wrong := contradiction(each.row, reply.status):
            raise _NotBelieved(wrong, None)
        elif reply.status:
            updates[each.recipient.pk] = StatusUpdate(each.recipient, reply.status)
    if 2 * unanswered > len(check.sampled):
        raise _NotBelieved("a file could not be checked against single calls", SOON)
    return updates


def _write(check: FileCheck, updates: dict[int, StatusUpdate]) -> None:
    """Write the statuses of a file, and leave hints about all other recipients."""
    failpoint("file_read")
    own: defaultdict[tuple[int, int], list[Recipient]] = defaultdict(list)
    for recipient in check.recipients:
        if recipient.pk in updates:
            own[recipient.campaign_id, recipient.batch_number].append(recipient)
    answers = [(batch, own[batch.campaign_id, batch.number]) for batch in check.batches]
    write_all(
        [
            (BatchCheck(batch, recipients), Replies([updates[each.pk] for each in recipients]))
            for batch, recipients in answers
        ]
    )
    hints.put_back(recipient for recipient in check.recipients if recipient.pk not in updates)
    failpoint("file_recorded")


def _stop(file: StatusFile, detail: str, duration: timedelta) -> None:
    """Ask for no other file for a while; single calls ask for the batches of `file`."""
    file_use.pause(file.account, duration, detail)
    _release(file)


def _switch_off(file: StatusFile, why: WhyOff, detail: str) -> None:
    file_use.switch_off(file.account, why, detail)
    for each in StatusFile.objects.filter(account=file.account_id):
        _release(each)


def _look_again(file: StatusFile, now: datetime) -> None:
    step = min(max((now - file.asked_at) * LOOK_GROWTH, FIRST_LOOK), LAST_LOOK)
    StatusFile.objects.filter(pk=file.pk).update(look_at=now + step)


def _release(file: StatusFile) -> None:
    """`file` is over, and only to be deleted. Single calls ask for those of its batches that were
    not recorded.
    """
    now = timezone.now()
    Batch.objects.filter(pk__in=file.batches.values("batch"), check_at=file.until).update(
        check_at=now
    )
    StatusFile.objects.filter(pk=file.pk).update(is_over=True, look_at=now + SOON)
    file.batches.all().delete()
