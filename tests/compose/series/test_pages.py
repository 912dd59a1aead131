"""The pages of series."""

from decimal import Decimal

import pytest
from django.test import Client

from campaigns.compose.models import Campaign, Series, SeriesRun, SeriesState
from campaigns.shared.days import site_today
from campaigns.team.models import AuditEntry, Role
from tests.dispatch import factory
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    return factory.draft(factory.contact_list("Clients", 3), budget=Decimal(5))


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(make_user("olena", Role.MARKETER))
    return client


def form(**changes: object) -> dict[str, object]:
    tomorrow = site_today().replace(year=site_today().year + 1).isoformat()
    weekly = {"repeat": "weekly", "weekdays": ["0", "3"], "at": "10:00", "first_day": tomorrow}
    return weekly | {"people_max": "50"} | changes


def test_a_draft_is_set_up_switched_on_skipped_and_ended(pages: Client, draft: Campaign) -> None:
    answer = pages.post(f"/campaigns/{draft.pk}/series", form(), follow=True)
    [series] = Series.objects.all()
    address = f"/campaigns/series/{series.pk}/"
    assert answer.redirect_chain == [(address, 302)]
    assert "Every Monday, Thursday at 10:00" in answer.content.decode()
    changed = pages.post(f"{address}plan", form(repeat="monthly", month_day="1"), follow=True)
    assert "On day 1 of each month at 10:00" in changed.content.decode()
    pages.post(f"{address}on", {"version": draft.updated_at.isoformat()})
    series.refresh_from_db()
    assert (series.state, series.weekdays) == (SeriesState.ON, [])
    assert series.next_day
    shown = pages.get(address).content.decode()
    assert shown.count(series.next_day.strftime("%a %-d %b %Y")) == 2  # next and coming
    refused = pages.post(f"{address}plan", form(), follow=True)
    assert "Switch the series off before" in refused.content.decode()
    for day in ("2026-02-31", "soon", "2020-01-01"):
        pages.post(f"{address}skip", {"day": day})
    assert not SeriesRun.objects.exists()
    pages.post(f"{address}skip", {"day": series.next_day.isoformat()})
    assert SeriesRun.objects.get().reason == "by_person"
    pages.post(f"{address}off")
    pages.post(f"{address}end")
    entries = AuditEntry.objects.filter(subject=f"series:{series.pk}").order_by("pk")
    assert list(entries.values_list("action", flat=True)) == [
        "created", "edited", "switched on", "skipped", "switched off", "ended",
    ]  # fmt: skip
    assert "Autumn" in pages.get("/campaigns/series/").content.decode()
    assert "Skipped by a user" in pages.get(address).content.decode()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"weekdays": []}, {"weekdays"}),
        ({"repeat": "monthly"}, {"month_day"}),
        ({"last_day": "2020-01-01"}, {"last_day"}),
        ({"at": "25:00", "people_max": "0"}, {"at", "people_max"}),
        ({"first_day": "soon"}, {"first_day"}),
        ({"repeat": "hourly", "weekdays": ["7"]}, {"repeat", "weekdays"}),
    ],
)
def test_bad_plans_are_refused_at_their_fields(
    pages: Client, draft: Campaign, changes: dict[str, object], fields: set[str]
) -> None:
    answer = pages.post(f"/campaigns/{draft.pk}/series", form(**changes))
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == fields
    assert not Series.objects.exists()


def test_another_version_of_the_draft_is_not_switched_on(pages: Client, draft: Campaign) -> None:
    pages.post(f"/campaigns/{draft.pk}/series", form())
    [series] = Series.objects.all()
    old = {"version": "2026-01-01T00:00:00+00:00"}
    answer = pages.post(f"/campaigns/series/{series.pk}/on", old, follow=True)
    assert "The draft was changed a moment ago" in answer.content.decode()
    series.refresh_from_db()
    assert series.state == SeriesState.OFF
