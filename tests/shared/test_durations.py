"""Lengths of time in words."""

import pytest

from campaigns.shared.figures.durations import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (90, "1 minute 30 seconds"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (7201, "2 hours 1 second"),
        (86_399, "23 hours 59 minutes 59 seconds"),
        (86_400, "24 hours"),
    ],
)
def test_a_duration_names_its_hours_minutes_and_seconds(seconds: int, text: str) -> None:
    assert duration(seconds) == text
