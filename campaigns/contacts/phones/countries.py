"""Names of countries, and the choices of a country field with calling codes."""

from functools import cache

import phonenumbers
from django.utils.translation import get_language

# regions with a calling code that the library has no names of
UNNAMED = {"AC": "Ascension Island", "TA": "Tristan da Cunha", "XK": "Kosovo"}


@cache
def _names() -> dict[str, dict[str, str]]:
    """Names by country and language. Loaded on first use: it takes a third of a second."""
    from phonenumbers.geodata.locale import LOCALE_DATA

    country_name: dict[str, dict[str, str]] = LOCALE_DATA
    return country_name


def name(country: str, language: str = "") -> str:
    """The name of a country in the user's language, or else in English; unknown codes stay.

    "UA" -> "Ukraine"
    """
    names = _names().get(country, {})
    language = (language or get_language() or "en").split("-")[0]
    country_name = names.get(language) or names.get("en") or UNNAMED.get(country, country)
    return names.get(country_name[1:], country) if country_name.startswith("*") else country_name


@cache
def _choices(language: str) -> list[tuple[str, str]]:
    regions = ((name(region, language), region) for region in phonenumbers.SUPPORTED_REGIONS)
    codes = phonenumbers.country_code_for_region
    return [(region, f"{country} (+{codes(region)})") for country, region in sorted(regions)]


def choices() -> list[tuple[str, str]]:
    """All countries as choices of a form, sorted by name: ("UA", "Ukraine (+380)")."""
    return _choices((get_language() or "en").split("-")[0])
