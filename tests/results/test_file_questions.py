"""By which windows batches are asked for: no file is too large, at any rate of sending."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, BatchState
from campaigns.results.polling import file_questions
from campaigns.results.polling.file_questions import SentMessages, _windows
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 1,000 messages, whose text has 6 letters."""
    row = file_questions.ROW_SIZE + 6 * file_questions.LETTER_SIZE
    monkeypatch.setattr(file_questions, "FILE_SIZE", 1_000 * row)


def sent(batches: int, per_second: float) -> list[Batch]:
    """So many batches of 50 messages each, sent one after the other."""
    campaign: Campaign = factory.draft()
    moments = [START + SECOND * 50 * number / per_second for number in range(batches)]
    Batch.objects.bulk_create(
        Batch(
            campaign=campaign, number=number, size=50, state=BatchState.DONE,
            intended_at=moment, done_at=moment + SECOND / 10, in_flight_until=moment + 35 * SECOND,
        )
        for number, moment in enumerate(moments)
    )  # fmt: skip
    return list(Batch.objects.select_related("campaign").order_by("number"))


def window(question: bytes) -> tuple[datetime, datetime]:
    asked = json.loads(question)
    assert asked["message_type"] == "viber"
    since, until = (
        datetime.strptime(asked[name], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        for name in ("time_in_from", "time_in_to")
    )
    return since, until


@pytest.mark.parametrize(("per_second", "slack"), [(2, 60), (20, 10), (100, 2), (400, 0)], ids=str)
def test_windows_are_as_wide_as_the_size_of_files_allows(per_second: float, slack: int) -> None:
    due = sent(100, per_second)
    groups, others = _windows(due)
    assert others == []
    assert sorted(batch.number for group, _body in groups for batch in group) == list(range(100))
    messages = SentMessages({due[0].campaign_id})
    for group, body in groups:
        since, until = window(body)
        assert messages.between(since, until) <= 1_000
        assert group[0].intended_at is not None
        assert since == group[0].intended_at.replace(microsecond=0) - slack * SECOND
        assert group[-1].done_at is not None
        assert until == group[-1].done_at.replace(microsecond=0) + slack * SECOND


def test_what_no_window_can_tell_apart_is_asked_for_otherwise() -> None:
    groups, others = _windows(sent(100, 5_000))
    assert (groups, len(others)) == ([], 100)


def test_a_second_with_too_many_messages_is_a_file_of_its_own() -> None:
    due = sent(60, 900)
    groups, others = _windows(due)
    messages = SentMessages({due[0].campaign_id})
    sizes = [messages.between(*window(body)) for _group, body in groups]
    assert others == []
    assert sum(len(group) for group, _body in groups) == 60
    assert max(sizes) > 1_000
    assert max(sizes) <= 2_000


def test_a_long_pause_ends_a_window() -> None:
    due = sent(4, 2)
    later = START + timedelta(hours=1)
    Batch.objects.filter(number__gte=2).update(intended_at=later, done_at=later)
    due = list(Batch.objects.select_related("campaign").order_by("number"))
    assert [[batch.number for batch in group] for group, _body in _windows(due)[0]] == [
        [0, 1],
        [2, 3],
    ]
