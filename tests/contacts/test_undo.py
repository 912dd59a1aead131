"""An import is undone in numbers, once, whatever is killed, changed or sent meanwhile."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts import tasks
from campaigns.contacts.importing import claims, contact_store
from campaigns.contacts.importing import lifecycle as import_lifecycle
from campaigns.contacts.importing import runner as import_runner
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.rows import RowParser
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import (
    Contact,
    ContactList,
    Import,
    ImportState,
    ImportUndo,
    OverwrittenContact,
)
from campaigns.contacts.search import queries
from campaigns.contacts.undo import kept_values, lifecycle, outcomes, runner
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient, SendState
from campaigns.ledger.models import Purpose
from tests.reports.factories import make_campaign
from tests.stored import everything

pytestmark = pytest.mark.django_db
Write = Callable[..., Path]
PHONES = [f"38067111{number:04d}" for number in range(10)]


def run_import(
    write: Write, names: dict[int, str], file: str = "people.csv", **options: Any
) -> Import:
    """Import contacts: position in PHONES -> name."""
    rows = [["phone", "name"], *([PHONES[place], name] for place, name in names.items())]
    made = import_lifecycle.create_queued_import(write(rows, file), "Clients", "", "UA", **options)
    assert import_runner.run(made.pk) is Outcome.DONE
    made.refresh_from_db()
    return made


def names() -> dict[int, str]:
    rows = Contact.objects.filter(list__name="Clients").values_list("msisdn", "fields")
    return {PHONES.index(msisdn): fields.get("name", "") for msisdn, fields in rows}


def undo(made: Import) -> tuple[int, int, int, int, int]:
    """Undo an import; removed, restored, changed, sent, gone, as its page foretold them."""
    foretold = lifecycle.preview(made)
    lifecycle.start(made.pk, None)
    assert runner.run(made.pk) is Outcome.DONE
    made.refresh_from_db()
    assert made.state == ImportState.UNDONE
    done = counts(made)
    assert sum(done) == made.new + made.updated
    assert done == (
        foretold.removed, foretold.restored, foretold.changed, foretold.sent, foretold.gone,
    )  # fmt: skip
    return done


def counts(made: Import) -> tuple[int, int, int, int, int]:
    row = ImportUndo.objects.get(source=made)
    return row.removed, row.restored, row.changed, row.sent, row.gone


def contact(place: int) -> Contact:
    return Contact.objects.get(list__name="Clients", msisdn=PHONES[place])


def the_list() -> ContactList:
    return ContactList.objects.get(name="Clients")


def send_to(
    places: list[int],
    purpose: str = Purpose.CAMPAIGN,
    state: str = SendState.ACCEPTED,
    **columns: Any,
) -> Campaign:
    columns = {"frozen_at": timezone.now()} | columns
    campaign = make_campaign(f"To {places}", CampaignState.FINISHED, purpose=purpose, **columns)
    for place in places:
        Recipient.objects.create(
            campaign=campaign, msisdn=PHONES[place], country="UA", batch_number=1,
            reference=f"{campaign.pk}-{place}", send_state=state,
        )  # fmt: skip
    return campaign


def waiting() -> list[tuple[str, tuple[int, ...]]]:
    """The tasks in the queue, but for that of the search index: function and arguments."""
    queued: list[Any] = list(OrmQ.objects.all())
    return [(task.func(), task.args()) for task in queued if task.func() != tasks.INDEX]


@pytest.fixture
def two(write: Write) -> tuple[Import, Import]:
    """Contacts 0 to 3; then 2 and 3 get other names, and 4 and 5 come."""
    first = run_import(write, {0: "a", 1: "b", 2: "c", 3: "d"})
    return first, run_import(write, {2: "C", 3: "D", 4: "E", 5: "F"}, "later.csv")


def test_new_contacts_go_and_updated_ones_get_their_values_back(two: tuple[Import, Import]) -> None:
    assert (two[1].new, two[1].updated) == (2, 2)
    before = the_list().updated_at
    assert undo(two[1]) == (2, 2, 0, 0, 0)
    assert names() == {0: "a", 1: "b", 2: "c", 3: "d"}
    changed = the_list()
    assert (changed.contact_count, changed.countries) == (4, {"UA": 4})
    assert changed.updated_at > before
    assert set(Contact.objects.values_list("source", flat=True)) == {two[0].pk}
    assert not OverwrittenContact.objects.exists()


def test_imports_are_undone_one_after_the_other(two: tuple[Import, Import]) -> None:
    undo(two[1])
    assert undo(two[0]) == (4, 0, 0, 0, 0)
    assert (names(), the_list().contact_count, the_list().countries) == ({}, 0, {})


def test_values_of_a_later_import_stay_and_are_counted(two: tuple[Import, Import]) -> None:
    assert undo(two[0]) == (2, 0, 2, 0, 0)
    assert names() == {2: "C", 3: "D", 4: "E", 5: "F"}
    assert undo(two[1]) == (2, 2, 0, 0, 0)
    assert names() == {2: "c", 3: "d"}


def test_values_updated_three_times_come_back_one_by_one(write: Write) -> None:
    imports = [run_import(write, {0: name}, f"{name}.csv") for name in "abc"]
    assert undo(imports[1]) == (0, 0, 1, 0, 0)
    assert undo(imports[2]) == (0, 1, 0, 0, 0)
    assert names() == {0: "b"}
    assert undo(imports[0]) == (0, 0, 1, 0, 0)
    assert names() == {0: "b"}


def test_contacts_edited_by_a_user_stay(two: tuple[Import, Import]) -> None:
    for place in (2, 4):
        seen = contact(place).fields
        assert contact_lists.change_fields(contact(place), {"name": "Mine"}, seen, None) == {}
    assert undo(two[1]) == (1, 1, 2, 0, 0)
    assert names() == {0: "a", 1: "b", 2: "Mine", 3: "d", 4: "Mine"}


def test_form_that_changes_nothing_does_not_keep_a_contact(two: tuple[Import, Import]) -> None:
    seen = contact(4).fields
    contact_lists.change_fields(contact(4), {"name": "E"}, seen, None)
    assert undo(two[1]) == (2, 2, 0, 0, 0)


def test_contacts_pasted_or_copied_once_more_stay(two: tuple[Import, Import]) -> None:
    contact_lists.add_phones(the_list(), [PHONES[4], PHONES[9]], "UA")
    other = ContactList.objects.create(name="Others")
    contact_lists.copy_contacts(the_list(), other, [contact(5).pk])
    contact_lists.copy_contacts(other, the_list())
    assert undo(two[1]) == (0, 2, 2, 0, 0)
    assert names() == {0: "a", 1: "b", 2: "c", 3: "d", 4: "E", 5: "F", 9: ""}
    assert Contact.objects.filter(list=other).count() == 1


def test_contact_removed_and_copied_back_is_not_of_the_import(two: tuple[Import, Import]) -> None:
    other = ContactList.objects.create(name="Others")
    ids = [contact(place).pk for place in (2, 4)]
    contact_lists.copy_contacts(the_list(), other, ids)
    contact_lists.remove_contacts(the_list(), ids)
    contact_lists.copy_contacts(other, the_list())
    assert undo(two[1]) == (1, 1, 0, 0, 2)
    assert names() == {0: "a", 1: "b", 2: "C", 3: "d", 4: "E"}


def test_removed_contacts_are_counted_and_their_old_values_deleted(
    two: tuple[Import, Import],
) -> None:
    contact_lists.remove_contacts(the_list(), [contact(2).pk, contact(4).pk])
    assert OverwrittenContact.objects.count() == 1
    assert undo(two[1]) == (1, 1, 0, 0, 2)


@pytest.mark.parametrize(
    ("how", "stays"),
    [
        ({}, True),
        ({"purpose": Purpose.TEST}, True),
        ({"purpose": Purpose.REHEARSAL}, False),
        ({"state": SendState.QUEUED}, True),
        ({"state": SendState.UNRESOLVED}, True),
        ({"state": SendState.REFUSED}, True),
        ({"state": SendState.CANCELLED}, False),
        ({"frozen_at": None}, True),
    ],
)
def test_contacts_that_something_was_sent_to_stay(
    two: tuple[Import, Import], how: dict[str, Any], stays: bool
) -> None:
    send_to([2, 4], **how)
    assert undo(two[1]) == ((1, 1, 0, 2, 0) if stays else (2, 2, 0, 0, 0))
    assert names() == {0: "a", 1: "b", 3: "d"} | ({2: "C", 4: "E"} if stays else {2: "c"})


def test_messages_from_before_the_import_do_not_count(two: tuple[Import, Import]) -> None:
    begun = two[1].started_at
    assert begun
    send_to([2, 4], frozen_at=begun - timedelta(microseconds=1))
    send_to([3], frozen_at=begun)
    assert undo(two[1]) == (2, 1, 0, 1, 0)


def test_merge_tags_that_came_with_the_import_go_if_nobody_has_them(write: Write) -> None:
    run_import(write, {0: "a"})
    rows = [["phone", "bonus", "city"], [PHONES[0], "5", ""], [PHONES[1], "", "Lviv"]]
    made = import_lifecycle.create_queued_import(write(rows), "Clients", "", "UA")
    import_runner.run(made.pk)
    made.refresh_from_db()
    assert the_list().fields == ["name", "bonus", "city"]
    contact_lists.change_fields(contact(1), {"city": "Kyiv"}, {"city": "Lviv"}, None)
    assert undo(made) == (0, 1, 1, 0, 0)
    assert the_list().fields == ["name", "city"]


def test_cancelled_import_is_undone_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowParser.slices, "__defaults__", (0, 2))
    rows = [["phone"], *([phone] for phone in PHONES)]
    made = import_lifecycle.create_queued_import(write(rows), "Clients", "", "UA")
    left = iter([False])
    assert import_runner.run(made.pk, lambda: next(left)) is Outcome.MORE
    import_lifecycle.cancel(made.pk)
    made.refresh_from_db()
    assert made.new == 1
    assert undo(made) == (1, 0, 0, 0, 0)


class KilledError(Exception):
    """Nothing catches it, as nothing survives SIGKILL."""


@pytest.mark.parametrize(
    "step", ["_remove", "_restore", "_change_list", "_held", "_remove_unused_tags"]
)
def test_killed_undo_goes_on_and_counts_everybody_once(
    two: tuple[Import, Import], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(runner, "SLICE_ROWS", 2)
    lifecycle.start(two[1].pk, None)
    done = getattr(runner, step)

    def killed(*arguments: Any) -> Any:
        done(*arguments)
        raise KilledError

    kills, outcome = 0, Outcome.MORE
    while outcome is not Outcome.DONE:
        with monkeypatch.context() as patch:
            patch.setattr(runner, step, killed)
            try:
                outcome = runner.run(two[1].pk, lambda: False)
            except KilledError:
                kills += 1
                Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
                patch.undo()
                outcome = runner.run(two[1].pk, lambda: False)
    assert kills > 0
    assert counts(two[1]) == (2, 2, 0, 0, 0)
    assert names() == {0: "a", 1: "b", 2: "c", 3: "d"}
    assert (the_list().contact_count, the_list().countries) == (4, {"UA": 4})


def test_worker_that_lost_its_lease_changes_nothing(
    two: tuple[Import, Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.start(two[1].pk, None)
    token = claims.claim(two[1].pk, ImportState.UNDOING)
    Import.objects.filter(pk=two[1].pk).update(lease_token="theirs")
    before = everything()
    for step in (runner._undo_slice, runner._finish):
        with pytest.raises(claims.LeaseLost):
            step(two[1], token)
    assert everything() == before
    assert runner.run(two[1].pk) is Outcome.NOT_MINE


def test_sweep_wakes_an_undo_whose_worker_died(two: tuple[Import, Import]) -> None:
    lifecycle.start(two[1].pk, None)
    claims.claim(two[1].pk, ImportState.UNDOING)
    OrmQ.objects.all().delete()
    tasks.resume_stalled()
    assert waiting() == []
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.resume_stalled()
    assert waiting() == [(claims.UNDO, (two[1].pk,))]
    tasks.undo_import(two[1].pk)
    assert counts(two[1]) == (2, 2, 0, 0, 0)


def test_import_is_not_undone_twice(two: tuple[Import, Import]) -> None:
    lifecycle.start(two[1].pk, None)
    with pytest.raises(ContactsError, match="undone already"):
        lifecycle.start(two[1].pk, None)
    runner.run(two[1].pk)
    before = everything()
    with pytest.raises(ContactsError, match="undone already"):
        lifecycle.start(two[1].pk, None)
    assert runner.run(two[1].pk) is Outcome.NOT_MINE
    assert everything() == before


def test_undo_and_imports_of_a_list_take_turns(two: tuple[Import, Import], write: Write) -> None:
    rows = [["phone", "name"], [PHONES[6], "g"]]
    queued = import_lifecycle.create_queued_import(write(rows), "Clients", "", "UA")
    with pytest.raises(ContactsError, match="Another import into this list is not finished"):
        lifecycle.start(two[1].pk, None)
    import_lifecycle.cancel(queued.pk)
    lifecycle.start(two[1].pk, None)
    later = import_lifecycle.create_queued_import(write(rows), "Clients", "", "UA")
    assert import_runner.run(later.pk) is Outcome.NOT_MINE
    with pytest.raises(ContactsError, match="Another import into this list is not finished"):
        lifecycle.start(two[0].pk, None)
    with pytest.raises(
        ContactsError, match="imported into this list, or an import is being undone"
    ):
        contact_lists.delete_list(the_list(), None)
    import_lifecycle.cancel(two[1].pk)  # goes on
    OrmQ.objects.all().delete()
    runner.run(two[1].pk)
    assert counts(two[1]) == (2, 2, 0, 0, 0)
    assert waiting() == [(claims.RUN, (later.pk,))]
    assert import_runner.run(later.pk) is Outcome.DONE


def test_import_before_one_with_the_same_contacts_waits_for_the_undo_of_that(write: Write) -> None:
    first = run_import(write, {0: "a", 1: "b"})
    second = run_import(write, {1: "b", 2: "c"}, "second.csv")
    why = (
        "A later import, second.csv, had 1 contact that was on the list already. It is not kept"
        " which one, so undo that import first."
    )
    with pytest.raises(ContactsError) as refused:
        lifecycle.start(first.pk, None)
    assert str(refused.value) == why
    assert undo(second) == (1, 0, 0, 0, 0)
    assert undo(first) == (2, 0, 0, 0, 0)


def test_old_values_are_deleted_when_their_time_is_over(
    two: tuple[Import, Import], settings: Any
) -> None:
    settings.IMPORT_UNDO_DAYS = 5
    kept_values.prune()
    assert OverwrittenContact.objects.count() == 2
    ended = timezone.now() - timedelta(days=5, seconds=1)
    Import.objects.filter(pk=two[1].pk).update(finished_at=ended)
    two[1].refresh_from_db()
    assert lifecycle.refusal(two[1]) == "The old values of its contacts are no longer kept."
    tasks.resume_stalled()
    assert not OverwrittenContact.objects.exists()
    two[1].refresh_from_db()
    assert two[1].last_contact is None
    with pytest.raises(ContactsError, match="no longer kept"):
        lifecycle.start(two[1].pk, None)


def test_old_values_go_with_their_list(two: tuple[Import, Import]) -> None:
    contact_lists.delete_list(the_list(), None)
    assert not OverwrittenContact.objects.exists()


def test_database_that_does_not_answer_is_asked_until_it_does(
    two: tuple[Import, Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.start(two[1].pk, None)

    def refuse(*_arguments: Any) -> None:
        raise OperationalError("disk is full")

    monkeypatch.setattr(runner, "_remove", refuse)
    for _again in range(claims.MAX_FAILURES + 1):
        assert runner.run(two[1].pk) is Outcome.NOT_MINE
    two[1].refresh_from_db()
    assert (two[1].state, two[1].failure) == (
        ImportState.UNDOING,
        "The database did not answer. The undo continues in a minute.",
    )
    monkeypatch.undo()
    assert runner.run(two[1].pk) is Outcome.DONE


def test_search_finds_what_the_list_has_after_an_undo(two: tuple[Import, Import]) -> None:
    tasks.index_contacts()
    undo(two[1])
    tasks.index_contacts()
    found = {text: queries.search(text).ids for text in (PHONES[4], PHONES[2])}
    assert found == {PHONES[4]: [], PHONES[2]: [contact(2).pk]}


def test_import_without_an_update_keeps_nothing(write: Write) -> None:
    run_import(write, {0: "a", 1: "b"})
    run_import(write, {0: "a", 2: "c"})
    assert not OverwrittenContact.objects.exists()
    contact_store.write(
        contact_store.ContactRows([PHONES[0]], ["UA"], ['{"name":"z"}']),
        the_list().pk, None, update=True,
    )  # fmt: skip
    assert names()[0] == "z"
    assert not OverwrittenContact.objects.exists()


def test_first_old_values_are_kept(two: tuple[Import, Import]) -> None:
    rows = contact_store.ContactRows([PHONES[2]], ["UA"], ['{"name":"z"}'])
    written = contact_store.write(rows, the_list().pk, two[1].pk, update=True)
    assert (written.updated, names()[2]) == (1, "z")
    assert undo(two[1]) == (2, 2, 0, 0, 0)
    assert names()[2] == "c"


@pytest.mark.django_db(transaction=True)
def test_freeze_and_undo_wait_for_each_other(two: tuple[Import, Import]) -> None:
    """On PostgreSQL a slice of either would not see the rows that the other has not committed.
    SQLite has one writer.
    """
    campaign = make_campaign("Now", CampaignState.PREPARING)
    campaign.lists.set([the_list()])
    lifecycle.start(two[1].pk, None)
    undone = threading.Event()

    def work() -> None:
        runner.run(two[1].pk)
        undone.set()
        connection.close()

    with transaction.atomic():
        outcomes.wait_for_undo()
        worker = threading.Thread(target=work)
        worker.start()
        if connection.vendor == "postgresql":
            wait_until_somebody_waits()
        assert not undone.is_set()
        freeze(campaign.pk, timezone.now() + timedelta(minutes=1))
    worker.join()
    assert counts(two[1]) == (0, 0, 0, 4, 0)
    assert names() == {0: "a", 1: "b", 2: "C", 3: "D", 4: "E", 5: "F"}


def wait_until_somebody_waits() -> None:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone()[0]:
                return
