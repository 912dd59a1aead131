"""A write that is sent again is done once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from campaigns.api.answers import DEAD
from campaigns.models import ApiAnswer, ContactList
from campaigns.team import tasks
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient

pytestmark = pytest.mark.django_db


def test_the_same_request_gets_the_same_answer(api: ApiClient) -> None:
    first = api.post("lists", {"name": "A"}, Idempotency_Key="1")
    again = api.post("lists", {"name": "A"}, Idempotency_Key="1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert ContactList.objects.count() == 1


def test_another_request_with_the_key_is_refused(api: ApiClient) -> None:
    made = api.post("lists", {"name": "A"}, Idempotency_Key="1").json()
    for answer in (
        api.post("lists", {"name": "B"}, Idempotency_Key="1"),
        api.post("labels", {"name": "A"}, Idempotency_Key="1"),
        api.delete(f"lists/{made['id']}", Idempotency_Key="1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert ContactList.objects.count() == 1


def test_keys_of_other_tokens_are_other_keys(api: ApiClient, api_of: MakeClient) -> None:
    api.post("lists", {"name": "A"}, Idempotency_Key="1")
    answer = api_of().post("lists", {"name": "A"}, Idempotency_Key="1")
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_what_was_refused_may_be_sent_again(api: ApiClient) -> None:
    api.post("lists", {"name": "A"})
    assert api.post("lists", {"name": "A"}, Idempotency_Key="1").status_code == 409
    assert not ApiAnswer.objects.exists()
    ContactList.objects.all().delete()
    assert api.post("lists", {"name": "A"}, Idempotency_Key="1").status_code == 201


def test_a_request_that_is_under_way_waits(api: ApiClient) -> None:
    api.post("lists", {"name": "A"}, Idempotency_Key="1")
    ApiAnswer.objects.update(answered_at=None)
    answer = api.post("lists", {"name": "A"}, Idempotency_Key="1")
    assert (answer.status_code, answer.json()["code"]) == (409, "under_way")
    assert answer.headers["Retry-After"] == "1"


def test_a_request_whose_process_died_is_done_again(api: ApiClient) -> None:
    """Its transaction had the work and the answer: without the answer there is no work."""
    api.post("lists", {"name": "A"}, Idempotency_Key="1")
    ContactList.objects.all().delete()
    ApiAnswer.objects.update(answered_at=None)
    with time_machine.travel(timezone.now() + DEAD + timedelta(seconds=1)):
        assert api.post("lists", {"name": "A"}, Idempotency_Key="1").status_code == 201
    assert ApiAnswer.objects.get().answered_at is not None


def test_nobody_knows_what_a_dead_process_did_in_its_own_transactions(api: ApiClient) -> None:
    made = api.post("lists", {"name": "A"}).json()
    assert api.delete(f"lists/{made['id']}", Idempotency_Key="1").status_code == 204
    assert api.delete(f"lists/{made['id']}", Idempotency_Key="1").status_code == 204
    ApiAnswer.objects.update(answered_at=None)
    with time_machine.travel(timezone.now() + DEAD + timedelta(seconds=1)):
        answer = api.delete(f"lists/{made['id']}", Idempotency_Key="1")
    assert (answer.status_code, answer.json()["code"]) == (409, "outcome_unknown")


def test_work_and_answer_are_one_transaction(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("the process dies")

    monkeypatch.setattr("campaigns.api.resources.lists.send", fail)
    with pytest.raises(RuntimeError):
        api.post("lists", {"name": "A"}, Idempotency_Key="1")
    assert not ContactList.objects.exists()
    assert not ApiAnswer.objects.exists()


def test_nothing_stays_of_a_request_that_is_refused_half_way(api: ApiClient) -> None:
    made = api.post("lists", {"name": "A", "fields": [{"name": "sum", "type": "number"}]}).json()
    changes = {"name": "B", "fields": [{"name": "sum", "type": "date"}]}
    assert api.patch(f"lists/{made['id']}", changes).status_code == 409
    assert ContactList.objects.get().name == "A"


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
def test_a_key_that_is_none(api: ApiClient, key: str) -> None:
    answer = api.post("lists", {"name": "A"}, Idempotency_Key=key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_answers_are_kept_for_a_day(api: ApiClient) -> None:
    api.post("lists", {"name": "A"}, Idempotency_Key="1")
    with time_machine.travel(timezone.now() + timedelta(hours=23)):
        tasks.prune()
        assert ApiAnswer.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        tasks.prune()
        assert ApiAnswer.objects.count() == 0
