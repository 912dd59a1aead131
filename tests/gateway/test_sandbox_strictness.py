"""The sandbox is as strict as the contract: bodies that the client would never send."""

import json
from typing import Any

import pytest
import requests

from tests.gateway.requests_made import sample
from tests.sandbox_fixture import RunningSandbox, strict_sandbox

GOOD: dict[str, Any] = json.loads(sample("request_text.json"))
MESSAGE: dict[str, Any] = GOOD["messages"][0]


def call(
    sandbox: RunningSandbox,
    body: Any,
    method: str = "PUT",
    path: str = "/viber/create",
    **headers: str,
) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.request(
        method,
        sandbox.api_url + path,
        data=data,
        headers={"X-API-KEY": sandbox.key} | headers,
        timeout=10,
    )


def message(**fields: Any) -> dict[str, Any]:
    """A good request whose message has these fields; None takes a field away."""
    made = {name: value for name, value in (MESSAGE | fields).items() if value is not None}
    return GOOD | {"messages": [made]}


def viber(**options: Any) -> dict[str, Any]:
    return message(options={"viber": options})


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_create_accepts_put_and_post(sandbox: RunningSandbox, method: str) -> None:
    answer = call(sandbox, GOOD, method)
    assert answer.status_code == 200
    assert (
        answer.content == b'{"result":[{"error":0,"errorDescription":"No'
        b' errors","reference":"c1a0000000000001","id":"470000001",'
        b'"price":0.0230000,"currency":"EUR"}],"currency":"EUR","total_price":0.0230000}'
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 7),
        (b"no json", 7),
        (b"\xff", 7),
        (b"[" * 100_000, 7),
        ([], 7),
        (GOOD | {"surplus": 1}, 7),
        (GOOD | {"tariff": "x"}, 7),
        (GOOD | {"tariff": True}, 7),
        (GOOD | {"tariff": 1.5}, 7),
        ({"validity": 60}, 3),
        (GOOD | {"messages": []}, 44),
        (GOOD | {"messages": {}}, 44),
        (GOOD | {"messages": [7]}, 44),
        (GOOD | {"validity": "24 h"}, 48),
        (GOOD | {"validity": 60.5}, 48),
        (message(to=None), 3),
        (message(to={}), 44),
        (message(to=["380972920283"]), 44),
        (message(to=[{"msisdn": True}]), 44),
        (message(to=[{"msisdn": "380972920283", "external_id": "a"}]), 44),
        (message(to=[{"msisdn": "380972920283", "reference": 7}]), 44),
        (message(text=None), 3),
        (message(text=7), 44),
        (message(alpha_name=None), 3),
        (message(is_promotional="true"), 44),
        (message(is_promotional=2), 44),
        (GOOD | {"validity": 0}, 48),
        (GOOD | {"validity": 14}, 48),
        (message(surplus=1), 44),
        (message(options=[]), 44),
        (message(options={"sms": {}}), 44),
        (viber(picture="x"), 44),
        (viber(caption="Go"), 49),
        (viber(action="https://example.com"), 49),
        (viber(img="https://example.com/a.png"), 49),
        (viber(img="https://example.com/a.svg", caption="Go", action="https://example.com"), 49),
        (viber(alt_route="sms"), 49),
        (viber(alt_route={"originator": "abc"}), 49),
        (viber(alt_route={"text": "abc"}), 49),
        (message(scheduledDatetime="tomorrow"), 10),
        (message(scheduledDatetime="2099-01-01T10:00:00"), 10),
        (message(scheduledDatetime="2020-01-01T10:00:00+00:00"), 10),
        (message(callback_url="https://example.com", to=[{"msisdn": "380972920283"}]), 44),
    ],
)
def test_create_refuses_the_whole_request(sandbox: RunningSandbox, body: Any, code: int) -> None:
    answer = call(sandbox, body)
    assert answer.status_code == 200
    assert answer.json()["error"] == str(code)
    assert answer.json()["errorDescription"]
    assert sandbox.bill()["messages"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"messages": GOOD["messages"]},
        message(to=[{"msisdn": "380972920283"}]),
        message(scheduledDatetime="2099-01-01T10:00:00+02:00"),
        message(scheduledDatetime="2099-01-01T10:00:00Z"),
        viber(),
        viber(caption="Go", action="https://example.com"),
        viber(alt_route={"originator": "123456789012345", "text": "x" * 765}),
    ],
)
def test_create_accepts(sandbox: RunningSandbox, body: Any) -> None:
    assert call(sandbox, body).json()["result"][0]["error"] == 0


