"""The ledger against the gateway, and fees and corrections: what the pages show and take."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.compose.models import Sender
from campaigns.dispatch.models import Evidence, Recipient
from campaigns.dispatch.send.interpret_answer import TOTAL_DIFFERS
from campaigns.ledger.models import BalanceReading, LedgerEntry
from campaigns.models import AuditEntry, CampaignState, Role
from campaigns.results.models import SampledStatus
from campaigns.team.models import Brand
from campaigns.team.permissions import Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_the_reconciliation(api: ApiClient, api_of: MakeClient) -> None:
    empty = api.get("spend/reconciliation").json()
    assert (empty["difference"], empty["hours"], empty["compared_hours"]) == (None, [], 0)
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 1, ("UA", "unpriced"): 2})
    now = timezone.now()
    for hours, amount, entered in ((5, 100, 0), (2, 90, 10), (1, 110, 15)):
        at = now - timedelta(hours=hours)
        BalanceReading.objects.create(
            hour=at, at=at, amount=amount, currency="EUR", entered=entered
        )
    one = Recipient.objects.filter(status="read")[0]
    SampledStatus.objects.create(
        day=now.date(), recipient=one, campaign_id=campaign.pk, currency="EUR", agrees=False,
        entered=Decimal("0.0234567"), reported_amount=None, status="read", reported_status="",
    )  # fmt: skip
    Evidence.objects.create(campaign=campaign, batch_number=3, what=TOTAL_DIFFERS)
    shown = api.get("spend/reconciliation").json()
    [hour] = shown["hours"]
    assert (shown["compared_hours"], shown["difference"]) == (2, euros("25.00"))
    assert (hour["balance_change"], hour["entered"], hour["difference"]) == (
        euros("20.00"),
        euros("5.00"),
        euros("25.00"),
    )
    assert (hour["reason"][:20], hour["has_gap"]) == ("Most likely a top-up", False)
    assert shown["sample"] == {
        "checked": 1,
        "differing": [
            {
                "recipient_id": one.pk, "campaign_id": campaign.pk, "phone": f"+{one.msisdn}",
                "status": "read", "reported_status": "", "entered": euros("0.0234567"),
                "reported": None,
            }
        ],
    }  # fmt: skip
    assert shown["unknown_prices"] == [{"campaign_id": campaign.pk, "name": "Autumn", "prices": 2}]
    assert [row["batch"] for row in shown["wrong_totals"]] == [3]
    blind = api_of(scopes={Permission.RECONCILE}).get("spend/reconciliation").json()
    assert blind["sample"]["differing"][0]["phone"] != f"+{one.msisdn}"


def test_several_brands_leave_it_to_those_who_correct(api: ApiClient, api_of: MakeClient) -> None:
    Brand.objects.create(name="Toys", slug="toys")
    boss = api_of(Role.ADMINISTRATOR)
    assert api.get("spend/reconciliation").status_code == 403
    assert boss.get("spend/reconciliation").status_code == 200


def test_a_correction(api: ApiClient, api_of: MakeClient) -> None:
    boss, campaign = api_of(Role.ADMINISTRATOR), make_campaign(state=CampaignState.FINISHED)
    body = {"amount": "-1.25", "currency": "EUR", "channel": "viber", "note": "Refund"}
    assert api.post("spend/corrections", body).status_code == 403
    for _ in range(2):
        answer = boss.post("spend/corrections", body, Idempotency_Key="once")
        assert (answer.status_code, answer.content) == (204, b"")
    of_one = body | {"amount": "0.0000001", "campaign_id": campaign.pk}
    assert boss.post("spend/corrections", of_one).status_code == 204
    written = LedgerEntry.objects.order_by("pk")
    assert [(entry.campaign_id, entry.amount, entry.note) for entry in written] == [
        (None, Decimal("-1.25"), "Refund"),
        (campaign.pk, Decimal("0.0000001"), "Refund"),
    ]
    [entry] = boss.get("spend/corrections").json()["items"]
    assert (entry["kind"], entry["amount"], entry["note"]) == (
        "correction",
        euros("-1.25"),
        "Refund",
    )
    assert AuditEntry.objects.filter(action="correction").count() == 2
    for wrong, field in (
        ({"amount": "0"}, "amount"), ({"amount": "1,5"}, "amount"), ({"note": " "}, "note"),
        ({"campaign_id": campaign.pk + 1}, "campaign_id"), ({"currency": "eur"}, "currency"),
    ):  # fmt: skip
        answer = boss.post("spend/corrections", body | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), wrong
    assert LedgerEntry.objects.count() == 2


def test_a_fee_is_added_once(api_of: MakeClient) -> None:
    boss, sender = api_of(Role.ADMINISTRATOR), Sender.objects.create(name="ViberShop")
    body = {"sender_id": sender.pk, "month": "2026-11", "amount": "30", "currency": "EUR"}
    assert boss.post("spend/fees", body).status_code == 204
    again = boss.post("spend/fees", body)
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "The fee for ViberShop, 2026-11 is already in the ledger. Add a correction instead.",
    )
    assert boss.post("spend/fees", body | {"sender_id": sender.pk + 1}).status_code == 404
    [entry] = boss.get("spend/corrections").json()["items"]
    assert (entry["kind"], entry["amount"], entry["note"]) == (
        "fee",
        euros("30.00"),
        "ViberShop, 2026-11",
    )
