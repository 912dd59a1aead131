"""The statistics files of the sandbox, asked for by the client."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.statistics_files import for_ids, for_window, mark_of
from campaigns.gateway.errors import GatewayRefused
from campaigns.gateway.types import Accepted, StatisticsRow
from tests.gateway.requests_made import text_request, to_references
from tests.sandbox_fixture import KEY, RunningSandbox

PHONES = ("380972929001", "380972929002", "380972929003", "380972929012")


def send(client: Client) -> list[str]:
    """Send to PHONES, whose messages end delivered, read, not_viber_user and at half the price;
    return their ids.
    """
    answer = client.send(text_request(*((phone, phone) for phone in PHONES)))
    return [each.gateway_id for each in answer.verdicts.values() if isinstance(each, Accepted)]


def refusal(call: Any, *arguments: object) -> int:
    with pytest.raises(GatewayRefused) as refused:
        call(*arguments)
    return refused.value.code


def states(client: Client) -> dict[str, str]:
    return {file.key: file.status for file in client.files()}


def raw(sandbox: RunningSandbox, method: str, path: str, **options: Any) -> dict[str, Any]:
    reply: dict[str, Any] = requests.request(
        method, f"{sandbox.api_url}{path}", headers={"X-API-KEY": KEY}, timeout=10, **options
    ).json()
    return reply


@pytest.mark.parametrize("shape", ["object", "array"])
@pytest.mark.parametrize("rows", ["documented", "blanks", "strings"])
def test_a_file_has_what_the_status_calls_say(
    sandbox: RunningSandbox, shape: str, rows: str
) -> None:
    client = sandbox.client()
    sandbox.faults(files_s=0, files_shape=shape, files_rows=rows)
    ids = send(client)
    sandbox.settle()
    content = client.fetch_file(client.create_file(for_ids([*ids, "470009999"])))
    assert content.unreadable == 0
    assert [row.status for row in content.rows] == [
        "delivered",
        "read",
        "not_viber_user",
        "delivered",
    ]
    assert [str(row.price) for row in content.rows] == [
        "0.0230000",
        "0.0230000",
        "0E-7",
        "0.0115000",
    ]
    for row in content.rows:
        status = client.status_by_id(row.gateway_id)
        assert status
        assert row == StatisticsRow(
            status.gateway_id,
            "viber",
            status.msisdn,
            status.status,
            status.price,
            "EUR",
            status.time_in,
            status.time_sent,
            status.time_dr,
        )


def test_shapes_and_spellings_come_at_random_from_the_seed(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(files_s=0)
    ids = send(client)
    for _ in range(10):
        key = client.create_file(for_ids(ids))
        assert len(client.fetch_file(key).rows) == 4
        client.delete_file(key)
    met = sandbox.bill()["faults"]
    assert met["files_shape=object"] + met["files_shape=array"] == 10
    assert {name for name in met if name.startswith("files_rows=")} == {
        "files_rows=documented",
        "files_rows=blanks",
        "files_rows=strings",
    }


def test_a_file_of_a_window_has_the_messages_that_came_in_then(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(files_s=0)
    ids, now = send(client), datetime.now(UTC)
    minute = timedelta(minutes=1)
    around = client.fetch_file(client.create_file(for_window(now - minute, now + minute)))
    assert [row.gateway_id for row in around.rows] == ids
    before = client.create_file(for_window(now - 2 * minute, now - minute))
    assert refusal(client.fetch_file, before) == 93
    asked = {"time_in_from": f"{now - minute:%F %T}", "time_in_to": f"{now + minute:%F %T}"}
    one = raw(sandbox, "GET", "/stat/create", params=asked | {"msisdn[]": PHONES[1]})["key"]
    assert [row.msisdn for row in client.fetch_file(one).rows] == [PHONES[1]]


def test_an_account_has_five_files_until_one_is_deleted(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(files_s=0, files_others=2)
    ids = send(client)
    keys = [client.create_file(for_ids(ids)) for _ in range(3)]
    assert refusal(client.create_file, for_ids(ids)) == 92
    assert [(file.key, file.mark) for file in client.files()] == [
        ("others0", ""),
        ("others1", ""),
        *((key, mark_of(for_ids(ids))) for key in keys),
    ]
    client.delete_file(keys[0])
    assert refusal(client.delete_file, keys[0]) == refusal(client.fetch_file, keys[0]) == 90
    assert client.create_file(for_ids(ids)) not in keys
    client.delete_file("others0")
    assert sandbox.take_violations() == ["a file of others was deleted"]
    assert len(client.files()) == 5


def test_a_file_is_ready_after_its_seconds_and_lists(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(files_s=60, files_lists=2)
    key = client.create_file(for_ids(send(client)))
    sandbox.advance(59)
    assert refusal(client.fetch_file, key) == 91
    assert states(client) == {key: "in progress"}
    sandbox.advance(2)
    assert refusal(client.fetch_file, key) == 91
    assert states(client) == {key: "done"}
    # as it was asked for, not as it is by now
    assert {row.status for row in client.fetch_file(key).rows} == {"new"}


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [({"files": "stuck"}, "in progress", 91), ({"files": "failed"}, "error", 91)],
)
def test_files_that_are_never_ready(
    sandbox: RunningSandbox, faults: dict[str, object], status: str, code: int
) -> None:
    client = sandbox.client()
    sandbox.faults(files_s=0, **faults)
    key = client.create_file(for_ids(send(client)))
    sandbox.advance(1_000_000)
    assert states(client) == {key: status}
    assert refusal(client.fetch_file, key) == code


def test_a_gateway_without_files(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(files="off")
    for call, arguments in (
        (client.create_file, [for_ids(["1"])]),
        (client.files, []),
        (client.fetch_file, ["a"]),
        (client.delete_file, ["a"]),
    ):
        assert refusal(call, *arguments) == 4


def test_files_that_lie(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    ids = send(client)
    sandbox.settle()
    sandbox.faults(files_s=0, files_wrong_price=100)
    rows = client.fetch_file(client.create_file(for_ids(ids))).rows
    assert [row.price for row in rows] == [
        Decimal(price) for price in ("0.0330000", "0.0330000", "0.0100000", "0.0215000")
    ]
    sandbox.faults(files_s=0, files_wrong_status=100)
    rows = client.fetch_file(client.create_file(for_ids(ids))).rows
    assert [row.status for row in rows] == ["read", "rejected", "read", "read"]
    sandbox.faults(files_s=0, files_missing=100)
    assert refusal(client.fetch_file, client.create_file(for_ids(ids))) == 93


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, 3),
        ({"message_id": []}, 80),
        ({"message_id": [1] * 301}, 80),
        ({"message_id": "470000001"}, 80),
        ({"message_type": "fax"}, 81),
        ({"status": "Teleported"}, 83),
        ({"time_in_from": "2026-01-01", "time_in_to": "2026-01-02"}, 86),
        ({"time_in_from": "2026-01-02 00:00:00", "time_in_to": "2026-01-01 00:00:00"}, 86),
        ({"msisdn": "+380"}, 87),
        ({"message_ids": [1]}, 7),
    ],
)
def test_what_a_file_cannot_be_asked_by(
    sandbox: RunningSandbox, asked: dict[str, Any], code: int
) -> None:
    assert raw(sandbox, "POST", "/stat/create", json=asked)["error"] == str(code)


def test_a_reset_forgets_the_files(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    client.send(to_references("a"))
    client.create_file(for_ids(["470000001"]))
    sandbox.reset()
    assert client.files() == []
