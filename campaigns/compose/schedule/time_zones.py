"""The time zones of a phone: those of its country, or of its area code where it has one.

They come from libphonenumber's data. A phone that moves abroad keeps the zones of its number.
"""

import re
from functools import cache
from zoneinfo import ZoneInfo

import phonenumbers
from django.conf import settings
from phonenumbers.tzdata import TIMEZONE_DATA

Zones = tuple[ZoneInfo, ...]
# countries with several zones whose mobile numbers begin with an area code
COUNTRIES_BY_AREA = frozenset({"US", "CA", "BR", "MX"})
AREA_DIGITS = 4  # of a phone with its country code: +1 212…, +55 11…, +52 66…
AREA_KEY_MAX = 200  # characters of an area's zones, as batches store them
ZONE_CORRECTIONS = {  # where the data names a neighbouring country with another time
    ("MA", "Atlantic/Canary"): "Africa/Casablanca",
    ("EH", "Atlantic/Canary"): "Africa/El_Aaiun",
    ("RU", "Europe/Bucharest"): "Europe/Kaliningrad",
    ("DZ", "Europe/Paris"): "Africa/Algiers",
    ("LY", "Europe/Bucharest"): "Africa/Tripoli",
    ("NI", "America/Chicago"): "America/Managua",
    ("SS", "Africa/Nairobi"): "Africa/Juba",
}


@cache
def zones_of(country: str, area: str = "") -> Zones:
    """The zones of `area` (a value of `zones_by_area`), else of the country, else the site's."""
    names = area.split() if area else _zone_names(country)
    return tuple(ZoneInfo(name) for name in names) or (settings.SITE_ZONE,)


@cache
def zones_by_area() -> dict[str, str]:
    """The first AREA_DIGITS of a phone -> the names of the zones there, separated by spaces.

    Only for COUNTRIES_BY_AREA.
    """
    codes = sorted(
        {str(phonenumbers.country_code_for_region(country)) for country in COUNTRIES_BY_AREA}
    )
    zones: dict[str, str] = {}
    for code in codes:
        free_digits = AREA_DIGITS - len(code)
        for number in range(10**free_digits):
            area = f"{code}{number:0{free_digits}d}"
            key = " ".join(sorted(_area_zone_names(area, code)))
            if 0 < len(key) <= AREA_KEY_MAX:
                zones[area] = key
    return zones


def _area_zone_names(area: str, code: str) -> set[str]:
    """The zones of the longest known prefix of `area` and of all known prefixes within it."""
    lengths = range(len(area), len(code), -1)
    nearest = next((area[:length] for length in lengths if area[:length] in TIMEZONE_DATA), "")
    longer = [prefix for prefix in _long_prefixes(code) if prefix.startswith(area)]
    return {name for prefix in (nearest, *longer) for name in TIMEZONE_DATA.get(prefix, ())}


@cache
def _long_prefixes(code: str) -> list[str]:
    return [
        prefix for prefix in TIMEZONE_DATA if prefix.startswith(code) and len(prefix) > AREA_DIGITS
    ]


@cache
def _zone_names(country: str) -> tuple[str, ...]:
    code = phonenumbers.country_code_for_region(country)
    prefixes = (
        _prefixes(country, str(code))
        if len(phonenumbers.region_codes_for_country_code(code)) > 1
        else []
    )
    names = {name for prefix in prefixes or [str(code)] for name in TIMEZONE_DATA.get(prefix, ())}
    return tuple(sorted(ZONE_CORRECTIONS.get((country, name), name) for name in names))


def _prefixes(country: str, code: str) -> list[str]:
    """The known prefixes of a country that shares its calling code with others.

    Empty where the data cannot tell them apart.
    """
    known = [
        prefix for prefix in TIMEZONE_DATA if prefix.startswith(code) and len(prefix) > len(code)
    ]
    if code == "1":
        return [
            prefix
            for prefix in known
            if len(prefix) >= AREA_DIGITS and _north_american_country(prefix[1:4]) == country
        ]
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    leading = metadata.leading_digits if metadata else None
    return [prefix for prefix in known if re.match(leading, prefix[len(code) :])] if leading else []


@cache
def _north_american_country(area_code: str) -> str | None:
    return phonenumbers.region_code_for_number(
        phonenumbers.PhoneNumber(1, int(f"{area_code}2345678"))
    )
