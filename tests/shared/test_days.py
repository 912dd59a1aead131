"""Days of the site and of the reader, at the edges where they differ."""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.shared import days

LATE = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
# what turns a moment into a day, or a day into moments
CONVERSIONS = re.compile(
    r"localdate\(|\btime\.min\b|combine\(|TruncDate|__date\b|(localtime|astimezone)\([^()]*\)\.date\("
)
# days of the recipients, each in a zone of their own
OTHER_ZONES = {"compose/schedule/sending_hours.py"}


def test_the_site_and_the_reader_have_days_of_their_own(settings: Settings) -> None:
    settings.SITE_ZONE = ZoneInfo("Europe/Kyiv")
    with timezone.override("America/New_York"):
        assert days.site_day(LATE) == date(2026, 4, 1)
        assert days.reader_day(LATE) == date(2026, 3, 31)
        site, reader = (
            bounds(date(2026, 3, 29), date(2026, 3, 30))
            for bounds in (days.site_bounds, days.reader_bounds)
        )
    # in Kyiv the clocks go forward on the 29th
    assert [f"{moment.astimezone(UTC):%d %H}" for moment in site] == ["28 22", "30 21"]
    assert [f"{moment.astimezone(UTC):%d %H}" for moment in reader] == ["29 04", "31 04"]


@pytest.mark.parametrize(
    ("after", "expected"),
    [("2026-03-11T05:59", "11 06"), ("2026-03-11T06:00", "11 06"), ("2026-03-11T06:01", "12 06")],
)
def test_next_time_is_the_first_from_a_moment_on(after: str, expected: str) -> None:
    moment = days.next_time(
        time(8), datetime.fromisoformat(after).replace(tzinfo=UTC), ZoneInfo("Europe/Kyiv")
    )
    assert f"{moment.astimezone(UTC):%d %H}" == expected


def test_no_other_module_converts_days() -> None:
    root = Path("campaigns")
    found = [
        f"{path}:{number}"
        for path in sorted(root.rglob("*.py"))
        if path.name != "days.py" and path.relative_to(root).as_posix() not in OTHER_ZONES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CONVERSIONS.search(line)
    ]
    assert found == []
