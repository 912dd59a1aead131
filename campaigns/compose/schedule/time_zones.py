"""What time it is where a phone is at home: the time zones of a country, or of an area code where
phones have one.

The zones come from libphonenumber's data. A phone that has moved away keeps the hours of its
number.
"""

import re
from functools import cache
from zoneinfo import ZoneInfo

import phonenumbers
from django.conf import settings
from phonenumbers.tzdata import TIMEZONE_DATA

Zones = tuple[ZoneInfo, ...]
# several zones, and a mobile's number begins with an area code
COUNTRIES_BY_AREA = frozenset({"US", "CA", "BR", "MX"})
AREA_DIGITS = 4  # of a phone with its country code: +1 212…, +55 11…, +52 66…
AREA_KEY_MAX = 200  # characters of an area's zones, as batches keep them
ZONE_CORRECTIONS = {  # where the data names a neighbour whose clock is another one
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
    """The zones of a country, or those of an `area` in it (a key of `areas`). Where neither is
    known, the site's.
    """
    names = area.split() if area else _names(country)
    return tuple(ZoneInfo(name) for name in names) or (settings.SITE_ZONE,)


@cache
def zones_by_area() -> dict[str, str]:
    """First digits of a phone -> the zones of that area, as one text; for the countries in
    BY_AREA.
    """
    codes = sorted(
        {str(phonenumbers.country_code_for_region(country)) for country in COUNTRIES_BY_AREA}
    )
    found = {}
    for code in codes:
        free = AREA_DIGITS - len(code)
        for number in range(10**free):
            area = f"{code}{number:0{free}d}"
            key = " ".join(sorted(_of_area(area, code)))
            if 0 < len(key) <= AREA_KEY_MAX:
                found[area] = key
    return found


def _of_area(area: str, code: str) -> set[str]:
    """The zones of every phone that begins with `area`: of the longest known beginning, and of all
    longer ones.
    """
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
def _names(country: str) -> tuple[str, ...]:
    code = phonenumbers.country_code_for_region(country)
    prefixes = (
        _prefixes(country, str(code))
        if len(phonenumbers.region_codes_for_country_code(code)) > 1
        else []
    )
    found = {name for prefix in prefixes or [str(code)] for name in TIMEZONE_DATA.get(prefix, ())}
    return tuple(sorted(ZONE_CORRECTIONS.get((country, name), name) for name in found))


def _prefixes(country: str, code: str) -> list[str]:
    """The known prefixes of a country that shares its code with others; none where nothing tells
    them apart.
    """
    known = [
        prefix for prefix in TIMEZONE_DATA if prefix.startswith(code) and len(prefix) > len(code)
    ]
    if code == "1":
        return [
            prefix
            for prefix in known
            if len(prefix) >= AREA_DIGITS and _american(prefix[1:4]) == country
        ]
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    leading = metadata.leading_digits if metadata else None
    return [prefix for prefix in known if re.match(leading, prefix[len(code) :])] if leading else []


@cache
def _american(area_code: str) -> str | None:
    return phonenumbers.region_code_for_number(
        phonenumbers.PhoneNumber(1, int(f"{area_code}2345678"))
    )
