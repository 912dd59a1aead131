"""Every page tells the time in the zone of who reads it."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone


@cache
def known_zones() -> frozenset[str]:
    """The names of all time zones of this machine. Finding them reads 600 files, which is a page's
    time: done once.
    """
    return frozenset(available_timezones())


def reader_zone(name: str) -> ZoneInfo:
    """The zone that somebody chose; the site's where they chose none or the name is not known any
    more.
    """
    return ZoneInfo(name) if name in known_zones() else settings.SITE_ZONE


class ReadersClock:
    """Middleware: activates the zone of the signed-in person for this request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(reader_zone(getattr(request.user, "time_zone", ""))):
            return self.get_response(request)
