"""The gateway's prices by country, stored for a day (docs/gateway-contract.md).

They are those of the account in use: the stored prices of another one count as none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import PriceList
from campaigns.gateway import types
from campaigns.gateway.bsg.client import CLIENTS_KEPT, Client, new_client
from campaigns.gateway.environment import key_fingerprint
from campaigns.gateway.errors import GatewayError, GatewayRefused
from campaigns.team import accounts

MAX_AGE = timedelta(days=1)
RETRY_SECONDS = 60  # after a failure, so that not every page waits for a gateway that is down
CONNECT_TIMEOUT, DEADLINE = 2.0, 6.0  # seconds, while somebody waits for the page
OTHER_COUNTRIES = ""  # the gateway's "Other countries"
VIBER: types.Channel = "viber"
SMS: types.Channel = "sms"


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """The price of one Viber message or of one SMS part."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one channel by country. `failure` says why there are none or only old ones."""

    by_country: dict[str, UnitPrice]
    list: PriceList | None
    failure: str = ""

    @property
    def names(self) -> dict[str, str]:
        """Country code -> the gateway's name for it."""
        rows = self.list.rows if self.list else []
        return {
            row["country"]: row["country_name"]
            for row in rows
            if row["country"] and row["country_name"]
        }

    def of(self, country: str) -> UnitPrice | None:
        """The price in `country`, else in "Other countries"; None without either."""
        return self.by_country.get(country) or self.by_country.get(OTHER_COUNTRIES)


def _rows(prices: Iterable[types.PriceRow]) -> list[dict[str, str]]:
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


@lru_cache(maxsize=CLIENTS_KEPT)
def _client(_fingerprint: str) -> Client:
    return new_client(CONNECT_TIMEOUT, DEADLINE, connections=2)


def client() -> Client:
    """A client with short timeouts, for pages that wait for the gateway. Raises
    GatewayKeyUnusable.
    """
    return _client(key_fingerprint())


def _fetch(channel: types.Channel, tariff: int) -> PriceList:
    """Ask the gateway and store its answer. Raises GatewayError."""
    rows = _rows(client().prices(channel, tariff))
    stored, _created = PriceList.objects.update_or_create(
        channel=channel,
        tariff=tariff,
        account=accounts.cached().current,
        defaults={"rows": rows, "fetched_at": timezone.now()},
    )
    return stored


def _stored(channel: types.Channel, tariff: int) -> PriceList | None:
    own = PriceList.objects.filter(accounts.cached().is_shown())
    return own.filter(channel=channel, tariff=tariff).order_by("-fetched_at").first()


def _new_key_text() -> str:
    return _("The gateway's key is new: its prices are not asked for yet.")


def _failure_text(error: GatewayError, tariff: int) -> str:
    if isinstance(error, GatewayRefused) and error.code in (6, 9):
        return _("The gateway has no prices for tariff %(tariff)d.") % {"tariff": tariff}
    return _("The gateway did not return its prices.")


def load_prices(channel: types.Channel, tariff: int, refresh: bool = False) -> Prices:
    """Load the prices of `channel` in `tariff`: stored ones up to MAX_AGE, else the gateway's.

    `refresh` asks the gateway in any case. If it fails, the stored prices are returned with a
    `failure`; no error of the gateway is raised.
    """
    stored = _stored(channel, tariff)
    if stored and not refresh and timezone.now() - stored.fetched_at < MAX_AGE:
        return Prices(_highest_by_country(stored.rows), stored)
    failure_key = f"prices-failed:{key_fingerprint()}:{channel}:{tariff}"
    if accounts.cached().is_new_key:
        return Prices(_highest_by_country(stored.rows) if stored else {}, stored, _new_key_text())
    failure = "" if refresh else cache.get(failure_key, "")
    if not failure:
        try:
            stored = _fetch(channel, tariff)
        except GatewayError as error:
            failure = _failure_text(error, tariff)
            cache.set(failure_key, failure, RETRY_SECONDS)
    return Prices(_highest_by_country(stored.rows) if stored else {}, stored, failure)


def stored_prices(channel: types.Channel, tariff: int) -> Prices:
    """The prices as last fetched, however old: for code that must not wait for the gateway."""
    stored = _stored(channel, tariff)
    return Prices(_highest_by_country(stored.rows) if stored else {}, stored)


def single_currency(tariff: int, *, with_sms: bool) -> str:
    """The currency of all stored prices of a tariff, `with_sms` also of SMS; "" without one."""
    lists = [stored_prices(VIBER, tariff), *([stored_prices(SMS, tariff)] if with_sms else [])]
    currencies = {price.currency for prices in lists for price in prices.by_country.values()}
    return currencies.pop() if len(currencies) == 1 else ""


def _highest_by_country(rows: list[dict[str, Any]]) -> dict[str, UnitPrice]:
    """The highest price of each country, as the network of a phone is not known in advance."""
    prices: dict[str, UnitPrice] = {}
    for row in rows:
        price = UnitPrice(Decimal(row["price"]), row["currency"])
        highest = prices.get(row["country"])
        if highest is None or price.amount > highest.amount:
            prices[row["country"]] = price
    return prices
