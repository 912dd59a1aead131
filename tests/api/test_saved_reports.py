"""Saved reports of the owner of a token: the same as those of the page."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import AuditEntry, CampaignState, Role, SavedReport
from campaigns.reports.models import ReportDelivery
from campaigns.shared.days import site_today
from campaigns.team.models import OutgoingMail
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
VIEW = {"group": "country", "country": "UA", "channel": "sms", "purpose": "test"}


def test_it_is_the_report_that_the_page_saves(api: ApiClient) -> None:
    page = Client()
    page.force_login(api.token.owner)
    query = "country=UA&channel=sms&group=country&purpose=test"
    page.post(f"/spend/reports/new?{query}", {"name": "Page", "rhythm": "weekly", "kind": "csv"})
    body = {"name": "API", "rhythm": "weekly", "kind": "csv", "view": VIEW}
    made = api.post("saved-reports", body)
    assert made.status_code == 201
    report = made.json()
    by_page, by_api = SavedReport.objects.order_by("pk")
    assert (by_api.query, by_api.rhythm, by_api.kind) == (query, "weekly", "csv")
    assert (by_page.query, by_page.owner) == (by_api.query, by_api.owner)
    assert (report["view"], report["description"]) == (
        VIEW,
        "by country, Country: Ukraine, Channel: SMS",
    )
    assert api.get(f"saved-reports/{report['id']}").json() == report
    listed = api.get("saved-reports").json()["items"]
    assert [(row["name"], row["view"]) for row in listed] == [("Page", VIEW), ("API", VIEW)]
    entries = AuditEntry.objects.filter(action="saved").order_by("id")
    assert [(entry.actor_id, entry.detail) for entry in entries] == [
        (api.token.owner.pk, "Page"),
        (api.token.owner.pk, "API"),
    ]


def test_its_view_can_be_asked_for(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    today = site_today().isoformat()
    view = {"first_day": today, "last_day": today, "campaign": str(campaign.pk)}
    shown = api.post("saved-reports", {"name": "Today", "view": view}).json()["view"]
    assert shown == {**view, "group": "day", "purpose": "campaign"}
    assert SavedReport.objects.get().query.startswith(f"campaign={campaign.pk}&period=custom&from=")
    asked = api.get("spend?" + "&".join(f"{name}={value}" for name, value in shown.items()))
    assert (asked.status_code, asked.json()["last_day"]) == (200, today)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "A", "rhythm": "hourly"}, "rhythm"),
        ({"name": "A", "kind": "pdf"}, "kind"),
        ({"name": "A", "view": {"contry": "UA"}}, "view.contry"),
        ({"name": "A", "view": {"first_day": "2026-01-02", "last_day": "2026-01-01"}}, "first_day"),
    ],
)
def test_what_is_refused(api: ApiClient, body: dict[str, object], field: str) -> None:
    answer = api.post("saved-reports", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not SavedReport.objects.exists()


def test_it_is_resumed_and_deleted_by_its_owner_alone(api: ApiClient, api_of: MakeClient) -> None:
    made = api.post("saved-reports", {"name": "Mine", "rhythm": "daily"}).json()
    SavedReport.objects.update(paused=True)
    address, boss = f"saved-reports/{made['id']}", api_of(Role.ADMINISTRATOR)
    assert [boss.get(address).status_code, boss.delete(address).status_code] == [404, 404]
    assert boss.post(f"{address}/resume", None).status_code == 404
    assert boss.get("saved-reports").json()["items"] == []
    assert api.get(address).json()["paused"] is True
    assert api.post(f"{address}/resume", None).json()["paused"] is False
    assert [api.delete(address).status_code, api.get(address).status_code] == [204, 404]
    actions = AuditEntry.objects.filter(subject=f"savedreport:{made['id']}").order_by("id")
    assert [entry.action for entry in actions] == ["saved", "resumed", "deleted"]


def test_what_was_mailed(api: ApiClient) -> None:
    made = api.post("saved-reports", {"name": "Mine", "rhythm": "daily"}).json()
    other = SavedReport.objects.create(owner=api.token.owner, name="Other")
    now, today = timezone.now(), site_today()
    own = made["id"]
    for report_id, days, failure in ((own, 2, ""), (own, 1, "550"), (other.pk, 1, "")):
        day = today - timedelta(days=days)
        mail = OutgoingMail.objects.create(
            address="olena@example.com", subject="S", body="B", next_try_at=now,
            message_id=f"<{report_id}.{days}@example.com>",
        )  # fmt: skip
        ReportDelivery.objects.create(
            report_id=report_id, first=day, last=day, address="olena@example.com", at=now,
            mail=mail, sent_at=None if failure else now, failure=failure,
        )  # fmt: skip
    rows = api.get(f"saved-reports/{own}/deliveries").json()["items"]
    assert [(row["first_day"], row["failure"], row["sent_at"] is None) for row in rows] == [
        ((today - timedelta(days=1)).isoformat(), "550", True),
        ((today - timedelta(days=2)).isoformat(), "", False),
    ]
