"""The gateway's prices and the estimated cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import PriceList
from campaigns.compose.pricing import price_list
from campaigns.compose.pricing.estimate import CostRange, CountryCost, estimate_cost
from campaigns.compose.pricing.price_list import SMS, VIBER, UnitPrice
from campaigns.gateway.errors import GatewayUnreachable
from tests.compose.factories import Person, contact_list, draft, ukrainians
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
EUR = "EUR"


@pytest.fixture(autouse=True)
def gateway_is_down(settings: Settings) -> None:
    cache.clear()
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"


def row(country: str, price: str, mnc: str = "0", currency: str = EUR) -> dict[str, str]:
    return {
        "country": country,
        "country_name": country,
        "mcc": "",
        "mnc": mnc,
        "price": price,
        "currency": currency,
    }


def store(
    channel: str, *rows: dict[str, str], age: timedelta = timedelta(0), tariff: int = 0
) -> PriceList:
    at = timezone.now() - age
    return PriceList.objects.create(channel=channel, tariff=tariff, rows=list(rows), fetched_at=at)


def test_the_highest_price_of_a_country_counts() -> None:
    store(
        VIBER,
        row("UA", "0.0230000"),
        row("UA", "0.0300000", mnc="3"),
        row("UA", "0.0100000", mnc="1"),
    )
    assert price_list.load_prices(VIBER, 0).of("UA") == UnitPrice(Decimal("0.0300000"), EUR)


def test_a_country_without_a_row_has_the_price_of_other_countries() -> None:
    store(VIBER, row("UA", "0.02"), row("", "0.09"))
    assert price_list.load_prices(VIBER, 0).of("NZ") == UnitPrice(Decimal("0.09"), EUR)
    assert price_list.load_prices(VIBER, 0).of("") == UnitPrice(Decimal("0.09"), EUR)


def test_without_other_countries_the_price_is_unknown() -> None:
    store(VIBER, row("UA", "0.02"))
    assert price_list.load_prices(VIBER, 0).of("NZ") is None


def test_fresh_prices_are_not_fetched_again(settings: Settings) -> None:
    stored = store(VIBER, row("UA", "0.02"), age=timedelta(hours=23))
    result = price_list.load_prices(VIBER, 0)
    assert (result.list, result.failure) == (stored, "")


def test_old_prices_are_used_when_the_gateway_is_down() -> None:
    store(VIBER, row("UA", "0.02"), age=timedelta(days=2))
    result = price_list.load_prices(VIBER, 0)
    assert result.of("UA") == UnitPrice(Decimal("0.02"), EUR)
    assert result.failure == "The gateway did not return its prices."


def test_a_failure_is_shown_and_the_gateway_is_not_asked_at_once(
    sandbox: RunningSandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise GatewayUnreachable("timeout")

    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    with monkeypatch.context() as without_answer:
        without_answer.setattr(price_list, "_fetch", fail)
        assert price_list.load_prices(VIBER, 0).failure
    assert price_list.load_prices(VIBER, 0).failure, "asked again at once"
    assert not price_list.load_prices(VIBER, 0, refresh=True).failure


def test_prices_are_stored_to_the_last_digit(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    gateway_prices = {
        price.country: price for price in sandbox.client().prices("sms", 0) if price.mnc == "0"
    }
    result = price_list.load_prices(SMS, 0).of("PL")
    assert result is not None
    assert result.amount >= gateway_prices["PL"].price
    assert PriceList.objects.get().channel == "sms"
    assert price_list.load_prices(SMS, 0).list == PriceList.objects.get()


def test_a_tariff_without_prices_is_named(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    assert price_list.load_prices(VIBER, 9).failure == "The gateway has no prices for tariff 9."


# --- the estimate


def contacts() -> list[Person]:
    return [*ukrainians(3), ("40712345678", "RO", {}), ("64211234567", "NZ", {})]


def test_estimate_by_viber_alone() -> None:
    store(VIBER, row("UA", "0.02"), row("RO", "0.05"))
    result = estimate_cost(draft(contact_list("A", contacts())))
    assert result.lines[0] == CountryCost(
        "UA",
        "UA",
        3,
        UnitPrice(Decimal("0.02"), EUR),
        None,
        0,
        Decimal("0.06"),
        Decimal("0.06"),
        EUR,
    )
    assert result.totals == {EUR: CostRange(Decimal("0.11"), Decimal("0.11"))}
    assert (result.recipients, result.unpriced) == (5, 1)


def test_estimate_with_sms_takes_the_higher_price_for_each_recipient() -> None:
    store(VIBER, row("UA", "0.10"))
    store(SMS, row("UA", "0.06"))
    names = ["a" * 10, "b" * 100]  # one part: 0.06 < 0.10; two parts: 0.12 > 0.10
    chosen = contact_list(
        "A", [(f"38097000000{n}", "UA", {"first_name": name}) for n, name in enumerate(names)]
    )
    result = estimate_cost(draft(chosen, sms_sender="Shop", sms_text="x" * 100 + "{first_name}"))
    assert result.totals == {EUR: CostRange(Decimal("0.20"), Decimal("0.22"))}
    assert result.lines[0].sms_parts == 3


def test_estimate_never_adds_currencies() -> None:
    store(VIBER, row("UA", "0.02"), row("RO", "0.05", currency="USD"), row("", "1"))
    result = estimate_cost(draft(contact_list("A", contacts())))
    assert result.totals["USD"] == CostRange(Decimal("0.05"), Decimal("0.05"))
    assert result.totals[EUR] == CostRange(Decimal("1.06"), Decimal("1.06"))


def test_estimate_counts_recipients_without_an_sms_price() -> None:
    store(VIBER, row("", "0.02"))
    store(SMS, row("UA", "0.06"))
    result = estimate_cost(draft(contact_list("A", contacts()), sms_sender="Shop", sms_text="Hi"))
    assert (result.sms_unpriced, result.totals[EUR]) == (
        2,
        CostRange(Decimal("0.10"), Decimal("0.22")),
    )


def test_estimate_works_without_the_gateway() -> None:
    result: Any = estimate_cost(draft(contact_list("A", contacts())))
    assert (result.unpriced, result.totals) == (5, {})
    assert result.failures == ["The gateway did not return its prices."]
