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
from campaigns.compose.pricing.price_list import SMS, VIBER, Price
from tests.compose.factories import Person, contact_list, draft, ukrainians
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
EUR = "EUR"


@pytest.fixture(autouse=True)
def nobody_answers(settings: Settings) -> None:
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


def keep(
    channel: str, *rows: dict[str, str], age: timedelta = timedelta(0), tariff: int = 0
) -> PriceList:
    at = timezone.now() - age
    return PriceList.objects.create(channel=channel, tariff=tariff, rows=list(rows), fetched_at=at)


def test_the_dearest_row_of_a_country_counts() -> None:
    keep(
        VIBER,
        row("UA", "0.0230000"),
        row("UA", "0.0300000", mnc="3"),
        row("UA", "0.0100000", mnc="1"),
    )
    assert price_list.load_prices(VIBER, 0).of("UA") == Price(Decimal("0.0300000"), EUR)


def test_other_countries_have_the_price_of_the_rest() -> None:
    keep(VIBER, row("UA", "0.02"), row("", "0.09"))
    assert price_list.load_prices(VIBER, 0).of("NZ") == Price(Decimal("0.09"), EUR)
    assert price_list.load_prices(VIBER, 0).of("") == Price(Decimal("0.09"), EUR)


def test_without_a_rest_the_price_is_not_known() -> None:
    keep(VIBER, row("UA", "0.02"))
    assert price_list.load_prices(VIBER, 0).of("NZ") is None


def test_fresh_prices_are_not_asked_for(settings: Settings) -> None:
    kept = keep(VIBER, row("UA", "0.02"), age=timedelta(hours=23))
    found = price_list.load_prices(VIBER, 0)
    assert (found.list, found.failure) == (kept, "")


def test_old_prices_stay_when_the_gateway_is_down() -> None:
    keep(VIBER, row("UA", "0.02"), age=timedelta(days=2))
    found = price_list.load_prices(VIBER, 0)
    assert found.of("UA") == Price(Decimal("0.02"), EUR)
    assert found.failure == "The gateway did not return its prices."


def test_no_prices_at_all_are_said_and_asked_for_only_now_and_then(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    assert price_list.load_prices(VIBER, 0).failure
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    assert price_list.load_prices(VIBER, 0).failure, "asked again at once"
    assert not price_list.load_prices(VIBER, 0, refresh=True).failure


def test_prices_come_from_the_gateway_and_are_kept_to_the_last_digit(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    there = {
        price.country: price for price in sandbox.client().prices("sms", 0) if price.mnc == "0"
    }
    found = price_list.load_prices(SMS, 0).of("PL")
    assert found is not None
    assert found.amount >= there["PL"].price
    assert PriceList.objects.get().channel == "sms"
    assert price_list.load_prices(SMS, 0).list == PriceList.objects.get()


def test_a_tariff_without_prices_is_named(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    assert price_list.load_prices(VIBER, 9).failure == "The gateway has no prices for tariff 9."


# --- the estimate


def people() -> list[Person]:
    return [*ukrainians(3), ("40712345678", "RO", {}), ("64211234567", "NZ", {})]


def test_estimate_by_viber_alone() -> None:
    keep(VIBER, row("UA", "0.02"), row("RO", "0.05"))
    found = estimate_cost(draft(contact_list("A", people())))
    assert found.lines[0] == CountryCost(
        "UA", "UA", 3, Price(Decimal("0.02"), EUR), None, 0, Decimal("0.06"), Decimal("0.06"), EUR
    )
    assert found.totals == {EUR: CostRange(Decimal("0.11"), Decimal("0.11"))}
    assert (found.recipients, found.unpriced) == (5, 1)


def test_estimate_with_sms_takes_the_dearer_way_person_by_person() -> None:
    keep(VIBER, row("UA", "0.10"))
    keep(SMS, row("UA", "0.06"))
    names = ["a" * 10, "b" * 100]  # one part: 0.06 < 0.10; two parts: 0.12 > 0.10
    chosen = contact_list(
        "A", [(f"38097000000{n}", "UA", {"first_name": name}) for n, name in enumerate(names)]
    )
    found = estimate_cost(draft(chosen, sms_sender="Shop", sms_text="x" * 100 + "{first_name}"))
    assert found.totals == {EUR: CostRange(Decimal("0.20"), Decimal("0.22"))}
    assert found.lines[0].sms_parts == 3


def test_estimate_never_adds_currencies() -> None:
    keep(VIBER, row("UA", "0.02"), row("RO", "0.05", currency="USD"), row("", "1"))
    found = estimate_cost(draft(contact_list("A", people())))
    assert found.totals["USD"] == CostRange(Decimal("0.05"), Decimal("0.05"))
    assert found.totals[EUR] == CostRange(Decimal("1.06"), Decimal("1.06"))


def test_estimate_counts_whom_no_sms_price_is_known_for() -> None:
    keep(VIBER, row("", "0.02"))
    keep(SMS, row("UA", "0.06"))
    found = estimate_cost(draft(contact_list("A", people()), sms_sender="Shop", sms_text="Hi"))
    assert (found.sms_unpriced, found.totals[EUR]) == (
        2,
        CostRange(Decimal("0.10"), Decimal("0.22")),
    )


def test_estimate_works_without_the_gateway() -> None:
    found: Any = estimate_cost(draft(contact_list("A", people())))
    assert (found.unpriced, found.totals) == (5, {})
    assert found.failures == ["The gateway did not return its prices."]
