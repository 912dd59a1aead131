from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import User
from campaigns.team.pages.middleware import ReaderTimeZone
from campaigns.team.time_zones import reader_zone

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("chosen", "zone"),
    [("Europe/Kyiv", "Europe/Kyiv"), ("", "Europe/Athens"), ("Mars/Olympus", "Europe/Athens")],
)
def test_reader_zone(settings: Settings, chosen: str, zone: str) -> None:
    settings.SITE_ZONE = ZoneInfo("Europe/Athens")
    assert reader_zone(chosen).key == zone


def test_pages_tell_the_time_of_the_reader_and_leave_nothing_behind(rf: RequestFactory) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(timezone.localtime(NOON).isoformat())

    request = rf.get("/")
    request.user = User(time_zone="Asia/Tokyo")
    before = timezone.get_current_timezone_name()
    assert ReaderTimeZone(view)(request).content == b"2026-07-01T21:00:00+09:00"
    assert timezone.get_current_timezone_name() == before
