"""Spend, balance, budgets and approval limits: the numbers of the pages, and their limits."""

from decimal import Decimal

import pytest
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
