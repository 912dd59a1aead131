"""The pages of scheduled imports."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries

from campaigns.contacts.fetching.models import ImportSchedule
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.models import AuditEntry, Role, User

pytestmark = pytest.mark.django_db
ADDRESS = "https://x.test/t0ken/clients.csv?key=s3cret"
MAPPING: dict[str, Any] = {
    "columns": ["Phone", "Name", "City"],
    "phones": [0],
    "fields": {"1": "name"},
    "country": "UA",
    "header": True,
    "existing": "keep",
}
DAILY = {"rhythm": "daily", "weekday": "0", "at": "08:30", "max_rejected_percent": "15"}


@pytest.fixture
def clients() -> ContactList:
    return ContactList.objects.create(name="Clients")


@pytest.fixture
def finished(clients: ContactList, marketer: User) -> Import:
    return Import.objects.create(
        list=clients, list_name="Clients", file_name="clients.csv", address=ADDRESS,
        mapping=MAPPING, state=ImportState.FINISHED, rows=100, rejected=7, created_by=marketer,
    )  # fmt: skip


@pytest.fixture
def schedule(finished: Import, marketer: User) -> ImportSchedule:
    return made(finished, marketer)


def made(finished: Import, owner: User, **columns: Any) -> ImportSchedule:
    return ImportSchedule.objects.create(
        **{
            "address": ADDRESS, "list": finished.list, "list_name": "Clients", "mapping": MAPPING,
            "rhythm": "daily", "at": "08:30", "owner": owner, "next_run_at": timezone.now(),
            "latest_import": finished, "last_result": "imported", **columns,
        }
    )  # fmt: skip


def test_report_of_an_address_leads_to_a_schedule(
    signed_in: Client, viewer: Client, finished: Import
) -> None:
    address = reverse("import-schedule-new", args=[finished.pk])
    assert address in signed_in.get(finished.get_absolute_url()).content.decode()
    assert address not in viewer.get(finished.get_absolute_url()).content.decode()
    page = signed_in.get(address)
    text = re.sub(r"\s+", " ", page.content.decode())
    assert "The file is fetched from x.test/…/clients.csv and imported into “Clients”" in text
    assert "Phone, Name</dd>" in text
    assert "Keep them unchanged" in text
    assert "s3cret" not in text
    assert page.context["form"]["max_rejected_percent"].value() == 17
    assert viewer.get(address).status_code == 403


def test_schedule_is_created(signed_in: Client, finished: Import, marketer: User) -> None:
    answer = signed_in.post(reverse("import-schedule-new", args=[finished.pk]), DAILY)
    assert answer["Location"] == reverse("import-schedules")
    schedule = ImportSchedule.objects.get()
    assert (schedule.owner, schedule.list, schedule.address) == (marketer, finished.list, ADDRESS)
    assert (schedule.rhythm, str(schedule.at), schedule.max_rejected_percent) == (
        "daily",
        "08:30:00",
        15,
    )
    assert schedule.next_run_at > timezone.now()


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"at": ""}, "at", "Enter a time, such as 08:00."),
        ({"at": "25:00"}, "at", "Enter a valid time."),
        ({"rhythm": "yearly"}, "rhythm",
         "Select a valid choice. yearly is not one of the available choices."),
        ({"max_rejected_percent": "101"}, "max_rejected_percent",
         "Ensure this value is less than or equal to 100."),
    ],
)  # fmt: skip
def test_malformed_schedule_is_refused(
    signed_in: Client, finished: Import, change: dict[str, str], field: str, error: str
) -> None:
    answer = signed_in.post(reverse("import-schedule-new", args=[finished.pk]), DAILY | change)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {field: [error]}
    assert not ImportSchedule.objects.exists()


def test_hourly_schedule_needs_no_time(signed_in: Client, finished: Import) -> None:
    data = DAILY | {"rhythm": "hourly", "at": ""}
    signed_in.post(reverse("import-schedule-new", args=[finished.pk]), data)
    assert ImportSchedule.objects.get().at is None


def test_uploaded_file_has_no_schedule(signed_in: Client, finished: Import) -> None:
    Import.objects.update(address="")
    address = reverse("import-schedule-new", args=[finished.pk])
    assert address not in signed_in.get(finished.get_absolute_url()).content.decode()
    assert signed_in.post(address, DAILY)["Location"] == finished.get_absolute_url()
    assert not ImportSchedule.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_the_same_for_any_number(
    signed_in: Client,
    finished: Import,
    marketer: User,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(count):
        made(finished, marketer)
    with django_assert_num_queries(5):
        page = signed_in.get(reverse("import-schedules"))
    assert page.content.decode().count("Every day at 08:30") == count


def test_list_shows_state_and_hides_the_secret(
    signed_in: Client, viewer: Client, finished: Import, schedule: ImportSchedule
) -> None:
    text = "The columns have changed: “Name” is missing."
    ImportSchedule.objects.update(last_result="refused", last_text=text)
    page = signed_in.get(reverse("import-schedules")).content.decode()
    assert text in page
    assert "Not imported" in page
    assert "x.test/…/clients.csv" in page
    assert finished.get_absolute_url() in page
    ImportSchedule.objects.update(paused=True, pause_reason="The list was deleted.", list=None)
    for client in (signed_in, viewer):
        page = client.get(reverse("import-schedules")).content.decode()
        assert "The list was deleted." in page
        assert "s3cret" not in page
        assert "t0ken" not in page
    assert "Run now" not in page


def test_empty_list_leads_to_addresses(signed_in: Client, viewer: Client) -> None:
    page = reverse("import-schedules")
    assert reverse("import-address") in signed_in.get(page).content.decode()
    assert reverse("import-address") not in viewer.get(page).content.decode()


def test_pause_resume_run_and_delete(
    signed_in: Client, schedule: ImportSchedule, finished: Import
) -> None:
    def post(action: str) -> None:
        address = reverse(f"import-schedule-{action}", args=[schedule.pk])
        assert signed_in.post(address)["Location"] == reverse("import-schedules")

    post("pause")
    schedule.refresh_from_db()
    assert schedule.paused
    OrmQ.objects.all().delete()
    post("run")
    assert OrmQ.objects.count() == 0
    post("resume")
    post("run")
    schedule.refresh_from_db()
    assert (schedule.paused, OrmQ.objects.count()) == (False, 1)
    post("delete")
    assert not ImportSchedule.objects.exists()
    assert Import.objects.get() == finished
    actions = AuditEntry.objects.filter(subject=f"importschedule:{schedule.pk}").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["paused", "resumed", "run", "deleted"]


@pytest.mark.parametrize("action", ["pause", "resume", "run", "delete"])
def test_viewers_change_no_schedule(
    viewer: Client, signed_in: Client, schedule: ImportSchedule, action: str
) -> None:
    address = reverse(f"import-schedule-{action}", args=[schedule.pk])
    assert viewer.post(address).status_code == 403
    assert signed_in.get(address).status_code == 405
    assert signed_in.post(reverse(f"import-schedule-{action}", args=[10**6])).status_code == 404


def test_resume_without_a_list_says_why(signed_in: Client, schedule: ImportSchedule) -> None:
    ImportSchedule.objects.update(list=None, paused=True)
    address = reverse("import-schedule-resume", args=[schedule.pk])
    page = signed_in.post(address, follow=True).content.decode()
    assert "The list was deleted. Delete this schedule and create another." in page


@pytest.mark.parametrize("name", ["import", "importschedule"])
def test_administration_does_not_show_addresses(
    client: Client, schedule: ImportSchedule, finished: Import, name: str
) -> None:
    boss = User.objects.create_superuser("boss", password="x", role=Role.ADMINISTRATOR)
    client.force_login(boss)
    pk = finished.pk if name == "import" else schedule.pk
    page = client.get(reverse(f"admin:campaigns_{name}_change", args=[pk]))
    assert page.status_code == 200
    assert "s3cret" not in page.content.decode()
