"""What a message costs where: the gateway's price list, kept for a day (BSG API, Prices)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import PriceList
from campaigns.gateway import types
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError, GatewayRefused

MAX_AGE = timedelta(days=1)
# seconds after a failure; a page must not wait for a gateway that is down again and again
RETRY_SECONDS = 60
CONNECT_TIMEOUT, DEADLINE = 2.0, 6.0  # seconds: somebody waits for the page
OTHER_COUNTRIES = ""  # the gateway's "Other countries"
VIBER: types.Channel = "viber"
SMS: types.Channel = "sms"


@dataclass(frozen=True, slots=True)
class Price:
    """What one Viber message, or one SMS part, costs."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Prices:
    """One channel's price by country. `failure` says why there is none, or why it is old."""

    by_country: dict[str, Price]
    list: PriceList | None
    failure: str = ""

    @property
    def names(self) -> dict[str, str]:
        """What the gateway calls each country; "" is not one."""
        rows = self.list.rows if self.list else []
        return {
            row["country"]: row["country_name"]
            for row in rows
            if row["country"] and row["country_name"]
        }

    def of(self, country: str) -> Price | None:
        """The price in `country`, else that of the other countries; None where the gateway names
        neither.
        """
        return self.by_country.get(country) or self.by_country.get(OTHER_COUNTRIES)


def _rows(prices: Iterable[types.Price]) -> list[dict[str, str]]:
    return [
        {
            "country": price.country,
            "country_name": price.country_name,
            "mcc": price.mcc,
            "mnc": price.mnc,
            "price": str(price.price),
            "currency": price.currency,
        }
        for price in prices
    ]


@lru_cache(maxsize=2)
def _client(base_url: str) -> Client:
    return Client(
        base_url,
        settings.BSG_API_KEY,
        connect_timeout=CONNECT_TIMEOUT,
        deadline=DEADLINE,
        connections=2,
    )


def client() -> Client:
    """The gateway, for a page that waits for it: with little patience."""
    return _client(settings.BSG_API_URL)


def _fetch(channel: types.Channel, tariff: int) -> PriceList:
    """Ask the gateway and keep its answer. Raises GatewayError."""
    rows = _rows(client().prices(channel, tariff))
    fetched, _made = PriceList.objects.update_or_create(
        channel=channel, tariff=tariff, defaults={"rows": rows, "fetched_at": timezone.now()}
    )
    return fetched


def _words(error: GatewayError, tariff: int) -> str:
    if isinstance(error, GatewayRefused) and error.code in (6, 9):
        return _("The gateway has no prices for tariff %(tariff)d.") % {"tariff": tariff}
    return _("The gateway did not return its prices.")


def load_prices(channel: types.Channel, tariff: int, refresh: bool = False) -> Prices:
    """The prices of `channel` in `tariff`: kept ones that are fresh, else the gateway's, else kept
    ones that are old.

    `refresh` asks the gateway whatever is kept. Nothing that the gateway does raises.
    """
    kept = PriceList.objects.filter(channel=channel, tariff=tariff).first()
    if kept and not refresh and timezone.now() - kept.fetched_at < MAX_AGE:
        return Prices(_dearest(kept.rows), kept)
    failed = f"prices-failed:{channel}:{tariff}"
    failure = "" if refresh else cache.get(failed, "")
    if not failure:
        try:
            kept = _fetch(channel, tariff)
        except GatewayError as error:
            failure = _words(error, tariff)
            cache.set(failed, failure, RETRY_SECONDS)
    return Prices(_dearest(kept.rows) if kept else {}, kept, failure)


def stored_prices(channel: types.Channel, tariff: int) -> Prices:
    """The prices as last fetched, however old: for pages that must not wait for the gateway."""
    kept = PriceList.objects.filter(channel=channel, tariff=tariff).first()
    return Prices(_dearest(kept.rows) if kept else {}, kept)


def _dearest(rows: list[dict[str, Any]]) -> dict[str, Price]:
    """The dearest row of each country: which network a phone is in is not known before the bill."""
    found: dict[str, Price] = {}
    for row in rows:
        price = Price(Decimal(row["price"]), row["currency"])
        known = found.get(row["country"])
        if known is None or price.amount > known.amount:
            found[row["country"]] = price
    return found


def price_list(channel: types.Channel, tariff: int, refresh: bool = False) -> PriceList | None:
    """The price list as last fetched, asked for anew when it is older than a day; None where there
    never was one.
    """
    return load_prices(channel, tariff, refresh).list


def price_of(channel: types.Channel, tariff: int, country: str) -> Price | None:
    """What one message (SMS: one part) costs in `country` at most; None where it is not known."""
    return load_prices(channel, tariff).of(country)
