"""Time zones: those of this machine, that of the reader, and the choices of a form."""

from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.utils.translation import gettext as _

CONTINENTS = ("Europe", "Asia", "America", "Africa", "Australia", "Pacific", "Atlantic", "Indian")


@cache
def known_zones() -> frozenset[str]:
    """The names of all time zones of this machine. Reads 600 files, so it is done once."""
    return frozenset(available_timezones())


def reader_zone(name: str) -> ZoneInfo:
    """The zone that a user chose; the site's if they chose none or it no longer exists."""
    return ZoneInfo(name) if name in known_zones() else settings.SITE_ZONE


def zone_choices() -> list[tuple[str, Any]]:
    """Choices for a form, by continent; the empty one is the site's zone."""
    known = known_zones()
    site = _("Site default: %(zone)s") % {"zone": settings.TIME_ZONE}
    by_continent = [
        (continent, [(zone, _city(zone)) for zone in sorted(known) if _is_in(zone, continent)])
        for continent in CONTINENTS
    ]
    return [("", site), ("UTC", "UTC"), *by_continent]


def _is_in(zone: str, continent: str) -> bool:
    return zone.startswith(f"{continent}/")


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ")
