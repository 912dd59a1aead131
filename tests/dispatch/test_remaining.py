"""What remains of a budget, by totals and holds that are set by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from pytest_django import Settings

from campaigns.compose.launch import pause_reasons
from campaigns.compose.message.render import RenderedMessage
from campaigns.compose.models import Campaign, CampaignState, PriceList
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.budgets.reservations import CostCalculator, MaximumCost
from campaigns.dispatch.models import SEVERAL_CURRENCIES, Batch, Recipient, Snapshot
from campaigns.gateway.bsg import json_values
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import SHARDS, Channel, Kind, LedgerTotal, Purpose
from campaigns.results.hourly_counts import BY_VIBER
from campaigns.shared.days import site_month
from tests.dispatch.test_budget_currencies import prices
from tests.reports.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
D = Decimal
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
TODAY = NOON.date()


@pytest.fixture(autouse=True)
def _noon() -> object:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def campaign() -> Campaign:
    """A campaign of olena with a budget of 100 EUR."""
    user = make_user()
    campaign = make_campaign(
        state=CampaignState.SENDING, budget=D(100), budget_currency="EUR", launched_by=user
    )
    Snapshot.objects.create(campaign=campaign)
    UserBudget.objects.create(user=user, currency="EUR", amount=D(100))
    MonthlyBudget.objects.create(currency="EUR", amount=D(100))
    return campaign


def total(
    campaign: Campaign,
    amount: str,
    channel: Channel = Channel.VIBER,
    kind: Kind = Kind.CHARGE,
    currency: str = "EUR",
    day: date = TODAY,
    purpose: Purpose = Purpose.CAMPAIGN,
) -> None:
    LedgerTotal.objects.create(
        campaign=campaign, amount=D(amount), channel=channel, kind=kind, currency=currency, day=day,
        purpose=purpose, entries=1, shard=LedgerTotal.objects.count() % SHARDS,
    )  # fmt: skip


def hold(campaign: Campaign, amount: str, currency: str = "EUR") -> None:
    Batch.objects.create(
        campaign=campaign, number=Batch.objects.count() + 1, size=50, held=D(amount),
        held_currency=currency,
    )  # fmt: skip


def of_campaign(campaign: Campaign) -> Decimal:
    with transaction.atomic():
        return reservations._remaining_of_campaign(campaign.pk, "EUR")


def of_user(campaign: Campaign) -> Decimal:
    return reservations.remaining_of_user(UserBudget.objects.get(user=campaign.launched_by))


def of_month(_campaign: Campaign) -> Decimal:
    return reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR"))


Remaining = Callable[[Campaign], Decimal]
EACH = pytest.mark.parametrize("remaining", [of_campaign, of_user, of_month])


@EACH
def test_everything_spent_and_reserved_in_the_currency_counts(
    campaign: Campaign, remaining: Remaining
) -> None:
    assert remaining(campaign) == D(100)
    total(campaign, "10")
    assert remaining(campaign) == D(90)
    total(campaign, "20.0000001", Channel.SMS)  # fails where SMS are left out
    assert remaining(campaign) == D("69.9999999")
    total(campaign, "-4", kind=Kind.ADJUSTMENT)
    total(campaign, "1", Channel.SMS, Kind.ADJUSTMENT)
    assert remaining(campaign) == D("72.9999999")
    hold(campaign, "30")
    hold(campaign, "12.9999999")
    assert remaining(campaign) == D(30)
    for other in ("AUD", "USD"):  # one that comes before EUR, and one after it
        total(campaign, "50", currency=other)
        total(campaign, "50", Channel.SMS, currency=other)
        hold(campaign, "50", other)
    assert remaining(campaign) == D(30)
    total(campaign, "40")
    assert remaining(campaign) == D(-10)


@EACH
def test_only_a_month_begins_anew(campaign: Campaign, remaining: Remaining) -> None:
    total(campaign, "10", day=date(2026, 2, 28))
    total(campaign, "20", Channel.SMS, day=date(2026, 3, 1))
    assert remaining(campaign) == (D(70) if remaining is of_campaign else D(80))


@EACH
def test_what_is_reserved_counts_in_every_month(campaign: Campaign, remaining: Remaining) -> None:
    hold(campaign, "10")
    with time_machine.travel(datetime(2026, 4, 2, tzinfo=UTC)):
        assert remaining(campaign) == D(90)


@EACH
def test_rehearsals_cost_nothing(campaign: Campaign, remaining: Remaining) -> None:
    other = make_campaign("Rehearsal", purpose=Purpose.REHEARSAL, launched_by=campaign.launched_by)
    total(other, "30", purpose=Purpose.REHEARSAL)
    assert remaining(campaign) == D(100)


@EACH
def test_another_campaign_counts_for_its_user_and_the_month(
    campaign: Campaign, remaining: Remaining
) -> None:
    other = make_campaign("Of nobody")
    own = make_campaign("Of olena", launched_by=campaign.launched_by)
    total(other, "5")
    total(own, "10", Channel.SMS)
    expected = {of_campaign: D(100), of_user: D(90), of_month: D(85)}
    assert remaining(campaign) == expected[remaining]
    hold(other, "2")
    hold(own, "1")
    expected = {of_campaign: D(100), of_user: D(89), of_month: D(82)}
    assert remaining(campaign) == expected[remaining]


@pytest.mark.parametrize(
    ("zone", "at", "month"),
    [
        ("Europe/Kyiv", datetime(2026, 1, 31, 21, 59, 59, tzinfo=UTC), date(2026, 1, 1)),
        ("Europe/Kyiv", datetime(2026, 1, 31, 22, 0, 0, tzinfo=UTC), date(2026, 2, 1)),
        ("America/New_York", datetime(2026, 2, 1, 4, 59, 59, tzinfo=UTC), date(2026, 1, 1)),
        ("America/New_York", datetime(2026, 2, 1, 5, 0, 0, tzinfo=UTC), date(2026, 2, 1)),
        ("UTC", datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC), date(2028, 2, 1)),
    ],
)
@pytest.mark.parametrize("remaining", [of_user, of_month])
def test_month_ends_at_midnight_of_the_site(
    campaign: Campaign,
    settings: Settings,
    remaining: Remaining,
    zone: str,
    at: datetime,
    month: date,
) -> None:
    settings.SITE_ZONE = ZoneInfo(zone)
    amounts = [(1, D(7))]
    charge = Movement(Kind.CHARGE, Channel.SMS, campaign.pk, "UA", "EUR", amounts)
    write_entries([charge], at)
    assert LedgerTotal.objects.get().day.replace(day=1) == month
    with time_machine.travel(at, tick=False):
        assert site_month() == month
        assert remaining(campaign) == D(93)
    with time_machine.travel(datetime(month.year, month.month + 1, 2, tzinfo=UTC), tick=False):
        assert remaining(campaign) == D(100)


def test_spending_of_a_campaign_is_that_of_all_channels_in_each_currency(
    campaign: Campaign,
) -> None:
    total(campaign, "10")
    total(campaign, "2.5", Channel.SMS)
    total(campaign, "-1", Channel.SMS, Kind.ADJUSTMENT, day=date(2026, 1, 1))
    total(campaign, "7", Channel.SMS, currency="USD")
    total(campaign, "0", currency="")
    hold(campaign, "3")
    hold(campaign, "4")
    hold(campaign, "5", "PLN")
    other = make_campaign("Another")
    total(other, "100", Channel.SMS)
    hold(other, "100")
    Batch.objects.create(campaign=campaign, number=99, size=1, held_currency="SEK")
    assert reservations.spending_by_currency(campaign.pk) == {
        "EUR": (D("11.5"), D(7)),
        "PLN": (D(0), D(5)),
        "USD": (D(7), D(0)),
    }


def cost(campaign: Campaign, amount: str | None, currency: str = "EUR") -> MaximumCost:
    user_id = campaign.launched_by_id
    return MaximumCost(campaign.pk, None if amount is None else D(amount), currency, user_id)


def affordable(*costs: MaximumCost | None) -> tuple[int, str]:
    """How many of `costs` fit, and the reason why the next one does not."""
    with transaction.atomic():
        count, pauses = reservations.count_affordable(costs)
    return count, "".join(pause.reason for pause in pauses)


def test_costs_fit_until_one_budget_is_used_up(campaign: Campaign) -> None:
    total(campaign, "50", Channel.SMS)
    hold(campaign, "20")
    assert affordable(cost(campaign, "10"), None, cost(campaign, "20")) == (3, "")
    assert affordable(cost(campaign, "10"), cost(campaign, "20.0000001")) == (1, "budget")
    campaign.refresh_from_db()
    assert (campaign.awaited_amount, campaign.awaited_currency) == (D("20.0000001"), "EUR")
    UserBudget.objects.update(amount=D(90))
    assert affordable(cost(campaign, "10"), cost(campaign, "20")) == (1, "user_budget")
    MonthlyBudget.objects.update(amount=D(75))
    assert affordable(cost(campaign, "10")) == (0, "month_budget")


def test_costs_in_another_currency_or_without_a_price_never_fit(campaign: Campaign) -> None:
    assert affordable(cost(campaign, "1", "USD")) == (0, "budget_currency")
    assert affordable(cost(campaign, None)) == (0, "price_unknown")
    Campaign.objects.update(budget=None)
    assert affordable(cost(campaign, "1000", "USD")) == (1, "")
    assert affordable(cost(campaign, "100.01")) == (0, "user_budget")


def test_worst_case_is_viber_and_all_parts_of_the_longest_sms(campaign: Campaign) -> None:
    prices("viber", UA="EUR")
    prices("sms", UA="EUR")
    Campaign.objects.update(sms_text="Hello", sms_sender="Shop")
    campaign.refresh_from_db()
    calculator = CostCalculator(campaign)
    short, long = (RenderedMessage("Hello", "", text) for text in ("Hello", "x" * 161))
    maximum = calculator.maximum(1, "UA", [short, long], 3)
    assert (maximum.worst_case, maximum.amount, maximum.currency) == (D("0.60"), D("1.80"), "EUR")
    assert calculator.maximum(1, "PL", [short], 3).amount is None


def test_maximum_cost_says_of_what_it_is(campaign: Campaign) -> None:
    prices("viber", UA="EUR", PL="EUR")
    prices("sms", UA="EUR", PL="USD")
    message, user_id = RenderedMessage("Hello", "", "Hello"), campaign.launched_by_id
    Batch.objects.create(
        campaign=campaign, number=1, size=10, worst_case=D("0.7"), held_currency="EUR"
    )
    pk = Batch.objects.get().pk
    first = CostCalculator(campaign).maximum(pk, "UA", [message], 3, 7)  # not sent before
    assert first == MaximumCost(campaign.pk, D("0.60"), "EUR", user_id, D("0.20"), was_sent=False)
    again = CostCalculator(campaign).maximum(pk, "UA", [message], 3, was_sent=True)
    assert again == MaximumCost(campaign.pk, D("2.10"), "EUR", user_id, D("0.7"), was_sent=True)
    unknown = MaximumCost(campaign.pk, None, "")
    assert CostCalculator(campaign).maximum(pk, "RO", [message], 3) == unknown
    campaign.sms_text = "Hello"
    with_sms = CostCalculator(campaign)
    assert with_sms.maximum(pk, "UA", [message], 3).worst_case == D("0.40")
    assert with_sms.maximum(pk, "UA", [], 0).worst_case == D("0.20")  # nobody is left in it
    for country in ("PL", "RO"):  # an SMS in another currency, and no price at all
        assert with_sms.maximum(pk, country, [message], 3) == unknown
    PriceList.objects.filter(channel="sms").update(rows=[])
    assert CostCalculator(campaign).maximum(pk, "UA", [message], 3) == unknown


def test_budget_of_another_campaign_in_another_currency_changes_nothing(
    campaign: Campaign,
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(budget_currency="USD")
    later = make_campaign("Later", budget=D(5), launched_by=campaign.launched_by)
    Snapshot.objects.create(campaign=later)
    assert affordable(cost(later, "1")) == (1, "")  # and the first batch decides
    currencies = Campaign.objects.order_by("pk").values_list("budget_currency", flat=True)
    assert list(currencies) == ["USD", "EUR"]
    assert affordable(cost(later, "1", "USD")) == (0, "budget_currency")


@pytest.mark.parametrize(
    ("before", "currency", "amount"),
    [
        ("0.20", "EUR", "0.60"),  # the others hold it already
        ("0.10", "EUR", "1.30"),  # 0.10 more for each of the 7 others
        (None, "", "2.00"),  # they were sent without a budget
        ("0.20", "USD", "2.00"),
        ("0.30", "EUR", "0.90"),  # a price that fell since counts as it was
    ],
)
def test_batch_sent_before_costs_what_comes_on_top(
    campaign: Campaign, before: str | None, currency: str, amount: str
) -> None:
    prices("viber", UA="EUR")
    Batch.objects.create(
        campaign=campaign, number=0, size=10, worst_case=D("0.7"), held_currency="EUR"
    )
    batch = Batch.objects.create(
        campaign=campaign, number=1, size=10, worst_case=None if before is None else D(before),
        held_currency=currency,
    )  # fmt: skip
    message = RenderedMessage("Hello", "", "")
    maximum = CostCalculator(campaign).maximum(batch.pk, "UA", [message], 3, 7, was_sent=True)
    assert maximum.amount == D(amount)


def test_what_budgets_rely_on() -> None:
    # holds: Viber reached whoever is in one of these states, so no SMS will follow
    assert set(BY_VIBER) == {"delivered", "read"}
    # no gateway can name it as a currency, and the column has room for it
    assert json_values.currency(SEVERAL_CURRENCIES) == ""
    assert len(SEVERAL_CURRENCIES) <= (Recipient._meta.get_field("sms_currency").max_length or 0)
    # each reason to pause has its words
    for reason in (
        *reservations.BUDGET_REASONS, reservations.PRICE_UNKNOWN, reservations.OTHER_CURRENCY
    ):  # fmt: skip
        assert pause_reasons.pause_reason(reason).sentence
    assert not {reservations.PRICE_UNKNOWN, reservations.OTHER_CURRENCY, "by_person"} & set(
        reservations.BUDGET_REASONS
    )
