"""Campaigns side by side."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from campaigns.compose.models import CampaignState
from campaigns.reports.campaigns.comparison import chosen_campaigns
from campaigns.shared.money import exact
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db


def test_chosen_campaigns_keep_the_order_and_leave_nonsense_out() -> None:
    assert chosen_campaigns(["3", "1", "3", "x", "-2", "²", "9" * 30, "7"]) == [3, 1, 7]
    assert len(chosen_campaigns([str(number) for number in range(99)])) == 6


def test_compare_shows_the_same_figures_of_each(marketer: Client) -> None:
    first, second = (make_campaign(name, CampaignState.FINISHED) for name in ("First", "Second"))
    send(first, {("UA", "read"): 30, ("UA", "delivered"): 10, ("UA", "refused"): 10})
    send(second, {("UA", "sms_delivered"): 4}, currency="USD")
    answer = marketer.get(f"/campaigns/compare?id={second.pk}&id={first.pk}")
    assert [row.campaign.name for row in answer.context["rows"]] == ["Second", "First"]
    people = {
        str(line.label): [figure.number for figure in line.cells]
        for line in answer.context["count_rows"]
    }
    assert people == {
        "Audience": [4, 50], "Accepted": [4, 40], "Delivered": [0, 40], "Read": [0, 30],
        "By SMS": [4, 0], "Not delivered": [0, 0], "Refused": [0, 10], "Unresolved": [0, 0],
    }  # fmt: skip
    for line in answer.context["count_rows"]:
        for figure in filter(lambda figure: figure.url, line.cells):
            assert marketer.get(figure.url).context["total"] == figure.number
    money = {
        str(line.label): [
            [f"{exact(cost.amount)} {cost.currency}" for cost in costs] for costs in line.cells
        ]
        for line in answer.context["cost_rows"]
    }
    assert money == {
        "Viber": [["0.00 USD"], ["0.938268 EUR"]],
        "SMS": [["0.164002 USD"], ["0.00 EUR"]],
        "Total": [["0.164002 USD"], ["0.938268 EUR"]],
        "Per delivered, by Viber or SMS": [["0.041 USD"], ["0.0235 EUR"]],
        "Per read": [[], ["0.0313 EUR"]],
    }


@pytest.mark.parametrize("query", ["", "?id=999999", "?id=x"])
def test_compare_of_nothing_says_how(marketer: Client, query: str) -> None:
    assert (
        "Select two to 6 campaigns" in marketer.get(f"/campaigns/compare{query}").content.decode()
    )


def test_compare_costs_the_same_with_two_and_with_four(
    marketer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        send(
            make_campaign(f"No. {number}", CampaignState.FINISHED, sender=f"Sender {number}"),
            {("UA", "read"): 2},
        )
    ids = [row.campaign.pk for row in marketer.get("/campaigns/").context["rows"]]
    for chosen in (ids[:2], ids):
        with django_assert_num_queries(6):
            marketer.get("/campaigns/compare?" + "&".join(f"id={pk}" for pk in chosen))
