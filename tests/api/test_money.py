"""Spend, balance, budgets and approval limits: the numbers of the pages, and their limits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import AuditEntry, CampaignState, Role
from campaigns.shared.days import site_today
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.reports.factories import make_campaign, send
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def test_spend_adds_up(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 2, ("PL", "sms"): 1, ("UA", "unpriced"): 1})
    spend = api.get("spend?group=country").json()
    assert (spend["first_day"], spend["last_day"]) == (
        site_today().replace(day=1).isoformat(),
        site_today().isoformat(),
    )
    by_country = {group["key"]: group["bill"]["costs"][0] for group in spend["groups"]}
    assert (by_country["UA"]["viber"], by_country["UA"]["sms"]) == ("0.0469134", "0.00")
    assert (by_country["PL"]["viber"], by_country["PL"]["sms"]) == ("0.00", "0.0410005")
    [total] = spend["total"]["costs"]
    assert (total["total"], total["charged"]) == ("0.0879139", "0.0703701")
    assert spend["total"]["unknown"] == 1
    assert [group["key"] for group in api.get("spend").json()["groups"]] == [
        site_today().isoformat()
    ]
    assert api.get("spend?country=PL").json()["total"]["costs"][0]["total"] == "0.0410005"
    assert api.get("spend?purpose=test").json()["groups"] == []
    assert api.get(f"spend?campaign={campaign.pk + 1}").json()["groups"] == []


@pytest.mark.parametrize(
    "query",
    [
        "first_day=2026-01-02&last_day=2026-01-01",
        "first_day=2026-02-30&last_day=2026-03-01",
        "first_day=2026-01-01",
        "first_day=2020-01-01&last_day=2026-01-01",
    ],
)
def test_a_period_that_is_none(api: ApiClient, query: str) -> None:
    for path in ("spend", "spend/entries"):
        answer = api.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "first_day")


def test_the_balance(api: ApiClient, sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = "http://127.0.0.1:9/rest", sandbox.key
    answer = api.get("balance").json()
    assert (answer["balance"], bool(answer["failure"])) == (None, True)
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, f"{sandbox.key}2"
    sandbox.fund("5.25")
    held = sandbox.client().balance()
    shown = api.get("balance").json()
    assert shown["balance"] == {"amount": "5.25", "currency": "EUR"}
    assert Decimal(shown["available"]["amount"]) == held.amount + held.limit


def test_the_statement_of_a_month(api: ApiClient) -> None:
    march = datetime(2026, 3, 31, 12, tzinfo=UTC)
    large, small = (make_campaign(name, CampaignState.FINISHED) for name in ("Large", "Small"))
    send(small, {("UA", "read"): 1, ("UA", "unpriced"): 1}, Decimal("0.1"), at=march)
    send(large, {("UA", "read"): 2, ("UA", "sms"): 1}, Decimal("0.3"), at=march)
    send(large, {("UA", "read"): 1}, Decimal(7), "USD", at=march)
    with time_machine.travel("2026-04-10 12:00+0000", tick=False):
        shown = api.get("spend/statement?month=2026-03").json()
        assert (shown["first_day"], shown["last_day"]) == ("2026-03-01", "2026-03-31")
        assert (shown["is_final"], shown["unknown"]) == (False, 1)
        assert shown["status"] == "Not final: 1 price is not yet known."
        euros, dollars = shown["tables"]
        assert (euros["currency"], euros["total"]["total"]) == ("EUR", "0.7410005")
        assert [
            (line["campaign_id"], line["name"], line["cost"]["total"]) for line in euros["lines"]
        ] == [(large.pk, "Large", "0.6410005"), (small.pk, "Small", "0.10")]
        assert (dollars["currency"], dollars["total"]["viber"]) == ("USD", "7.00")
        present = api.get("spend/statement").json()
        assert (present["first_day"], present["tables"]) == ("2026-04-01", [])
        for month in ("2026-05", "1999-12", "2026-13", "april"):
            answer = api.get(f"spend/statement?month={month}")
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "month")


def test_the_forecast(api: ApiClient) -> None:
    with time_machine.travel("2026-04-10 12:00+0000", tick=False):
        send(make_campaign(state=CampaignState.FINISHED), {("UA", "read"): 4}, at=timezone.now())
        before = timezone.now() - timedelta(days=1)
        send(make_campaign(state=CampaignState.FINISHED), {("UA", "read"): 28}, at=before)
        [euros] = api.get("spend/forecast").json()["currencies"]
    assert euros == {
        "currency": "EUR",
        "minimum": "0.7506144",
        "maximum": "1.2197484",  # twenty days as the last 28
        "spent": "0.7506144",
        "upcoming_minimum": "0.00",
        "upcoming_maximum": "0.00",
        "per_day": "0.0234567",
        "days_left": 20,
    }


def test_the_cost_per_result(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 2, ("UA", "delivered"): 1, ("PL", "sms_delivered"): 1})
    [result] = api.get("spend/results").json()["results"]
    counts = result["counts"]
    assert (result["campaigns"], counts["read"], counts["accepted"]) == (
        1,
        2,
        4,
    )
    assert (result["per_delivered"], result["per_read"], result["per_sms"]) == (
        "0.0278",
        "0.0557",
        "0.041",
    )
    assert result["bill"]["costs"][0]["total"] == "0.1113706"
    [ukraine] = api.get("spend/results?country=UA").json()["results"]
    assert (ukraine["counts"]["accepted"], ukraine["per_sms"]) == (3, None)
    assert api.get(f"spend/results?campaign={campaign.pk + 1}").json() == {"results": []}


def test_budgets(api: ApiClient, api_of: MakeClient) -> None:
    boss, user = api_of(Role.ADMINISTRATOR), api.token.owner
    campaign = make_campaign(state=CampaignState.SENDING, launched_by=user)
    send(campaign, {("UA", "read"): 2})
    month = boss.send("PUT", "budgets/monthly/EUR", {"amount": "10"}).json()
    assert (month["amount"], month["used"], month["remaining"]) == (
        "10.00",
        "0.0469134",
        "9.9530866",
    )
    own = boss.send("PUT", f"budgets/users/{user.pk}/EUR", {"amount": "0.01"}).json()
    assert (own["user"], own["remaining"], own["percent"]) == ("api-marketer", "-0.0369134", 469)
    shown = api.get("budgets").json()
    assert (shown["monthly"], shown["users"]) == ([month], [own])
    assert boss.send("PUT", "budgets/monthly/EUR", {"amount": "-1"}).status_code == 422
    assert api.send("PUT", "budgets/monthly/EUR", {"amount": "1"}).status_code == 403
    for path in ("budgets/monthly/EUR", f"budgets/users/{user.pk}/EUR"):
        assert boss.delete(path).status_code == 204
        assert boss.delete(path).status_code == 404
    assert api.get("budgets").json() == {"monthly": [], "users": []}
    entries = AuditEntry.objects.filter(action__in=["set", "removed"]).order_by("id")
    assert [(entry.action, entry.detail) for entry in entries] == [
        ("set", "10.00 EUR"),
        ("set", "api-marketer: 0.01 EUR"),
        ("removed", "EUR"),
        ("removed", "api-marketer: 0.0100000 EUR"),
    ]


def test_approval_limits(api: ApiClient, api_of: MakeClient) -> None:
    boss = api_of(Role.ADMINISTRATOR)
    assert boss.send("PUT", "approval-limits/EUR", {"amount": "5"}).status_code == 200
    assert api.get("approval-limits").json() == {"limits": [{"currency": "EUR", "amount": "5.00"}]}
    assert api.send("PUT", "approval-limits/EUR", {"amount": "500"}).status_code == 403
    assert boss.delete("approval-limits/EUR").status_code == 204
    assert boss.delete("approval-limits/EUR").status_code == 404
