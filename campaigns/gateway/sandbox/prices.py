"""The sandbox's price list: invented, with many countries, three tariffs and two currencies.

docs/sandbox.md, "Prices", describes it. All seven decimal places count, so that any rounding shows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

ACTIVE_TARIFFS = (0, 1, 2)
INACTIVE_TARIFF = 9
CURRENCIES = {0: "EUR", 1: "EUR", 2: "USD"}
_FACTORS = {0: Decimal(1), 1: Decimal("0.875"), 2: Decimal("1.09")}
_SEVEN_PLACES = Decimal("0.0000001")
GENERAL = "0"  # the mnc of a price for all networks of a country


@dataclass(frozen=True, slots=True)
class Country:
    """Prices of tariff 0, in EUR. `networks`: mnc, prefixes of its phones, SMS price."""

    code: str
    name: str
    prefix: str
    mcc: str
    viber: Decimal
    sms: Decimal
    networks: tuple[tuple[str, tuple[str, ...], Decimal], ...] = ()


def _country(code: str, name: str, prefix: str, mcc: str, viber: str, sms: str) -> Country:
    return Country(code, name, prefix, mcc, Decimal(viber), Decimal(sms))


_UKRAINE = Country(
    "UA",
    "Ukraine",
    "380",
    "255",
    Decimal("0.0230000"),
    Decimal("0.0612345"),
    (
        ("1", ("38050", "38066", "38095", "38099"), Decimal("0.0598001")),
        ("3", ("38067", "38068", "38096", "38097", "38098"), Decimal("0.0634500")),
        ("6", ("38063", "38073", "38093"), Decimal("0.0571003")),
    ),
)
COUNTRIES = (
    _UKRAINE,
    _country("RO", "Romania", "40", "226", "0.0412503", "0.0589000"),
    _country("BG", "Bulgaria", "359", "284", "0.0387000", "0.0791234"),
    _country("GR", "Greece", "30", "202", "0.0291007", "0.0456700"),
    _country("RS", "Serbia", "381", "220", "0.0334567", "0.0402000"),
    _country("MD", "Moldova", "373", "259", "0.0276500", "0.0833009"),
    _country("PL", "Poland", "48", "260", "0.0190001", "0.0221000"),
    _country("DE", "Germany", "49", "262", "0.0551250", "0.0780002"),
    _country("AT", "Austria", "43", "232", "0.0543210", "0.0650000"),
    _country("CZ", "Czechia", "420", "230", "0.0310004", "0.0378900"),
    _country("SK", "Slovakia", "421", "231", "0.0329900", "0.0567006"),
    _country("HU", "Hungary", "36", "216", "0.0405060", "0.0699000"),
    _country("HR", "Croatia", "385", "219", "0.0372008", "0.0588100"),
    _country("SI", "Slovenia", "386", "293", "0.0361000", "0.0432109"),
    _country("IT", "Italy", "39", "222", "0.0301070", "0.0548000"),
    _country("FR", "France", "33", "208", "0.0487000", "0.0512005"),
    _country("ES", "Spain", "34", "214", "0.0299003", "0.0467800"),
    _country("GB", "United Kingdom", "44", "234", "0.0320000", "0.0345678"),
    _country("LT", "Lithuania", "370", "246", "0.0283010", "0.0312000"),
    _country("LV", "Latvia", "371", "247", "0.0288000", "0.0451002"),
    _country("EE", "Estonia", "372", "248", "0.0295006", "0.0573000"),
    _country("TR", "Türkiye", "90", "286", "0.0141000", "0.0098007"),
    _country("GE", "Georgia", "995", "282", "0.0217001", "0.0644000"),
)
OTHERS = _country("", "Other countries", "", "", "0.0700001", "0.0912003")
_BY_PREFIX = {country.prefix: country for country in COUNTRIES}


def country_of(msisdn: str) -> Country:
    """The country of a phone by its prefix, or OTHERS."""
    for length in (3, 2):
        country = _BY_PREFIX.get(msisdn[:length])
        if country:
            return country
    return OTHERS


@lru_cache(maxsize=1024)
def in_tariff(price: Decimal, tariff: int) -> Decimal:
    """`price` of tariff 0 in another tariff's currency, with seven decimals."""
    return (price * _FACTORS[tariff]).quantize(_SEVEN_PLACES)


def viber_price(msisdn: str, tariff: int) -> Decimal:
    """The price of a Viber message to `msisdn`."""
    return in_tariff(country_of(msisdn).viber, tariff)


def sms_price(msisdn: str, tariff: int) -> Decimal:
    """The price of an SMS part to `msisdn`: that of its network, else of its country."""
    country = country_of(msisdn)
    for _mnc, prefixes, price in country.networks:
        if msisdn.startswith(prefixes):
            return in_tariff(price, tariff)
    return in_tariff(country.sms, tariff)


def noisy(amount: Decimal) -> str:
    """`amount` with the noise of a binary float: 0.069 becomes 0.068999999999999999."""
    if not amount:
        return str(amount)
    return format(amount - Decimal(1).scaleb(amount.adjusted() - 16), "f")


def rows(
    channel: str, tariff: int, text_of: Callable[[Decimal], str] = str
) -> Iterator[dict[str, str]]:
    """The rows of the price list, as the gateway answers them; `text_of` writes a price."""
    for country in (*COUNTRIES, OTHERS):
        general = country.viber if channel == "viber" else country.sms
        networks = country.networks if channel == "sms" else ()
        for mnc, price in [
            (GENERAL, general),
            *((mnc, price) for mnc, _prefixes, price in networks),
        ]:
            yield {
                "type": channel,
                "country": country.code,
                "country_name": country.name,
                "mcc": country.mcc,
                "mnc": mnc,
                "price": text_of(in_tariff(price, tariff)),
                "currency": CURRENCIES[tariff],
            }
