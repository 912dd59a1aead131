"""Statistics files: the bytes of the calls for them, and each documented shape of an answer."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.statistics_files import for_ids, for_window, mark_of
from campaigns.gateway.errors import GatewayRefused, GatewayUnreadable
from campaigns.gateway.types import StatisticsFile, StatisticsRow, StatisticsRows
from tests.gateway.raw_server import answer, raw_server, read_request

ROW = (
    b'{"message_ID": 1529112192, "message_type": "viber", "msisdn": 380505142320, "Country_name":'
    b' "Ukraine", "brand_name": "Shop", "mcc": "255", "mnc": "01", "originator": "Shop", "price":'
    b' "0.0230000 EUR", "Incoming date": "2020-10-22 17:28:45", "Sending date": "2020-10-22 17: 28:'
    b' 46", "DLR Date": "2020-10-22  17:28:47 ", "Status": "Delivered", "body": "Hi, \\"[{\\""}'
)
READ_ROW = StatisticsRow(
    gateway_id="1529112192",
    channel="viber",
    msisdn="380505142320",
    status="delivered",
    price=Decimal("0.0230000"),
    currency="EUR",
    time_in=datetime(2020, 10, 22, 17, 28, 45, tzinfo=UTC),
    time_sent=datetime(2020, 10, 22, 17, 28, 46, tzinfo=UTC),
    time_dr=datetime(2020, 10, 22, 17, 28, 47, tzinfo=UTC),
)


def exchange(
    call: Callable[[Client], Any], body: bytes, status: str = "200 OK", key: str = "live_x_000001"
) -> tuple[bytes, bytes, Any]:
    """The request line and the body that `call` sends, and what it makes of the answer `body`."""
    requests: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(answer(body, status=status))

    with raw_server(script) as server:
        client = Client(server.url, key)
        try:
            made = call(client)
        finally:
            client.close()
    head, _gap, sent = requests[0].partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], sent, made


def fetched(body: bytes) -> StatisticsRows:
    rows: StatisticsRows = exchange(lambda client: client.fetch_file("a1"), body)[2]
    return rows


def test_files_are_asked_for_by_ids() -> None:
    assert exchange(
        lambda client: client.create_file(for_ids(["470000001", "id7"])),
        b'{"error": 0, "key": "a109"}',
    ) == (b"POST /rest/stat/create HTTP/1.1", b'{"message_id": [470000001, "id7"]}', "a109")


def test_files_are_asked_for_by_window_in_utc() -> None:
    since = datetime(2026, 1, 5, 1, 0, 9, tzinfo=timezone(timedelta(hours=2)))
    until = datetime(2026, 1, 5, 3, 4, 5, 999_999, tzinfo=UTC)
    assert exchange(
        lambda client: client.create_file(for_window(since, until)),
        b'{"error": "0", "result": {"key": 12}}',
    ) == (
        b"POST /rest/stat/create HTTP/1.1",
        b'{"time_in_from": "2026-01-04 23:00:09", "time_in_to": "2026-01-05 03:04:05",'
        b' "message_type": "viber"}',
        "12",
    )


def test_the_list_has_the_files_of_others_and_those_that_cannot_be_read() -> None:
    listed = (
        b'{"error": 0, "result": [{"key": "a1", "request": {}, "status": "Done"}, {"key": "b2",'
        b' "status": "Error"}, {"key": "c3"}, 7]}'
    )
    line, _body, files = exchange(lambda client: client.files(), listed)
    assert line == b"GET /rest/stat/list HTTP/1.1"
    assert files == [
        StatisticsFile("a1", "done"),
        StatisticsFile("b2", "error"),
        StatisticsFile("c3", ""),
        StatisticsFile("", ""),
    ]
    assert [file.is_done for file in files] == [True, False, False, False]
    assert [file.has_failed for file in files] == [False, True, False, False]


def test_files_are_fetched_as_json_and_deleted_by_their_key() -> None:
    line, _body, rows = exchange(
        lambda client: client.fetch_file("a/1"), b'{"error": 0, "message_data": [%s]}' % ROW
    )
    assert line == b"GET /rest/stat/file/id/a%2F1/format/json HTTP/1.1"
    assert rows == StatisticsRows((READ_ROW,))
    line, body, _made = exchange(lambda client: client.delete_file("a/1"), b'{"error": 0}')
    assert (line, body) == (b"DELETE /rest/exports/file?id=a%2F1 HTTP/1.1", b"")


@pytest.mark.parametrize(
    "written",
    [
        b'{"error": 0, [%s]}',
        b'{"error": "0", "errorDescription": "No errors", [%s]}',
        b'{ "error" : 0 ,\n [\n%s\n]\n}',
    ],
)
def test_an_array_without_a_name_is_read_as_the_other_shape(written: bytes) -> None:
    assert fetched(written % ROW) == StatisticsRows((READ_ROW,))


def test_keys_are_read_in_any_spelling_and_unreadable_rows_are_counted() -> None:
    rows = fetched(
        b'{"error": 0, "message_data": [{"MESSAGE ID": "470000001", "incoming_date": "",'
        b' "DLR-Date": "soon", "STATUS": "NOT-VIBER-USER", "Price": "0.068999999999999999 EUR"},'
        b' {"message_ID": 5, "status": "teleported", "price": 0.5, "currency": "usd"},'
        b' {"message_ID": 6, "status": "read", "price": "free"}, {"message_ID": 7}, {"status":'
        b' "read"}, 8, null]}'
    )
    assert rows.unreadable == 4
    assert rows.rows == (
        StatisticsRow("470000001", "", "", "not_viber_user", Decimal("0.0690000"), "EUR"),
        StatisticsRow("5", "", "", "teleported", Decimal("0.5000000"), "USD"),
        StatisticsRow("6", "", "", "read", None, ""),
    )


def test_the_random_prices_of_a_test_key_count_as_nothing() -> None:
    body = b'{"error": 0, "message_data": [%s]}' % ROW
    rows = exchange(lambda client: client.fetch_file("a1"), body, key="test_x_000001")[2].rows
    assert [row.price for row in rows] == [Decimal(0)]


@pytest.mark.parametrize("code", [90, 91, 92, 93])
def test_an_error_code_refuses(code: int) -> None:
    with pytest.raises(GatewayRefused) as refused:
        fetched(b'{"error": "%d", "errorDescription": "no"}' % code)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "body", [b"{}", b'{"error": 0, "message_data": {}}', b'{"error": 0, [}', b"[]", b"<html>"]
)
def test_other_answers_are_unreadable(body: bytes) -> None:
    with pytest.raises(GatewayUnreadable) as unreadable:
        fetched(body)
    assert unreadable.value.body == body.decode()


@pytest.mark.parametrize("count", [0, 301])
def test_no_file_is_asked_for_more_than_300_messages(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 300"):
        for_ids(["1"] * count)


def test_the_list_tells_which_file_answers_which_question() -> None:
    since = datetime(2026, 1, 5, 1, 0, 9, tzinfo=UTC)
    by_ids, by_window = for_ids(["12", "7"]), for_window(since, since)
    listed = (
        b'{"error": 0, "result": [{"key": "a", "request": {"message_id": ["7", 12]}}, {"key": "b",'
        b' "request": {"time_in_from": "2026-01-05 01:00:09", "time_in_to": "2026-01-05 01:00:09",'
        b' "source_type": "api"}}, {"key": "c", "request": {"status": "read"}}]}'
    )
    files = exchange(lambda client: client.files(), listed)[2]
    assert [file.mark for file in files] == [mark_of(by_ids), mark_of(by_window), ""]


def test_a_gateway_without_files_has_no_such_function() -> None:
    with pytest.raises(GatewayRefused) as refused:
        exchange(lambda client: client.files(), b"<html>", "404 Not Found")
    assert refused.value.code == 4
