"""What the poll schedule costs: calls for each message, with the results of the sandbox."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from campaigns.gateway.sandbox.courses import Course, course_of, state_at
from campaigns.results.polling.poll_schedule import FIRST_CHECK, checks_for_reads, next_check

SENT = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = 86_400
BATCH = 50
AGES = (60, 600, 3600, 6 * 3600, DAY, 3 * DAY)  # seconds


def calls(slower: float, validity: int = DAY, batches: int = 40) -> Counter[int]:
    """The calls by age of the message for whole batches, `slower` times as slow as at pace 1."""
    calls_by_age: Counter[int] = Counter()
    for number in range(batches):
        courses = [
            course_of(f"38067{number:03d}{place:04d}", 1, validity) for place in range(BATCH)
        ]
        calls_by_age += follow(courses, slower, validity)
    return calls_by_age


def follow(courses: list[Course], slower: float, validity: int) -> Counter[int]:
    """What polling does with one batch, without a database."""
    calls_by_age: Counter[int] = Counter()
    open_courses = dict.fromkeys(courses, "")
    checks, now = 0, SENT + FIRST_CHECK
    while open_courses:
        on_the_way = [course for course, status in open_courses.items() if status != "delivered"]
        asked_courses = (
            on_the_way if on_the_way and not checks_for_reads(checks) else list(open_courses)
        )
        age = (now - SENT).total_seconds()
        calls_by_age[next(limit for limit in AGES if age <= limit)] += len(asked_courses)
        for course in asked_courses:
            status = state_at(course, age / slower, Decimal(1), None).status
            open_courses[course] = status
            if status not in ("new", "waiting", "scheduled", "sent", "delivered"):
                del open_courses[course]
        checks += 1
        waiting = any(status != "delivered" for status in open_courses.values())
        then = next_check(SENT, now, validity, on_the_way=waiting)
        if then is None:
            break
        now = then
    return calls_by_age


@pytest.mark.parametrize(
    ("slower", "each"),
    # calls a message by age: up to a minute, ten minutes, an hour, six hours, a day, later
    [(1, [1.9, 0.4, 0.4, 0.2, 0.2, 0.4]), (60, [4.0, 4.6, 1.0, 0.4, 0.2, 0.4])],
)
def test_calls_for_each_message(slower: float, each: list[float]) -> None:
    calls_by_age = calls(slower)
    assert [round(calls_by_age[age] / (40 * BATCH), 1) for age in AGES] == each


def check_ages(validity: int, *, on_the_way: bool) -> list[float]:
    """The ages, in seconds, at which polling asks for a message that never progresses."""
    ages, now = [], SENT + FIRST_CHECK
    while True:
        ages.append((now - SENT).total_seconds())
        then = next_check(SENT, now, validity, on_the_way=on_the_way)
        if then is None:
            return ages
        now = then


def test_checks_end_for_a_message_that_never_progresses() -> None:
    whole = check_ages(DAY, on_the_way=True)
    assert len(whole) == 28
    assert whole[:5] == [10, 20, 32, pytest.approx(51.2), pytest.approx(81.92)]
    assert DAY + 60 in whole  # the gateway has just decided
    assert max(later - earlier for earlier, later in pairwise(whole)) == 4 * 3600
    assert whole[-1] > 2 * DAY


def test_a_delivered_message_is_checked_a_few_times_more() -> None:
    ages = check_ages(DAY, on_the_way=False)
    assert ages == [10, 40, 160, 640, 2560, 10_240, 40_960, DAY + 60, 2 * DAY + 60]


def test_a_short_validity_period_is_checked_when_it_ends() -> None:
    ages = check_ages(600, on_the_way=True)
    assert 660 in ages
    assert ages[-1] - 600 > DAY
    assert SENT + timedelta(seconds=ages[-2]) <= SENT + timedelta(seconds=600 + DAY)
