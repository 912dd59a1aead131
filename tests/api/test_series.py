"""Series by the API."""

from decimal import Decimal

import pytest

from campaigns.models import SeriesRun
from tests.api.client import ApiClient
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
WEEKLY = {
    "repeat": "weekly", "weekdays": [0, 3], "at": "10:00", "first_day": "2100-01-01",
    "people_max": 50,
}  # fmt: skip


def test_a_series_is_made_switched_on_skipped_and_ended(api: ApiClient) -> None:
    draft = factory.draft(factory.contact_list("Clients", 3), budget=Decimal(5))
    answer = api.post("series", WEEKLY | {"draft_id": draft.pk})
    made = answer.json()
    assert answer.status_code == 201
    assert made == WEEKLY | {
        "id": made["id"], "name": "Autumn", "state": "off", "draft_id": draft.pk,
        "month_day": None, "is_local": False, "last_day": None, "next_day": None,
    }  # fmt: skip
    address = f"series/{made['id']}"
    assert api.get("series").json()["items"] == [made]
    monthly = {"repeat": "monthly", "month_day": 1, "at": "09:30", "first_day": "2100-01-01"}
    changed = api.put(f"{address}/plan", monthly | {"people_max": 7}).json()
    assert (changed["weekdays"], changed["month_day"]) == ([], 1)
    assert api.post(f"{address}/on", None).json()["next_day"] == "2100-01-01"
    assert api.post(f"{address}/skip", {"day": "2100-02-01"}).json()["code"] == "refused"
    assert api.post(f"{address}/skip", {"day": "2100-01-01"}).json()["next_day"] == "2100-02-01"
    [run] = api.get(f"{address}/runs").json()["items"]
    assert run == {
        "day": "2100-01-01", "campaign_id": None, "reason": "by_person",
        "reason_text": "Skipped by a user", "detail": "",
    }  # fmt: skip
    assert api.post(f"{address}/off", None).json()["state"] == "off"
    ended = api.post(f"{address}/end", None).json()
    assert (ended["state"], ended["draft_id"]) == ("ended", None)
    assert SeriesRun.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [7]}, "weekdays.0"),
        ({"repeat": "monthly"}, "month_day"),
        ({"last_day": "2099-01-01"}, "last_day"),
        ({"people_max": 0}, "people_max"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_at_its_field(
    api: ApiClient, change: dict[str, object], field: str
) -> None:
    answer = api.post("series", WEEKLY | {"draft_id": 1} | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
