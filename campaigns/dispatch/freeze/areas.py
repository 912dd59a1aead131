"""Splitting an audience by area, in SQL: people of one country whose area codes are in different
time zones.
"""

from django.db import connection

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.time_zones import AREA_DIGITS, COUNTRIES_BY_AREA, zones_by_area
from campaigns.contacts.models import ContactList

_COUNTRIES = ", ".join(f"'{country}'" for country in sorted(COUNTRIES_BY_AREA))


def splits(campaign: Campaign, list_id: int) -> bool:
    """Whether the people of a list are told apart by area: only where they wait for their clocks,
    and have areas.
    """
    if campaign.timetable is None:
        return False
    countries = (
        ContactList.objects.filter(pk=list_id).values_list("countries", flat=True).first() or {}
    )
    return not COUNTRIES_BY_AREA.isdisjoint(countries)


def prepare() -> None:
    """Have the table of first digits and their zones, for this connection to the database alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS areas (prefix TEXT PRIMARY KEY, area TEXT NOT"
            " NULL)"
        )
        cursor.execute("SELECT COUNT(*) FROM areas")
        if not cursor.fetchone()[0]:
            # digits, names of zones
            rows = ", ".join(f"('{prefix}', '{area}')" for prefix, area in zones_by_area().items())
            cursor.execute(f"INSERT INTO areas (prefix, area) VALUES {rows}")  # noqa: S608


def joined(alias: str) -> str:
    """The join of the contacts or recipients `alias` with their areas, as "a"; people without an
    area stay.
    """
    return (
        f"LEFT JOIN areas a ON a.prefix = SUBSTR({alias}.msisdn, 1, {AREA_DIGITS})"
        f" AND {alias}.country IN ({_COUNTRIES})"
    )


AREA = "COALESCE(a.area, '')"
