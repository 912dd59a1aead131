"""Clicks in the reports of several campaigns, and what each recipient who clicked cost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Click
from campaigns.reports.campaign import clicks
from campaigns.reports.campaign.progress import load_progress
from campaigns.reports.campaign.progress_figures import cost_tables
from campaigns.reports.campaigns.best_times import load_best_times
from campaigns.reports.shared.click_counts import count_clickers
from campaigns.reports.shared.periods import Period
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.reports.spend.cost_per_result import CostPerResult, load_costs_per_result
from campaigns.results.hourly_counts import start_of_hour
from campaigns.results.models import HourCount, Measure
from campaigns.shared.money import exact
from campaigns.templatetags.viberdash import money_exact, money_in_table
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
MARCH = Period("custom", date(2026, 3, 1), date(2026, 3, 31))
LAUNCH = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
TEXT = "See https://shop.example.com/ or {unsubscribe}"
LINK, OPT_OUT = ["text", 4, 29], ["text", 33, 46]
PRICE = Decimal("0.04")
COSTS = money_exact(Decimal("0.0805"), "EUR")
FOUR = {("UA", "read"): 2, ("UA", "delivered"): 1, ("PL", "sms_delivered"): 1}


def tracked(name: str = "Tracked", links: list[Any] | None = None, **columns: Any) -> Campaign:
    made = make_campaign(name, CampaignState.FINISHED, launched_at=LAUNCH, **columns)
    made.text, made.tracked_links = TEXT, [LINK, OPT_OUT] if links is None else links
    made.save()
    return made


def click(campaign: Campaign, place: int, at: datetime = LAUNCH, machine: str = "") -> None:
    recipient = Recipient.objects.filter(campaign=campaign).order_by("pk")[place]
    Click.objects.create(
        id=Click.objects.count() + 1, campaign=campaign, recipient=recipient, number=0, at=at,
        machine=machine,
    )  # fmt: skip


@pytest.fixture
def campaign() -> Campaign:
    """Of four recipients the first clicked twice and the last, in Poland, once; a bot for the
    second. They cost 0.12 for Viber and 0.0410005 for the SMS.
    """
    made = tracked()
    send(made, FOUR, PRICE, at=LAUNCH)
    for place in (0, 0, 3):
        click(made, place)
    click(made, 1, machine="bot")
    return made


def test_only_people_of_campaigns_with_tracked_links_are_counted(campaign: Campaign) -> None:
    opt_outs_only, untracked = tracked("Opt-outs", [OPT_OUT]), tracked("None", [])
    every = [campaign, opt_outs_only, untracked]
    assert count_clickers(every) == {campaign.pk: 2}
    assert count_clickers(every, "PL") == {campaign.pk: 1}
    assert (opt_outs_only.has_short_links, opt_outs_only.is_tracked) == (True, False)
    assert (untracked.has_short_links, untracked.is_tracked) == (False, False)


def test_a_click_never_comes_before_its_message() -> None:
    made = tracked()
    send(made, FOUR, PRICE, at=LAUNCH)
    click(made, 0, LAUNCH - timedelta(hours=2))
    [(number, first)] = clicks.load_clicks(
        list(Recipient.objects.values_list("pk", flat=True))
    ).values()
    assert (number, first) == (1, LAUNCH)
    [hour] = clicks.load_figures(made, load_progress(made).counts).hours
    assert (hour.key, hour.clicks) == (LAUNCH.replace(minute=0), 1)


def test_campaign_page_has_clicks_in_its_funnel_and_cost(
    campaign: Campaign, marketer: Client
) -> None:
    progress = load_progress(campaign)
    steps = {str(step.label): (step.number, step.query) for step in progress.funnel}
    assert steps["Clicked"] == (2, "?clicked=yes")
    [lines] = cost_tables(progress)
    assert {str(line.label): line.amount for line in lines}["Per recipient who clicked"] == (COSTS)
    page = marketer.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "?clicked=yes" in page


def test_campaign_page_says_nothing_where_nobody_knows(marketer: Client) -> None:
    made = tracked(links=[OPT_OUT])
    send(made, FOUR, PRICE, at=LAUNCH)
    progress = load_progress(made)
    assert progress.clickers is None
    assert "Clicked" not in [str(step.label) for step in progress.funnel]
    page = marketer.get(f"/campaigns/{made.pk}/").content.decode()
    assert "Per recipient who clicked" not in page


def test_comparison(campaign: Campaign, marketer: Client) -> None:
    other, none = make_campaign("Untracked", CampaignState.FINISHED), tracked("Nobody")
    for made in (other, none):
        send(made, FOUR, PRICE, "USD", at=LAUNCH)
    chosen = "&".join(f"id={each.pk}" for each in (campaign, other, none))
    answer = marketer.get(f"/campaigns/compare?{chosen}")
    line = answer.context["count_rows"][-1]
    assert str(line.label) == "Clicked"
    cells = [cell and (cell.number, cell.whole) for cell in line.cells]
    assert cells == [(2, 4), None, (0, 4)]
    assert marketer.get(line.cells[0].url).context["slice"].rows
    cost = answer.context["cost_rows"][-1]
    amounts = [[f"{exact(each.amount)} {each.currency}" for each in each] for each in cost.cells]
    assert (str(cost.label), amounts) == ("Per recipient who clicked", [["0.0805 EUR"], [], []])
    assert answer.content.decode().count("not tracked") == 1


def test_comparison_without_tracked_links_has_no_row_for_them(marketer: Client) -> None:
    ids = []
    for name in ("First", "Second"):
        made = make_campaign(name, CampaignState.FINISHED)
        send(made, FOUR)
        ids.append(f"id={made.pk}")
    assert "Clicked" not in marketer.get("/campaigns/compare?" + "&".join(ids)).content.decode()


def per_result(**filters: str) -> list[CostPerResult]:
    return load_costs_per_result(MARCH, filters)


def test_spend_divides_only_the_cost_of_tracked_campaigns(campaign: Campaign) -> None:
    """Another campaign without tracked links costs the same, and a third one dollars."""
    send(make_campaign("Untracked", CampaignState.FINISHED, launched_at=LAUNCH), FOUR, PRICE)
    dollars = tracked("Dollars", tariff=1)
    send(dollars, FOUR, Decimal("0.10"), "USD", at=LAUNCH)
    click(dollars, 2)
    euros, of_dollars = per_result()
    assert (euros.clickers, euros.per_clicker) == (2, Decimal("0.0805"))
    assert (of_dollars.clickers, of_dollars.per_clicker) == (1, Decimal("0.3410"))
    [line] = [line for line in euros.unit_lines if "clicked" in str(line.label)]
    assert (line.label, line.value) == (
        "Cost per recipient who clicked (2), of campaigns with tracked links",
        money_in_table(Decimal("0.0805"), "EUR"),
    )  # fmt: skip


def test_spend_by_country_takes_the_clicks_of_the_country(campaign: Campaign) -> None:
    [poland] = per_result(country="PL")
    assert (poland.clickers, poland.per_clicker) == (1, Decimal("0.0410"))
    [ukraine] = per_result(country="UA")
    assert (ukraine.clickers, ukraine.per_clicker) == (1, Decimal("0.1200"))


def test_spend_without_tracked_links_names_no_clicks() -> None:
    send(make_campaign("Untracked", CampaignState.FINISHED, launched_at=LAUNCH), FOUR)
    [result] = per_result()
    assert result.tracked_bill is None
    assert not [line for line in result.unit_lines if "clicked" in str(line.label)]


def test_best_times_have_the_click_rate_of_tracked_campaigns(marketer: Client) -> None:
    hour = start_of_hour(timezone.now() - timedelta(days=7))
    sent_at = hour + timedelta(minutes=20)
    made, other = tracked(), make_campaign("Untracked", CampaignState.FINISHED)
    people = {("UA", "read"): 300, ("UA", "delivered"): 100, ("UA", "sms_delivered"): 1}
    for each in (made, other):
        send(each, people, at=sent_at)
        HourCount.objects.bulk_create(
            HourCount(campaign=each, measure=measure, hour=hour, people=messages)
            for measure, messages in (
                (Measure.SENT, 401), (Measure.SENT_DELIVERED, 400), (Measure.SENT_READ, 300),
            )
        )  # fmt: skip
    for place in (*range(40), 0, 400):  # one twice, and one by the SMS
        click(made, place, sent_at + timedelta(hours=5))
    click(made, 50, sent_at + timedelta(hours=5), machine="bot")
    with timezone.override("Asia/Kolkata"):
        times = load_best_times(real_campaigns(), timezone.now())
    [slot] = [slot for slot in times.hours if slot.sent]
    assert (slot.delivered, slot.tracked, slot.clicked) == (800, 400, 40)
    assert slot.click_rate_text == "10.0% ± 2.9"
    assert (times.overall.tracked, times.overall.clicked) == (400, 40)
    assert "10.0% ± 2.9" in marketer.get("/campaigns/best-times").content.decode()


def test_best_times_without_tracked_links_have_no_column_for_them(marketer: Client) -> None:
    made = make_campaign("Untracked", CampaignState.FINISHED)
    HourCount.objects.create(
        campaign=made, measure=Measure.SENT, hour=timezone.now() - timedelta(days=7), people=9
    )
    assert "Clicked" not in marketer.get("/campaigns/best-times").content.decode()
