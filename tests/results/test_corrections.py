"""Fees and corrections: added by administrators only, never changed, and shown apart."""

from decimal import Decimal

import pytest
from django.test import Client

from campaigns.compose.models import CampaignState, Sender
from campaigns.ledger.models import Channel, Kind, LedgerEntry
from campaigns.reports.shared.bills import load_bills, totals_for
from campaigns.results.money.rebuilding import differences
from campaigns.shared.money import ZERO, exact
from campaigns.team.models import AuditEntry, Role
from tests.reports.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
ADDRESS = "/spend/corrections/"


@pytest.fixture
def anna(client: Client) -> Client:
    client.force_login(make_user("anna", Role.ADMINISTRATOR))
    return client


def test_a_fee_is_added_once_a_month(anna: Client) -> None:
    shop = Sender.objects.create(name="Shop")
    posted = {"sender": shop.pk, "month": "2026-11", "amount": "25", "currency": "EUR"}
    assert anna.post(ADDRESS, posted).status_code == 302
    again = anna.post(ADDRESS, posted)
    assert again.status_code == 422
    assert "already in the ledger" in again.content.decode()
    assert anna.post(ADDRESS, {**posted, "month": "2026-12"}).status_code == 302
    entries = LedgerEntry.objects.order_by("pk")
    rows = [
        (entry.kind, entry.channel, entry.campaign_id, exact(entry.amount or ZERO), entry.note)
        for entry in entries
    ]
    assert rows == [
        (Kind.FEE, Channel.FEE, None, "25.00", f"Shop, 2026-{month}") for month in (11, 12)
    ]  # fmt: skip
    assert list(AuditEntry.objects.values_list("subject", "action", "detail"))[-1] == (
        f"sender:{shop.pk}", "fee", "Shop, 2026-11: 25.00 EUR"
    )  # fmt: skip


def test_a_correction_is_shown_apart(anna: Client) -> None:
    campaign = make_campaign("Autumn", CampaignState.FINISHED)
    posted = {
        "amount": "-1.5",
        "currency": "EUR",
        "channel": "viber",
        "campaign": campaign.pk,
        "note": "Invoice 7",
    }
    assert anna.post(ADDRESS, posted).status_code == 302
    assert anna.post(ADDRESS, {**posted, "campaign": "", "amount": "4"}).status_code == 302
    [cost] = load_bills(totals_for())[()].costs
    assert (cost.viber, cost.correction, cost.total, cost.adjustment) == (
        ZERO,
        Decimal("2.5"),
        Decimal("2.5"),
        ZERO,
    )
    assert differences() == []
    assert "Invoice 7" in anna.get(ADDRESS).content.decode()
    page = anna.get(f"/campaigns/{campaign.pk}/?tab=activity").content.decode()
    assert "entered a correction of the cost" in page


@pytest.mark.parametrize(
    "invalid", [{"amount": "0"}, {"note": ""}, {"currency": "eur"}, {"campaign": "999"}]
)
def test_invalid_corrections_are_rejected(anna: Client, invalid: dict[str, str]) -> None:
    posted = {
        "amount": "1",
        "currency": "EUR",
        "channel": "sms",
        "campaign": "",
        "note": "Invoice 7",
    }
    assert anna.post(ADDRESS, posted | invalid).status_code == 422
    assert not LedgerEntry.objects.exists()


def test_only_administrators_add_entries(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"amount": "1"}).status_code == 403
