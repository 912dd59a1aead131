"""Requests with one Idempotency-Key at the same time, as by several web processes: each thread has
a connection of its own.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from campaigns.api import answers
from campaigns.models import ApiAnswer, AuditEntry, CampaignState, Note
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)
REQUESTS = 8
TEXT = "Not for the weekend."


def in_threads(*tasks: Callable[[], Any]) -> list[Any]:
    """What each of `tasks` returned."""

    def run(task: Callable[[], Any]) -> Any:
        try:
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


@pytest.fixture
def add_note(api_of: MakeClient) -> Callable[[], Any]:
    """Adds a note with one key for all; nothing else keeps two equal notes from being added."""
    api, campaign = api_of(), make_campaign(state=CampaignState.FINISHED)

    def add() -> Any:
        client = ApiClient(Client(), api.token, api.text)
        address = f"campaigns/{campaign.pk}/notes"
        return client.post(address, {"text": TEXT}, Idempotency_Key="1")

    return add


def test_of_requests_at_once_one_is_done(
    add_note: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them claims the key before all are about to."""
    begin, claim = threading.Barrier(REQUESTS, timeout=60), answers._claim

    def together(*args: Any) -> Any:
        begin.wait()
        return claim(*args)

    with monkeypatch.context() as patch:
        patch.setattr(answers, "_claim", together)
        responses = in_threads(*[add_note] * REQUESTS)
    note = Note.objects.get()
    assert AuditEntry.objects.filter(subject=f"campaign:{note.campaign_id}").count() == 1
    done = [answer for answer in responses if answer.status_code == 201]
    waiting = [answer for answer in responses if answer.status_code == 409]
    assert len(done) + len(waiting) == REQUESTS
    assert len([each for each in done if "Idempotency-Replayed" not in each.headers]) == 1
    assert {answer.json()["id"] for answer in done} == {note.pk}
    assert {answer.json()["code"] for answer in waiting} <= {"under_way"}
    assert ApiAnswer.objects.get().status == 201
    assert add_note().content == done[0].content


def test_while_the_first_is_under_way_the_others_are_told_so(
    add_note: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held between its claim and its work until the others are answered."""
    claimed, go_on = threading.Event(), threading.Event()
    do = answers._do

    def held(*args: Any, **options: Any) -> Any:
        claimed.set()
        assert go_on.wait(60)
        return do(*args, **options)

    monkeypatch.setattr(answers, "_do", held)

    def others() -> list[Any]:
        assert claimed.wait(60)
        refused = [add_note() for _number in range(3)]
        go_on.set()
        return refused

    made, refused = in_threads(add_note, others)
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (409, "under_way")
        assert answer.headers["Retry-After"] == "1"
    assert made.status_code == 201
    assert Note.objects.count() == 1
    again = add_note()
    assert (again.content, again.headers["Idempotency-Replayed"]) == (made.content, "true")
