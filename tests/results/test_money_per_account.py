"""Money, budgets, balances, prices and reconciliation are those of the account in use."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import Campaign, PriceList
from campaigns.compose.pricing import price_list
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import BalanceReading, Channel, LedgerEntry, LedgerTotal
from campaigns.reports.shared.bills import load_bills, totals_for
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend import entries
from campaigns.reports.spend.reconciliation import load_reconciliation
from campaigns.results.money import corrections, gateway_comparison
from campaigns.results.money.rebuilding import differences, rebuild
from campaigns.team import accounts
from campaigns.team.models import User
from tests.dispatch import factory
from tests.sandbox_fixture import KEY, RunningSandbox, strict_sandbox

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
Spent = dict[str, Decimal]


@pytest.fixture
def other() -> Iterator[RunningSandbox]:
    with strict_sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def first_account(settings: Settings, sandbox: RunningSandbox) -> None:
    use(settings, sandbox)
    accounts.cache_state(accounts.load())


def use(settings: Settings, sandbox: RunningSandbox) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    accounts.cache_state(accounts.load())


def spent() -> Spent:
    """What the Spend page would show, by currency."""
    [bill] = load_bills(totals_for()).values() or [None]
    return {cost.currency: cost.total for cost in bill.costs} if bill else {}


def billed(sandbox: RunningSandbox) -> Spent:
    sums = sandbox.bill()["spend"]
    return {currency: Decimal(parts["total"]) for currency, parts in sums.items()}


def send(sandbox: RunningSandbox, people: int, start: int = 0) -> None:
    contacts = factory.contact_list(f"List {start}", people, start)
    factory.launched_to(contacts, launched_by=None)
    BatchSender(sandbox.client(), 4, timezone.now() + MINUTE).run()


def test_spend_is_that_of_the_account_in_use(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    send(sandbox, 60)
    assert spent() == billed(sandbox)
    use(settings, other)
    accounts.confirm_another(None)
    assert spent() == {}
    send(other, 30, start=60)
    assert spent() == billed(other)
    use(settings, sandbox)
    assert spent() == billed(sandbox)
    assert differences() == []


def test_budgets_count_the_account_in_use(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    olena = User.objects.create_user("olena")
    MonthlyBudget.objects.create(currency="EUR", amount=1000)
    budget = UserBudget.objects.create(user=olena, currency="EUR", amount=1000)
    send(sandbox, 60)
    Campaign.objects.update(launched_by=olena)
    rest = 1000 - billed(sandbox)["EUR"]
    assert rest < 1000
    assert reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR")) == rest
    assert reservations.remaining_of_user(budget) == rest
    use(settings, other)
    accounts.confirm_another(None)
    assert reservations.remaining_of_month(MonthlyBudget.objects.get(currency="EUR")) == 1000
    assert reservations.remaining_of_user(budget) == 1000


def test_what_has_no_campaign_belongs_to_the_account_in_use(
    settings: Settings, other: RunningSandbox, sandbox: RunningSandbox
) -> None:
    actor = User.objects.create_user("boss")
    correct = (actor, Channel.VIBER, None)
    corrections.enter_correction(*correct, Decimal(3), "EUR", "first")
    use(settings, other)
    second = accounts.confirm_another(None)
    corrections.enter_correction(*correct, Decimal(5), "EUR", "second")
    corrections.enter_correction(*correct, Decimal(1), "EUR", "third")
    assert list(LedgerEntry.objects.order_by("pk").values_list("account", flat=True)) == [
        None, second.pk, second.pk,
    ]  # fmt: skip
    for _again in range(2):
        assert (spent(), differences()) == ({"EUR": Decimal(6)}, [])
        assert [entry.note for entry in corrections.manual_entries()] == ["third", "second"]
        use(settings, sandbox)
        assert spent() == {"EUR": Decimal(3)}
        use(settings, other)
        LedgerTotal.objects.filter(account=second).update(amount=1)
        assert len(rebuild()) == 1


def test_entries_are_those_of_the_account_in_use(settings: Settings, other: RunningSandbox) -> None:
    actor = User.objects.create_user("boss")
    corrections.enter_correction(actor, Channel.VIBER, None, Decimal(3), "EUR", "first")
    today = timezone.localdate(timezone=settings.SITE_ZONE)
    period = Period("", today, today)
    assert entries.load_entries(period, {}, "campaign").count() == 1
    use(settings, other)
    accounts.confirm_another(None)
    assert entries.load_entries(period, {}, "campaign").count() == 0


def test_balance_is_compared_with_the_ledger_of_its_account(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    send(sandbox, 60)
    now = timezone.now()
    for hours, balance_of in ((3, sandbox), (2, sandbox), (1, other), (0, other)):
        use(settings, balance_of)
        if accounts.load().is_new_key:
            accounts.confirm_another(None)
        at = now - timedelta(hours=hours)
        assert gateway_comparison.read_balance(balance_of.client(), at)
    readings = BalanceReading.objects.order_by("hour")
    first, second = accounts.load().known
    assert [(one.account, one.entered) for one in readings] == [
        (first, billed(sandbox)["EUR"]), (first, billed(sandbox)["EUR"]),
        (second, Decimal(0)), (second, Decimal(0)),
    ]  # fmt: skip
    [hour] = load_reconciliation(now).hours
    assert hour.after.account == second


def test_prices_are_those_of_the_account_in_use(
    settings: Settings, sandbox: RunningSandbox, other: RunningSandbox
) -> None:
    first = price_list.load_prices(price_list.VIBER, 0).list
    use(settings, other)
    assert price_list.load_prices(price_list.VIBER, 0, refresh=True).failure
    assert other.requests() == []  # it may be anybody's key
    account = accounts.confirm_another(None)
    assert price_list.stored_prices(price_list.VIBER, 0).list is None
    second = price_list.load_prices(price_list.VIBER, 0).list
    assert second is not None
    assert second.account == account
    assert set(PriceList.objects.all()) == {first, second}
    assert [call["path"] for call in other.requests()] == ["/viber/prices/0"]
    use(settings, sandbox)
    assert price_list.load_prices(price_list.VIBER, 0).list == first
