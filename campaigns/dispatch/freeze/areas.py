"""Split an audience by area, in SQL: contacts of one country in different time zones."""

from django.db import connection

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.time_zones import AREA_DIGITS, COUNTRIES_BY_AREA, zones_by_area
from campaigns.contacts.models import ContactList

_COUNTRIES = ", ".join(f"'{country}'" for country in sorted(COUNTRIES_BY_AREA))
# The area of a row joined by `join_sql`; "" without one.
AREA_SQL = "COALESCE(a.area, '')"


def must_split_by_area(campaign: Campaign, list_id: int) -> bool:
    """Whether the contacts of a list are split by area.

    Only if the campaign sends by local time and the list has contacts in countries with areas.
    """
    if campaign.timetable is None:
        return False
    countries = (
        ContactList.objects.filter(pk=list_id).values_list("countries", flat=True).first() or {}
    )
    return not COUNTRIES_BY_AREA.isdisjoint(countries)


def create_area_table() -> None:
    """Create the temporary table of first digits and their areas, if this connection has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS areas (prefix TEXT PRIMARY KEY, area TEXT NOT"
            " NULL)"
        )
        cursor.execute("SELECT COUNT(*) FROM areas")
        if not cursor.fetchone()[0]:
            # Digits and names of time zones: nothing to quote.
            rows = ", ".join(f"('{prefix}', '{area}')" for prefix, area in zones_by_area().items())
            cursor.execute(f"INSERT INTO areas (prefix, area) VALUES {rows}")  # noqa: S608


def join_sql(alias: str) -> str:
    """The join of the contacts or recipients `alias` with their areas, as "a".

    Rows without an area stay.
    """
    return (
        f"LEFT JOIN areas a ON a.prefix = SUBSTR({alias}.msisdn, 1, {AREA_DIGITS})"
        f" AND {alias}.country IN ({_COUNTRIES})"
    )
