"""When schedules run, and who may pause and resume them."""

from datetime import UTC, datetime, time

import pytest

from campaigns.contacts.fetching import schedules
from campaigns.contacts.fetching.models import ImportRhythm, ImportSchedule
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Import, ImportState
from campaigns.models import AuditEntry, Role, User

pytestmark = pytest.mark.django_db
AFTER = datetime(2026, 3, 25, 10, 30, tzinfo=UTC)  # a Wednesday; 12:30 in Kyiv


def schedule_of(rhythm: str, at: time | None = None, weekday: int = 0) -> ImportSchedule:
    owner = User(username="marta", time_zone="Europe/Kyiv")
    return ImportSchedule(rhythm=rhythm, at=at, weekday=weekday, owner=owner)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedule_of("hourly"), datetime(2026, 3, 25, 11, 30, tzinfo=UTC)),
        (schedule_of("daily", time(13)), datetime(2026, 3, 25, 11, tzinfo=UTC)),
        (schedule_of("daily", time(12, 30)), datetime(2026, 3, 26, 10, 30, tzinfo=UTC)),
        (schedule_of("weekly", time(13), 2), datetime(2026, 3, 25, 11, tzinfo=UTC)),
        (schedule_of("weekly", time(12), 2), datetime(2026, 4, 1, 9, tzinfo=UTC)),  # summer time
        (schedule_of("weekly", time(0), 0), datetime(2026, 3, 29, 21, tzinfo=UTC)),
    ],
)
def test_next_run_is_in_the_time_zone_of_the_owner(
    schedule: ImportSchedule, expected: datetime
) -> None:
    assert schedules.next_run(schedule, AFTER) == expected


def test_schedule_keeps_the_columns_of_its_import(
    finished: Import, schedule: ImportSchedule
) -> None:
    assert (schedule.list, schedule.rows) == (finished.list, 10)
    assert (schedule.mapping["columns"], schedule.mapping["phones"]) == (["phone", "name"], [0])
    assert schedule.mapping["fields"] == {"1": "name"}
    assert AuditEntry.objects.get(subject=f"importschedule:{schedule.pk}").action == "created"


@pytest.mark.parametrize("change", [{"address": ""}, {"state": "failed"}, {"list": None}])
def test_other_imports_cannot_be_repeated(
    finished: Import, owner: User, change: dict[str, object]
) -> None:
    for name, value in change.items():
        setattr(finished, name, value)
    with pytest.raises(ContactsError, match="Only a finished import from an address"):
        schedules.create(finished, ImportRhythm.DAILY, time(8), 0, 10, owner)


def test_pause_and_resume_are_recorded_once(schedule: ImportSchedule, owner: User) -> None:
    for _ in range(2):
        schedules.pause(schedule, owner)
    for _ in range(2):
        schedules.resume(schedule, owner)
    actions = AuditEntry.objects.filter(subject=f"importschedule:{schedule.pk}")
    assert list(actions.order_by("pk").values_list("action", flat=True)) == [
        "created",
        "paused",
        "resumed",
    ]


def test_resume_takes_over_from_an_owner_who_may_not_import(
    schedule: ImportSchedule, owner: User
) -> None:
    other = User.objects.create_user("oleh", password="x", role=Role.MARKETER)
    schedules.pause(schedule, other)
    schedules.resume(schedule, other)
    schedule.refresh_from_db()
    assert schedule.owner == owner
    owner.is_active = False
    owner.save()
    schedule.refresh_from_db()
    schedules.pause(schedule, other)
    schedules.resume(schedule, other)
    schedule.refresh_from_db()
    assert (schedule.owner, schedule.paused) == (other, False)


def test_resume_needs_the_list(schedule: ImportSchedule, owner: User) -> None:
    assert schedule.list
    schedule.list.delete()
    schedule.refresh_from_db()
    with pytest.raises(ContactsError, match="The list was deleted"):
        schedules.resume(schedule, owner)


def test_finished_import_with_a_list_can_be_repeated(finished: Import) -> None:
    assert finished.state == ImportState.FINISHED
    assert schedules.can_be_repeated(finished)
