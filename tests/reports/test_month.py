"""This month against the last one, and the last 30 days, on the dashboard."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Click
from campaigns.ledger.models import Purpose
from campaigns.reports.campaigns.daily_figures import load_daily_figures
from campaigns.reports.campaigns.last_days import build_last_days, last_days
from campaigns.reports.campaigns.month import (
    MonthComparison,
    compared_months,
    difference_text,
    load_month,
)
from campaigns.templatetags.viberdash import number
from tests.markup import squeezed
from tests.reports.factories import count_hours, make_campaign, send

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 15)
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
PRICE = Decimal("0.04")


@pytest.fixture(autouse=True)
def middle_of_march() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def sent(
    at: datetime, fates: dict[str, int], price: Decimal = PRICE, **columns: object
) -> Campaign:
    """A campaign that was launched and sent to Ukraine `at` that time, with its hourly counts."""
    made = make_campaign(f"Of {at}", CampaignState.FINISHED, launched_at=at, **columns)
    send(made, {("UA", fate): count for fate, count in fates.items()}, price, at=at)
    count_hours(made)
    return made


def track(campaign: Campaign, clickers: int) -> None:
    campaign.text, campaign.tracked_links = "https://shop.example.com/", [["text", 0, 25]]
    campaign.save()
    for recipient in Recipient.objects.filter(campaign=campaign)[:clickers]:
        Click.objects.create(
            id=recipient.pk, campaign=campaign, recipient=recipient, number=0, at=NOON
        )


@pytest.fixture
def two_months() -> None:
    """12 recipients in this month, 10 in the last one until the 15th, 5 after it; and others that
    are in no figure.
    """
    track(sent(NOON, {"read": 6, "delivered": 3, "not_delivered": 1, "unpriced": 2}), 3)
    track(sent(datetime(2026, 2, 15, 23, 30, tzinfo=UTC), {"read": 4, "delivered": 6}), 1)
    sent(datetime(2026, 2, 20, 9, tzinfo=UTC), {"sms_delivered": 5})
    sent(datetime(2026, 1, 31, 23, tzinfo=UTC), {"read": 7})
    sent(NOON, {"read": 2}, Decimal(0), purpose=Purpose.TEST)


def load() -> MonthComparison:
    return load_month(TODAY, load_daily_figures(compared_months(TODAY).all_days))


def shown(comparison: MonthComparison) -> dict[str, list[str]]:
    """The figures by label: this month, the last one to the same day, all of it, difference."""
    return {
        str(row.label): [
            " ".join(plain(text) for text in (cell.value, cell.rate) if text)
            for cell in (row.this, row.before, row.whole)
        ]
        + [plain(row.difference)]
        for row in (*comparison.by_day, *comparison.launched)
    }


def plain(markup: str) -> str:
    for tag in ('<span class="money">', '<span class="currency">', '<span class="stat-quiet">',
                '<span class="not-known">', "</span>"):  # fmt: skip
        markup = markup.replace(tag, "")
    return markup.replace("&nbsp;", " ")


@pytest.mark.usefixtures("two_months")
def test_month_beside_the_last_one() -> None:
    assert shown(load()) == {
        "Sent": ["12", "10", "15", "+2 (20.0% more)"],
        "Delivered": [
            "9 75.0% of accepted", "10 100% of accepted", "10 66.7% of accepted", "−1 (10.0% less)",
        ],
        "Read": [
            "6 66.7% of delivered", "4 40.0% of delivered", "4 40.0% of delivered",
            "+2 (50.0% more)",
        ],
        "Spent, EUR": [
            "0.36 EUR 2 prices not yet known", "0.40 EUR",
            '<span class="money" title="0.6050025 EUR">0.61 EUR', "−0.04 EUR (10.0% less)",
        ],
        "Clicked": [
            "3 33.3% of those reached", "1 10.0% of those reached", "1 10.0% of those reached",
            "+2 (200.0% more)",
        ],
        "Cost per delivered, EUR": ["0.04 EUR", "0.04 EUR", "0.0403 EUR", "no difference"],
    }  # fmt: skip


def test_month_with_nothing_in_it() -> None:
    assert shown(load()) == {
        "Sent": ["0", "0", "0", "no difference"],
        "Delivered": ["0", "0", "0", "no difference"],
        "Read": ["0", "0", "0", "no difference"],
        "Spent": ["0.00", "0.00", "0.00", "no difference"],
        "Clicked": ["not tracked", "not tracked", "not tracked", ""],
    }


def test_month_whose_prices_are_all_unknown() -> None:
    sent(NOON, {"unpriced": 2})
    unknown = "not yet known 2 prices not yet known"
    assert shown(load())["Spent"] == [unknown, "0.00", "0.00", ""]
    sent(datetime(2026, 2, 1, 12, tzinfo=UTC), {"read": 1})
    figures = shown(load())
    assert figures["Spent, EUR"] == [unknown, "0.04 EUR", "0.04 EUR", ""]
    assert figures["Cost per delivered, EUR"] == ["not yet known", "0.04 EUR", "0.04 EUR", ""]


def test_days_are_those_of_the_site(settings: Settings) -> None:
    settings.SITE_ZONE = settings.SITE_ZONE.__class__("Asia/Tokyo")  # nine hours later
    sent(datetime(2026, 2, 28, 15, tzinfo=UTC), {"read": 1})
    sent(datetime(2026, 2, 28, 14, tzinfo=UTC), {"read": 2})
    figures = shown(load())
    assert figures["Sent"][:3] == ["1", "0", "2"]
    assert figures["Spent, EUR"][:3] == ["0.04 EUR", "0.00 EUR", "0.08 EUR"]


@pytest.mark.parametrize(
    ("today", "same_day"),
    [
        (date(2026, 3, 15), date(2026, 2, 15)),
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2026, 1, 1), date(2025, 12, 1)),
    ],
)
def test_last_month_ends_at_the_same_day_or_its_last(today: date, same_day: date) -> None:
    assert compared_months(today).before.last == same_day


@pytest.mark.parametrize(
    ("this", "before", "text"),
    [
        (1234, 1000, "+234 (23.4% more)"),
        (0, 1000, "−1,000 (100% less)"),
        (5, 0, "+5 more"),
        (-5, 0, "−5 less"),
        (0, 0, "no difference"),
        (None, 3, ""),
        (3, None, ""),
    ],
)
def test_differences_have_words_and_a_sign(this: int, before: int, text: str) -> None:
    assert difference_text(this, before, number) == text


def test_months_cost_the_same_with_one_and_with_three(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for days in (0, 3, 28):
        track(sent(NOON - timedelta(days), {"read": 2}), 1)
        load()  # reads the account
        with django_assert_num_queries(7):
            load()


@pytest.mark.usefixtures("two_months")
def test_last_days_as_bars_and_as_a_table() -> None:
    period = last_days(TODAY)
    days = build_last_days(period, load_daily_figures(period))
    assert days is not None
    assert (days.first, days.last, days.currencies) == (date(2026, 2, 14), TODAY, ["EUR"])
    assert [(row.day.day, row.sent, row.spent[0]) for row in days.rows if row.sent] == [
        (15, 12, Decimal("0.36")),
        (20, 5, Decimal("0.2050025")),
        (15, 10, Decimal("0.4")),
    ]
    assert days.rows[0].url == "/spend/?from=2026-03-15&to=2026-03-15&group=campaign"
    sent_chart, spent_chart = days.charts
    assert (len(sent_chart.bars), sent_chart.width, sent_chart.highest) == (30, 300, "12")
    assert [bar.height for bar in sent_chart.bars if bar.height] == [83, 42, 100]
    assert sent_chart.bars[-1].text == "15 Mar 2026: 12"
    assert [bar.height for bar in spent_chart.bars if bar.height] == [100, 51, 90]
    assert spent_chart.bars[6].text == "20 Feb 2026: 0.2050025 EUR"


def test_last_days_without_anything() -> None:
    assert build_last_days(last_days(TODAY), {}) is None


@pytest.mark.usefixtures("two_months")
def test_dashboard_shows_the_months(marketer: Client) -> None:
    page = squeezed(marketer.get("/").content.decode())
    assert page.index('id="month-title"') < page.index("Last campaigns")
    assert "1 Mar – 15 Mar, so far" in page
    assert "Feb: 15" in page
    assert '<a class="num-link" href="/spend/?from=2026-03-01&amp;to=2026-03-15">' in page
    assert "<title>15 Mar 2026: 12</title>" in page
    part = squeezed(marketer.get("/dashboard/month").content.decode()).strip()
    assert part.startswith('<section class="card" id="month"')
    assert 'id="month-title"' not in marketer.get("/dashboard/now").content.decode()


def test_new_installation_has_no_months(marketer: Client) -> None:
    page = marketer.get("/").content.decode()
    assert "First steps" in page
    assert 'id="month' not in page
    assert "Last 30 days" not in page
