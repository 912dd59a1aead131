"""What the plan costs: calls for each message, from the send to the end, by the lives that the
sandbox gives them.
"""

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
    """The calls for `batches` whole batches whose messages live `slower` times as slowly as at pace
    1, by age.
    """
    asked: Counter[int] = Counter()
    for number in range(batches):
        lives = [course_of(f"38067{number:03d}{place:04d}", 1, validity) for place in range(BATCH)]
        asked += follow(lives, slower, validity)
    return asked


def follow(lives: list[Course], slower: float, validity: int) -> Counter[int]:
    """What polling does with one batch, without a database: the same plan, the same choice of
    people.
    """
    asked: Counter[int] = Counter()
    open_lives = dict.fromkeys(lives, "")
    checks, now = 0, SENT + FIRST_CHECK
    while open_lives:
        on_the_way = [one for one, status in open_lives.items() if status != "delivered"]
        people = on_the_way if on_the_way and not checks_for_reads(checks) else list(open_lives)
        age = (now - SENT).total_seconds()
        asked[next(limit for limit in AGES if age <= limit)] += len(people)
        for one in people:
            status = state_at(one, age / slower, Decimal(1), None).status
            open_lives[one] = status
            if status not in ("new", "waiting", "scheduled", "sent", "delivered"):
                del open_lives[one]
        checks += 1
        waiting = any(status != "delivered" for status in open_lives.values())
        then = next_check(SENT, now, validity, on_the_way=waiting)
        if then is None:
            break
        now = then
    return asked


@pytest.mark.parametrize(
    ("slower", "each"),
    # calls a message by age: up to a minute, ten minutes, an hour, six hours, a day, later
    [(1, [1.9, 0.4, 0.4, 0.2, 0.2, 0.4]), (60, [4.0, 4.6, 1.0, 0.4, 0.2, 0.4])],
)
def test_a_message_costs_so_many_calls(slower: float, each: list[float]) -> None:
    asked = calls(slower)
    assert [round(asked[age] / (40 * BATCH), 1) for age in AGES] == each


def looks(validity: int, *, on_the_way: bool) -> list[float]:
    """The ages, in seconds, at which a message is asked for that never moves on."""
    found, now = [], SENT + FIRST_CHECK
    while True:
        found.append((now - SENT).total_seconds())
        then = next_check(SENT, now, validity, on_the_way=on_the_way)
        if then is None:
            return found
        now = then


def test_whatever_happens_the_looks_end() -> None:
    whole = looks(DAY, on_the_way=True)
    assert len(whole) == 28
    assert whole[:5] == [10, 20, 32, pytest.approx(51.2), pytest.approx(81.92)]
    assert DAY + 60 in whole  # the gateway has just decided
    assert max(later - earlier for earlier, later in pairwise(whole)) == 4 * 3600
    assert whole[-1] > 2 * DAY


def test_who_has_it_delivered_is_asked_a_few_times_more() -> None:
    found = looks(DAY, on_the_way=False)
    assert found == [10, 40, 160, 640, 2560, 10_240, 40_960, DAY + 60, 2 * DAY + 60]


def test_a_short_validity_is_looked_at_when_it_ends() -> None:
    found = looks(600, on_the_way=True)
    assert 660 in found
    assert found[-1] - 600 > DAY
    assert SENT + timedelta(seconds=found[-2]) <= SENT + timedelta(seconds=600 + DAY)