ROUTE = {"originator": "testsms", "text": "Hello"}


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        (message(to=[{"msisdn": 380972920283}]), "msisdn is a number"),
        (message(is_promotional=None), "is_promotional is missing"),
        (message(is_promotional=0), "is_promotional is a number"),
        (message(is_promotional=1), "is_promotional is a number"),
        (GOOD | {"tariff": None}, "tariff is null"),
        (GOOD | {"tariff": "0"}, "tariff is a string"),
        (GOOD | {"validity": "86400"}, "validity is a string"),
        (GOOD | {"validity": 1}, "validity is 1"),
        (viber(alt_route=ROUTE | {"callback_url": "x"}), "alt_route has callback_url"),
        (viber(alt_route=ROUTE | {"reference": "x"}), "alt_route has reference"),
    ],
)
def test_what_the_vendors_clients_send_is_accepted_and_noted(
    sandbox: RunningSandbox, body: Any, violation: str
) -> None:
    assert call(sandbox, body).json()["result"][0]["error"] == 0
    assert sandbox.take_violations() == [violation]
    assert sandbox.violations() == []
    assert call(sandbox, body, path="/viber/price").json()["totalprice"] == 0.023
    assert sandbox.take_violations() == [violation]


def test_a_validity_of_24_seconds_is_within_the_contract(sandbox: RunningSandbox) -> None:
    assert call(sandbox, GOOD | {"validity": 24}).json()["result"][0]["error"] == 0


def test_violations_are_noted_once_a_call_with_time_and_address(sandbox: RunningSandbox) -> None:
    to = [{"msisdn": 380972920283}, {"msisdn": 380972920284}]
    call(sandbox, message(to=to, is_promotional=1) | {"tariff": None, "validity": "60"})
    url = f"{sandbox.url}/sandbox/violations"
    noted = requests.get(url, timeout=10).json()["violations"]
    assert sandbox.take_violations() == [
        "is_promotional is a number",
        "msisdn is a number",
        "validity is a string",
        "tariff is null",
    ]
    assert {(violation["method"], violation["path"]) for violation in noted} == {
        ("PUT", "/viber/create")
    }
    assert all(violation["at"] > 1.7e9 for violation in noted)


def test_a_violation_that_is_not_taken_fails_the_test() -> None:
    with (
        pytest.raises(AssertionError, match="tariff is null"),
        strict_sandbox() as sandbox,
    ):
        call(sandbox, GOOD | {"tariff": None})


def test_a_message_without_recipients_has_an_entry_of_its_own(sandbox: RunningSandbox) -> None:
    empty = {"error": 44, "errorDescription": "to is empty"}
    answered = call(sandbox, message(to=[])).json()
    assert answered["result"] == [empty]
    both = GOOD | {"messages": [MESSAGE, MESSAGE | {"to": []}]}
    entries = call(sandbox, both).json()["result"]
    assert ([entry["error"] for entry in entries], entries[1]) == ([0, 44], empty)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/common/balance", "/viber/balance", "/common/getbalance"])
def test_the_balance_answers_as_the_vendors_clients_ask(
    sandbox: RunningSandbox, method: str, path: str
) -> None:
    answered = call(sandbox, b"", method, path)
    assert answered.json() == {
        "error": 0,
        "errorDescription": "No errors",
        "amount": "1000000",
        "currency": "EUR",
        "limit": "10",
    }
    is_documented = (method, path) == ("GET", "/common/balance")
    assert len(sandbox.take_violations()) == (0 if is_documented else 1)


def test_an_entry_has_no_reference_if_the_recipient_has_none(sandbox: RunningSandbox) -> None:
    entries = call(sandbox, message(to=[{"msisdn": "380972920283"}, {"msisdn": "12"}])).json()[
        "result"
    ]
    assert [(entry["error"], "reference" in entry) for entry in entries] == [
        (0, False),
        (41, False),
    ]


def test_no_key_is_http_401(sandbox: RunningSandbox) -> None:
    answer = requests.put(f"{sandbox.api_url}/viber/create", json=GOOD, timeout=10)
    assert (answer.status_code, answer.json()) == (
        401,
        {"code": 401, "message": "X-API-KEY is missing", "errors": {}},
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/viber/nothing/here", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/viber/470000001", 404),
        ("GET", "/viber/create", 405),
        ("GET", "/viber/price", 405),
    ],
)
def test_an_address_that_does_not_exist_is_error_4(
    sandbox: RunningSandbox, method: str, path: str, status: int
) -> None:
    answer = call(sandbox, b"", method, path)
    assert (answer.status_code, answer.json()["error"]) == (status, "4")


def test_a_status_has_the_documented_fields(sandbox: RunningSandbox) -> None:
    two_parts = {"viber": {"alt_route": {"originator": "abc", "text": "x" * 161}}}
    call(sandbox, message(to=[{"msisdn": "380972929003", "reference": "a"}], options=two_parts))
    sandbox.settle()
    status = call(sandbox, b"", "GET", "/viber/reference/a").json()
    assert list(status) == [
        "error",
        "errorDescription",
        "id",
        "msisdn",
        "reference",
        "time_in",
        "time_sent",
        "time_dr",
        "status",
        "price",
        "currency",
        "alt_route",
    ]
    assert (status["status"], status["price"]) == ("not_viber_user", "0")
    assert status["alt_route"] == [
        {"channel": "sms", "id": "1470000001", "status": "delivered", "price": "0.1269000"}
    ]


def test_a_body_without_a_length_is_refused(sandbox: RunningSandbox) -> None:
    answer = requests.put(f"{sandbox.api_url}/viber/create", data=iter([b"{}"]), timeout=10)
    assert answer.status_code == 400
