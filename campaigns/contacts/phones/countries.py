"""Countries as people know them, with their calling codes."""

from functools import cache

import phonenumbers
from django.utils.translation import get_language


@cache
def _names() -> dict[str, dict[str, str]]:
    """By country and language. Read when somebody asks: it takes a third of a second, and most
    processes never do.
    """
    from phonenumbers.geodata.locale import LOCALE_DATA

    found: dict[str, dict[str, str]] = LOCALE_DATA
    return found


def name(country: str, language: str = "") -> str:
    """ "UA" -> "Ukraine", in the reader's language where it is known; two letters that nobody knows
    stay.
    """
    names = _names().get(country, {})
    language = (language or get_language() or "en").split("-")[0]
    found = names.get(language) or names.get("en") or country
    return names.get(found[1:], country) if found.startswith("*") else found


@cache
def _choices(language: str) -> list[tuple[str, str]]:
    named = ((name(region, language), region) for region in phonenumbers.SUPPORTED_REGIONS)
    codes = phonenumbers.country_code_for_region
    return [(region, f"{country} (+{codes(region)})") for country, region in sorted(named)]


def choices() -> list[tuple[str, str]]:
    """Every country for a form: "Ukraine (+380)", by name."""
    return _choices((get_language() or "en").split("-")[0])
