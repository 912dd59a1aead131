"""The statement of a month."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from campaigns.compose.models import CampaignState
from campaigns.reports.spend.statements import load_statement, read_month
from tests.reports.factories import make_campaign, make_user, send

pytestmark = pytest.mark.django_db
APRIL = datetime(2026, 4, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_april() -> object:
    with time_machine.travel(APRIL, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026-04", date(2026, 4, 1), date(2026, 4, 30)),
        ("2026-05", date(2026, 4, 1), date(2026, 4, 30)),  # to come
        ("", date(2026, 4, 1), date(2026, 4, 30)),
        ("0001-01", date(2026, 4, 1), date(2026, 4, 30)),
        ("2026-13", date(2026, 4, 1), date(2026, 4, 30)),
        ("february", date(2026, 4, 1), date(2026, 4, 30)),
    ],
)
def test_read_month(text: str, first: date, last: date) -> None:
    period = read_month(text)
    assert (period.first, period.last) == (first, last)


def test_statement_has_a_sheet_a_currency_that_adds_up() -> None:
    march = datetime(2026, 3, 31, 12, tzinfo=UTC)
    send(
        make_campaign("Small", CampaignState.FINISHED),
        {("UA", "read"): 1},
        Decimal("0.1"),
        at=march,
    )
    send(
        make_campaign("Large", CampaignState.FINISHED),
        {("UA", "read"): 2, ("UA", "sms"): 1},
        Decimal("0.3"),
        at=march,
    )
    send(
        make_campaign("Dollars", CampaignState.FINISHED),
        {("UA", "read"): 1},
        Decimal(7),
        "USD",
        at=march,
    )
    send(make_campaign("April", CampaignState.FINISHED), {("UA", "read"): 1}, Decimal(9), at=APRIL)
    result = load_statement(read_month("2026-03"))
    assert [
        (s.total.currency, s.total.total, [line.name for line in s.lines]) for s in result.tables
    ] == [
        ("EUR", Decimal("0.7410005"), ["Large", "Small"]),
        ("USD", Decimal(7), ["Dollars"]),
    ]
    assert sum(line.cost.total for line in result.tables[0].lines) == result.tables[0].total.total
    assert (result.is_final, result.previous, result.next) == (True, "2026-02", "2026-04")


def test_statement_is_complete_only_when_nothing_will_change() -> None:
    send(
        make_campaign("A", CampaignState.FINISHED),
        {("UA", "unpriced"): 1},
        at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    )
    assert not load_statement(read_month("2026-03")).is_final  # a price is missing
    assert not load_statement(read_month("2026-04")).is_final  # the month is not over
    assert load_statement(read_month("2026-02")).is_final
    assert load_statement(read_month("2026-04")).next == ""


def test_statement_page(client: Client, in_april: object) -> None:
    client.force_login(make_user())
    send(
        make_campaign("Spring", CampaignState.FINISHED),
        {("UA", "read"): 2},
        Decimal("0.0125005"),
        at=APRIL,
    )
    page = " ".join(client.get("/spend/statement/").content.decode().split())
    assert "Statement, April 2026" in page
    assert 'title="0.025001 EUR">0.025&nbsp;<span class="currency">EUR' in page
    assert "Not final: the month is not over." in page
    assert (
        "Nothing was spent in this month."
        in client.get("/spend/statement/?month=2025-01").content.decode()
    )
