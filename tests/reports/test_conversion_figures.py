"""Conversions as results: figures by currency, filters, exports, the API, and pages."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Conversion
from campaigns.reports.campaign import recipients
from campaigns.reports.campaign.contact_history import held_data
from campaigns.reports.campaign.progress import load_progress
from campaigns.reports.campaign.progress_figures import cost_tables
from campaigns.reports.campaign.recipients import read_query
from campaigns.reports.shared.conversion_counts import load_conversions
from campaigns.team.models import Role
from tests.api.conftest import MakeClient, api_of
from tests.reports.factories import make_campaign, send
from tests.reports.test_click_costs import FOUR, LAUNCH, PRICE, click, tracked

pytestmark = pytest.mark.django_db
__all__ = ["api_of"]


def convert(campaign: Campaign, place: int, value: str | None, currency: str = "EUR") -> None:
    number = Conversion.objects.count() + 1
    Conversion.objects.create(
        campaign=campaign, recipient=everybody(campaign)[place], number=0,
        conversion_id=f"A-{number}", value=Decimal(value) if value else None,
        currency=currency if value else "", at=LAUNCH + timedelta(hours=number),
    )  # fmt: skip


def everybody(campaign: Campaign) -> list[Recipient]:
    return list(Recipient.objects.filter(campaign=campaign).order_by("pk"))


@pytest.fixture
def campaign() -> Campaign:
    """It cost 0.1610005 euros. Of four recipients the first ordered twice, the second in dollars
    and euros, and the third something without a value.
    """
    made = tracked(track_conversions=True)
    send(made, FOUR, PRICE, at=LAUNCH)
    click(made, 0)
    for place, value, currency in (
        (0, "10", "EUR"), (0, "2.5", "EUR"), (1, "0.50", "EUR"), (1, "7", "USD"), (2, None, ""),
    ):  # fmt: skip
        convert(made, place, value, currency)
    return made


def test_recipients_count_once_and_values_add_up_by_currency(campaign: Campaign) -> None:
    clicks_only = tracked("Clicks only")
    nobody = tracked("Nobody", track_conversions=True)
    counts = load_conversions([campaign, clicks_only, nobody])
    assert counts.keys() == {campaign.pk, nobody.pk}
    made = counts[campaign.pk]
    assert (made.recipients, made.number) == (3, 5)
    assert made.revenue == {"EUR": Decimal(13), "USD": Decimal(7)}
    assert (counts[nobody.pk].recipients, counts[nobody.pk].revenue) == (0, {})


def test_campaign_page(campaign: Campaign, marketer: Client) -> None:
    progress = load_progress(campaign)
    steps = {str(step.label): (step.number, step.query) for step in progress.funnel}
    assert (steps["Clicked"][0], steps["Converted"]) == (1, (3, "?converted=yes"))
    euros, dollars = (
        {str(line.label): line.amount for line in lines} for lines in cost_tables(progress)
    )
    assert "13.00&nbsp;" in euros["Revenue of conversions"]
    assert euros["Return (revenue ÷ cost)"] == "80.75"  # 13 / 0.1610005
    assert list(dollars) == ["Revenue of conversions"]  # nothing was spent in dollars
    page = marketer.get(f"/campaigns/{campaign.pk}/?tab=clicks").content.decode()
    assert "Recipients who converted" in page
    assert "5 conversions" in page
    assert "80.75" in page


def test_campaign_page_without_conversions_says_nothing_of_them(marketer: Client) -> None:
    made = tracked()
    send(made, FOUR, PRICE, at=LAUNCH)
    for address in ("", "?tab=clicks", "recipients"):
        page = marketer.get(f"/campaigns/{made.pk}/{address}").content.decode()
        assert "onvert" not in page
        assert "Revenue" not in page


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"converted": "yes"}, [0, 1, 2]),
        ({"converted": "no"}, [3]),
        ({"converted": "yes", "clicked": "yes"}, [0]),
        ({"converted": "perhaps"}, []),
    ],
)
def test_recipients_are_filtered(
    campaign: Campaign, query: dict[str, str], places: list[int]
) -> None:
    found = recipients.filter_recipients(campaign, read_query(query, masked=False))
    everyone = everybody(campaign)
    assert {row.pk for row in found} == {everyone[place].pk for place in places}


def test_export(campaign: Campaign) -> None:
    names = [column.name for column in recipients.EXPORT_COLUMNS]
    rows = [
        dict(zip(names, row, strict=True))
        for row in recipients.export_rows(campaign, read_query({}, masked=False), masked=False)
    ]
    columns = "conversions", "first_conversion_at", "revenue", "revenue_currency"
    made = {row["reference"]: tuple(row[name] for name in columns) for row in rows}
    one, two, three, four = (each.reference for each in everybody(campaign))
    assert made == {
        one: (2, LAUNCH + timedelta(hours=1), Decimal("12.5"), "EUR"),
        two: (2, LAUNCH + timedelta(hours=3), None, "several"),
        three: (1, LAUNCH + timedelta(hours=5), None, ""),
        four: (0, None, None, ""),
    }


def test_comparison(campaign: Campaign, marketer: Client) -> None:
    other = make_campaign("Untracked", CampaignState.FINISHED)
    send(other, FOUR, PRICE, at=LAUNCH)
    answer = marketer.get(f"/campaigns/compare?id={campaign.pk}&id={other.pk}")
    counts = {
        str(line.label): [cell and (cell.number, cell.whole) for cell in line.cells]
        for line in answer.context["count_rows"]
    }
    assert counts["Converted"] == [(3, 4), None]
    revenue, returns = answer.context["cost_rows"][-2:]
    amounts = [[(each.amount, each.currency) for each in cell] for cell in revenue.cells]
    assert amounts == [[(Decimal(13), "EUR"), (Decimal(7), "USD")], []]
    ratios = [[(each.amount, each.currency) for each in cell] for cell in returns.cells]
    assert ratios == [[(Decimal("80.75"), "EUR")], []]
    assert "80.75" in answer.content.decode()


def test_api(campaign: Campaign, api_of: MakeClient) -> None:
    api = api_of(Role.MARKETER)
    progress: Any = api.get(f"campaigns/{campaign.pk}/progress").json()
    assert progress["clicks"]["conversions"] == {
        "conversions": 5, "recipients": 3,
        "revenue": [
            {"amount": "13.00", "currency": "EUR", "return_on_cost": "80.75"},
            {"amount": "7.00", "currency": "USD", "return_on_cost": None},
        ],
    }  # fmt: skip
    rows = api.get(f"campaigns/{campaign.pk}/recipients?converted=yes").json()["items"]
    assert [(row["conversions"], row["revenue"]) for row in rows] == [
        (2, [{"amount": "12.50", "currency": "EUR"}]),
        (2, [{"amount": "0.50", "currency": "EUR"}, {"amount": "7.00", "currency": "USD"}]),
        (1, []),
    ]  # fmt: skip


def test_contact_page_and_data_have_them(campaign: Campaign, marketer: Client) -> None:
    table = marketer.get(f"/campaigns/{campaign.pk}/recipients").content.decode()
    assert (table.count("Converted 2×"), table.count("Converted 1×")) == (2, 1)
    [message] = held_data(everybody(campaign)[1].msisdn)["messages"]
    assert [(each["id"], each["value"], each["currency"]) for each in message["conversions"]] == [
        ("A-3", "0.50", "EUR"), ("A-4", "7.00", "USD"),
    ]  # fmt: skip
