"""The addresses of short links: their base, and what stands for a code that is not made yet."""

from django.conf import settings

from campaigns.compose.message import web_addresses
from campaigns.compose.message.tracking.codes import CODE_LENGTH

PATH = "/l/"  # of links on the dashboard's own host


def link_base() -> str:
    """The address that codes follow, with its "/"; "" if there is none that phones can open."""
    base = settings.LINK_BASE_URL or settings.PUBLIC_BASE_URL
    if not base or not web_addresses.is_reachable(base):
        return ""
    return f"{base}/" if settings.LINK_BASE_URL else f"{base}{PATH}"


def stand_in(number: int) -> str:
    """What stands in texts for the code of link `number`: as long, of GSM-7, and never a code."""
    return f"link-{number:0{CODE_LENGTH - 5}}"
