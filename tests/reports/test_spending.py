"""What was spent in a period, by every grouping."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState, Label
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend.chart import build_chart
from campaigns.reports.spend.spending import (
    GROUPINGS,
    Spending,
    describe_filter,
    load_spending,
    read_filters,
    time_buckets,
)
from tests.reports.factories import make_campaign, make_user, send

pytestmark = pytest.mark.django_db
UTC = ZoneInfo("UTC")
MONTH = Period("custom", date(2026, 3, 1), date(2026, 3, 31))
CENTS = Decimal("0.10")


def at(day: int, month: int = 3) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


@pytest.fixture
def spring() -> Campaign:
    made = make_campaign("Spring", CampaignState.FINISHED, launched_by=make_user("olena"), tariff=2)
    send(made, {("UA", "read"): 3, ("PL", "sms"): 1}, CENTS, at=at(2))
    send(made, {("UA", "read"): 1}, CENTS, at=at(16))
    return made


@pytest.fixture
def other(spring: Campaign) -> Campaign:
    made = make_campaign("Other", CampaignState.FINISHED, sender="KyivMobile")
    send(made, {("UA", "read"): 10}, CENTS, "USD", at=at(16))
    send(made, {("UA", "unpriced"): 2}, at=at(17))
    send(made, {("UA", "read"): 1}, CENTS, at=at(1, month=4))  # outside the period
    return made


def spend_by(key: str, **filters: str) -> Spending:
    return load_spending(MONTH, GROUPINGS[key], filters)


def table(spending: Spending) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (group.name, [(c.currency, str(c.total)) for c in group.bill.costs])
        for group in spending.groups
    ]


EUR_SMS = "0.0410005"


def test_by_day_newest_first(other: Campaign) -> None:
    assert table(spend_by("day")) == [
        ("17 Mar 2026", []),
        ("16 Mar 2026", [("EUR", "0.1000000"), ("USD", "1.0000000")]),
        ("2 Mar 2026", [("EUR", "0.3410005")]),
    ]


def test_by_week_and_month(other: Campaign) -> None:
    assert [group.name for group in spend_by("week").groups] == [
        "16 Mar 2026 – 22 Mar 2026",
        "2 Mar 2026 – 8 Mar 2026",
    ]
    assert table(spend_by("month")) == [
        ("March 2026", [("EUR", "0.4410005"), ("USD", "1.0000000")])
    ]


def test_by_campaign_the_dearest_first_in_each_currency(other: Campaign) -> None:
    assert table(spend_by("campaign")) == [
        ("Spring", [("EUR", "0.4410005")]),
        ("Other", [("USD", "1.0000000")]),
    ]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("country", ["Ukraine", "Poland"]),
        ("sender", ["ViberShop", "KyivMobile"]),
        ("user", ["olena", "No user"]),
        ("tariff", ["Tariff 2", "Tariff 0"]),
        ("channel", ["Viber", "SMS"]),
    ],
)
def test_spending_by_other_groups(other: Campaign, key: str, names: list[str]) -> None:
    assert [group.name for group in spend_by(key).groups] == names


@pytest.mark.parametrize("key", GROUPINGS)
def test_every_grouping_adds_up_to_the_same_in_few_queries(other: Campaign, key: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        spending = spend_by(key)
    assert len(queries) == 1 + GROUPINGS[key].overlaps
    assert {cost.currency: cost.total for cost in spending.total.costs} == {
        "EUR": Decimal("0.4410005"),
        "USD": Decimal(1),
    }
    assert (spending.total.entries, spending.total.not_yet_known) == (19, 2)
    assert sum(group.bill.entries for group in spending.groups) == 19


def test_fees_belong_to_no_campaign(spring: Campaign) -> None:
    write_entries([Movement(Kind.FEE, Channel.FEE, None, "", "EUR", [(None, Decimal(25))])], at(5))
    groups = {group.name: group for group in spend_by("campaign").groups}
    assert groups["No campaign"].bill.costs[0].fee == Decimal(25)
    assert (
        groups["No campaign"].url == "/spend/entries/?campaign=none&from=2026-03-01&to=2026-03-31"
    )


def test_group_opens_its_rows(spring: Campaign, other: Campaign) -> None:
    assert spend_by("day").groups[-1].url == "/spend/?from=2026-03-02&to=2026-03-02&group=campaign"
    assert spend_by("week").groups[0].url == "/spend/?from=2026-03-16&to=2026-03-22&group=day"
    assert spend_by("month").groups[0].url == "/spend/?from=2026-03-01&to=2026-03-31&group=day"
    entries = f"/spend/entries/?campaign={spring.pk}&from=2026-03-01&to=2026-03-31"
    assert spend_by("campaign").groups[0].url == entries
    assert (
        spend_by("country").groups[0].url
        == "/spend/?country=UA&from=2026-03-01&to=2026-03-31&group=campaign"
    )
    inside = spend_by("country", campaign=str(spring.pk)).groups[1].url
    assert (
        inside == f"/spend/entries/?campaign={spring.pk}&country=PL&from=2026-03-01&to=2026-03-31"
    )


def test_a_week_is_cut_at_the_ends_of_the_period(spring: Campaign) -> None:
    period = Period("custom", date(2026, 3, 3), date(2026, 3, 17))
    assert (
        load_spending(period, GROUPINGS["week"], {}).groups[0].url
        == "/spend/?from=2026-03-16&to=2026-03-17&group=day"
    )


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({"country": "PL"}, EUR_SMS),
        ({"channel": "sms"}, EUR_SMS),
        ({"tariff": "2"}, "0.4410005"),
        ({"user": "none"}, None),
    ],
)
def test_filters(spring: Campaign, filters: dict[str, str], total: str | None) -> None:
    costs = spend_by("day", **filters).total.costs
    assert (str(costs[0].total) if costs else None) == total


def test_read_filters_takes_only_what_filters() -> None:
    query = {"campaign": "7", "country": "none", "sender": "", "page": "2"}
    assert read_filters(query) == {"campaign": "7", "country": "none"}


@pytest.mark.parametrize(
    "query",
    [
        {"sender": "x'; DROP"},
        {"user": "9" * 30},
        {"tariff": "²"},
        {"country": "\0"},
        {"country": "UAH"},
        {"channel": "a\0b"},
        {"channel": "post"},
    ],
)
def test_filter_that_cannot_be_read_selects_nothing(
    spring: Campaign, query: dict[str, str]
) -> None:
    assert spend_by("day", **read_filters(query)).groups == []
    assert [describe_filter(*item) for item in read_filters(query).items()]


def test_filter_labels(spring: Campaign) -> None:
    assert describe_filter("campaign", str(spring.pk)) == "Campaign: Spring"
    assert describe_filter("country", "PL") == "Country: Poland"
    assert describe_filter("sender", "none") == "Sender: none"
    assert describe_filter("campaign", "999999") == "Campaign: 999999"


def test_buckets_leave_no_day_out() -> None:
    period = Period("custom", date(2026, 2, 26), date(2026, 3, 10))
    assert len(time_buckets(Spending(period, GROUPINGS["day"]))) == 13
    assert time_buckets(Spending(period, GROUPINGS["week"])) == [
        date(2026, 2, 23),
        date(2026, 3, 2),
        date(2026, 3, 9),
    ]
    assert time_buckets(Spending(period, GROUPINGS["month"])) == [
        date(2026, 2, 1),
        date(2026, 3, 1),
    ]


def test_chart_draws_each_currency_with_all_days(other: Campaign) -> None:
    drawn = build_chart(spend_by("day"))
    assert drawn["time"] is True
    euro, dollar = drawn["currencies"]
    assert (len(euro["labels"]), euro["labels"][1]) == (31, "2 Mar")
    assert [one["key"] for one in euro["series"]] == ["viber", "sms"]
    assert euro["series"][0]["values"][1] == "0.3000000"
    assert [one["key"] for one in dollar["series"]] == ["viber"]
    assert euro["links"][1] == "/spend/?from=2026-03-02&to=2026-03-02&group=campaign"
    assert euro["links"][2] == ""


def test_chart_of_things_draws_the_dearest_of_each_currency(other: Campaign) -> None:
    drawn = build_chart(spend_by("campaign"))
    assert drawn["time"] is False
    assert [(one["currency"], one["labels"]) for one in drawn["currencies"]] == [
        ("EUR", ["Spring"]),
        ("USD", ["Other"]),
    ]


def test_days_are_fixed_when_entered(spring: Campaign) -> None:
    with timezone.override("Pacific/Auckland"):
        assert [group.name for group in spend_by("day").groups] == ["16 Mar 2026", "2 Mar 2026"]


def test_by_label_a_campaign_counts_in_each_of_its_own(spring: Campaign, other: Campaign) -> None:
    for name in ("Sale", "Food"):
        spring.labels.add(Label.objects.create(name=name))
    spending = spend_by("label")
    assert table(spending) == [
        ("Food", [("EUR", "0.4410005")]), ("Sale", [("EUR", "0.4410005")]),
        ("No label", [("USD", "1.0000000")])
    ]  # fmt: skip
    assert {cost.currency: cost.total for cost in spending.total.costs} == {
        "EUR": Decimal("0.4410005"),
        "USD": 1,
    }
    assert (
        spending.groups[-1].url == "/spend/?label=none&from=2026-03-01&to=2026-03-31&group=campaign"
    )
