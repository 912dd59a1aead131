"""The client against the sandbox, over a real socket: both follow the same contract."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayRefused
from campaigns.gateway.sandbox.faults import CALL_FAULTS
from campaigns.gateway.types import (
    Accepted,
    Address,
    Balance,
    Message,
    Quote,
    Refusal,
    SendRequest,
    SmsFallback,
    Unknown,
)
from tests.gateway.requests_made import WHOLE, sample, text_request, to_references
from tests.sandbox_fixture import RunningSandbox

UA = "0.0230000"  # EUR, what a Viber message to Ukraine costs
MESSAGE = text_request().messages[0]
PLAIN = replace(WHOLE, messages=(replace(WHOLE.messages[0], scheduled_at=None, callback_url=""),))


def changed(**change: Any) -> SendRequest:
    return SendRequest((replace(MESSAGE, **change),))


@pytest.mark.parametrize("shape", ["A", "B"])
def test_send_accepts_with_id_and_price(sandbox: RunningSandbox, shape: str) -> None:
    sandbox.faults(shape=shape)
    answer = sandbox.client().send(PLAIN)
    assert answer.verdicts == {
        "c1a0000000000001": Accepted("470000001", Decimal("0.0201250"), "EUR"),
        "c1a0000000000002": Accepted("470000002", Decimal("0.0201250"), "EUR"),
    }
    assert answer.body.encode() == sample(f"sandbox_answer_{shape.lower()}.json")
    assert answer.total_price == (Decimal("0.0402500") if shape == "A" else None)


def test_send_transmits_every_field(sandbox: RunningSandbox) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    message = replace(WHOLE.messages[0], scheduled_at=soon)
    assert sandbox.client().send(replace(WHOLE, messages=(message,))).refused_whole is None
    body = json.loads(sandbox.requests()[0]["body"])
    written = json.loads(sample("request_whole.json"))
    written["messages"][0]["scheduledDatetime"] = soon.isoformat()
    assert body == written
    assert sandbox.requests()[0]["source"] == "ViberDash"
    shown = sandbox.messages()[0]
    assert {
        name: shown[name]
        for name in ("sender", "text", "promotional", "image_url", "button_caption", "button_url")
    } == {
        "sender": message.sender,
        "text": message.text,
        "promotional": True,
        "image_url": message.image_url,
        "button_caption": message.button_caption,
        "button_url": message.button_url,
    }
    assert (shown["sms"], shown["validity"], shown["tariff"], shown["status"]) == (
        {"sender": "testsms", "text": "Sale: 20 % <today>", "parts": 1},
        3600,
        1,
        "scheduled",
    )


def test_sending_twice_sends_no_message_twice(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    client.send(to_references("a", "b"))
    answer = client.send(to_references("b", "a", "c"))
    assert answer.verdicts["a"] == answer.verdicts["b"] == Refusal(43, "Reference exists already")
    assert isinstance(answer.verdicts["c"], Accepted)
    assert answer.refused_whole is None
    assert sandbox.bill()["messages"] == 3


def test_send_from_many_threads_bills_each_once(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    requests = [
        text_request(*((f"38097{batch:02d}{k:05d}", f"{batch}x{k}") for k in range(50)))
        for batch in range(40)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.send, requests))
    ids = {
        verdict.gateway_id
        for answer in answers
        for verdict in answer.verdicts.values()
        if isinstance(verdict, Accepted)
    }
    assert len(ids) == 2000
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"], bill["doubled_phones"], bill["requests"]) == (
        2000,
        2000,
        0,
        40,
    )
    assert (
        sum((answer.total_price or Decimal(0) for answer in answers), Decimal(0))
        == Decimal(UA) * 2000
    )


@pytest.mark.parametrize(
    ("request_made", "code"),
    [
        (replace(text_request(), tariff=3), 6),
        (replace(text_request(), tariff=10), 6),
        (replace(text_request(), tariff=9), 9),
        (replace(text_request(), validity=14), 48),
        (changed(scheduled_at=datetime(2020, 1, 1, tzinfo=UTC)), 10),
        (to_references(*(str(k) for k in range(51))), 12),
        (changed(sender="Unregistered"), 45),
        (changed(sender="x" * 15), 45),
        (changed(sender=""), 45),
        (changed(button_caption="Go"), 49),
        (changed(image_url="https://example.com/a.png"), 49),
        (changed(sms=SmsFallback("ab", "text")), 49),
        (changed(callback_url="nowhere"), 44),
        (SendRequest(()), 44),
    ],
)
def test_send_refuses_the_whole_request(
    sandbox: RunningSandbox, request_made: SendRequest, code: int
) -> None:
    answer = sandbox.client().send(request_made)
    assert answer.refused_whole
    assert answer.refused_whole.code == code
    assert set(answer.verdicts.values()) <= {answer.refused_whole}
    assert sandbox.bill()["messages"] == 0


@pytest.mark.parametrize(
    ("request_made", "code"),
    [
        (changed(text=""), 46),
        (changed(text="x" * 1001), 46),
        (text_request(("0972920283", "a")), 41),
        (text_request(("380972920283", "with-a-dash")), 47),
    ],
)
def test_send_refuses_a_recipient_in_its_entry(
    sandbox: RunningSandbox, request_made: SendRequest, code: int
) -> None:
    answer = sandbox.client().send(request_made)
    assert [
        verdict.code for verdict in answer.verdicts.values() if isinstance(verdict, Refusal)
    ] == [code]
    assert answer.refused_whole is None


def test_send_refuses_one_recipient_and_accepts_the_others(sandbox: RunningSandbox) -> None:
    request = text_request(
        ("380972920283", "a"), ("12", "b"), ("380972920283", "c"), ("380972920284", "d")
    )
    verdicts = sandbox.client().send(request).verdicts
    assert [
        verdict.code if isinstance(verdict, Refusal) else 0 for verdict in verdicts.values()
    ] == [0, 41, 51, 0]
    assert sandbox.bill()["refused"] == {"41": 1, "51": 1}


def test_send_refuses_one_message_and_accepts_the_other(sandbox: RunningSandbox) -> None:
    bad = replace(MESSAGE, to=(Address("40721000000", "bad"),), sender="Unregistered")
    verdicts = sandbox.client().send(SendRequest((MESSAGE, bad))).verdicts
    assert verdicts["bad"] == Refusal(45, "Sender not registered")
    assert isinstance(verdicts["c1a0000000000001"], Accepted)


@pytest.mark.parametrize(
    ("key", "code", "status"),
    [("wrong", 1, 200), ("live_blocked", 2, 200), ("live_forbidden", 1, 403)],
)
def test_invalid_keys_are_refused(
    sandbox: RunningSandbox, key: str, code: int, status: int
) -> None:
    client = sandbox.client(key)
    answer = client.send(text_request())
    assert answer.refused_whole
    assert (answer.refused_whole.code, answer.http_status) == (code, status)
    with pytest.raises(GatewayRefused, match=f"error {code}:"):
        client.balance()


def test_a_test_key_gets_answers_and_sends_nothing(sandbox: RunningSandbox) -> None:
    client = sandbox.client("test_1234567890")
    for _ in range(2):
        verdicts = client.send(to_references("a", "b")).verdicts.values()
        assert {type(verdict) for verdict in verdicts} == {Accepted}
        # its prices are random, and nothing is charged
        assert {verdict.price for verdict in verdicts if isinstance(verdict, Accepted)} == {0}
    assert sandbox.bill()["messages"] == 0
    by_reference, by_id = client.status_by_reference("a"), client.status_by_id("470000001")
    assert by_reference
    assert by_reference.status in ("sent", "delivered", "read")
    assert by_reference.price == 0
    assert by_id
    assert by_id.gateway_id == "470000001"


def test_status_by_reference_and_by_id(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    client.send(to_references("a"))
    status = client.status_by_reference("a")
    assert status
    assert status == client.status_by_id("470000001")
    assert (status.status, status.msisdn, status.reference) == ("new", "380972920000", "a")
    assert (status.price, status.currency, status.fallback) == (Decimal(UA), "EUR", ())
    assert status.time_in
    assert abs(datetime.now(UTC) - status.time_in) < timedelta(minutes=5)
    assert (status.time_sent, status.time_dr) == (None, None)


def test_status_of_an_unknown_message_is_none(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    assert client.status_by_reference("never") is None
    assert client.status_by_id("470000001") is None
    assert client.status_by_id("7") is None
    assert client.status_by_id("x") is None


@pytest.mark.parametrize("channel", ["viber", "sms"])
def test_prices_of_each_active_tariff(sandbox: RunningSandbox, channel: Any) -> None:
    client = sandbox.client()
    lists = [client.prices(channel, tariff) for tariff in (0, 1, 2)]
    assert [{row.currency for row in rows} for rows in lists] == [{"EUR"}, {"EUR"}, {"USD"}]
    assert {row.channel for row in lists[0]} == {channel}
    countries = [row.country for row in lists[0]]
    assert {"UA", "RO", "BG", "GR", "RS", "MD", "PL", "DE", ""} <= set(countries)
    assert countries.count("UA") == (1 if channel == "viber" else 4)
    assert lists[0][-1].country_name == "Other countries"
    for tariff in (3, 9):
        with pytest.raises(GatewayRefused, match="error 6:"):
            client.prices(channel, tariff)


def test_quote_equals_the_cost_of_the_send(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    to = tuple(
        Address(f"{prefix}721000000", f"r{prefix}") for prefix in ("380", "40", "359", "30", "1")
    )
    request = SendRequest((replace(MESSAGE, to=to),), tariff=2)
    quote = client.quote(request)
    assert sandbox.bill()["messages"] == 0
    answer = client.send(request)
    assert quote == Quote(Decimal("0.2202357"), "USD")
    assert (answer.total_price, answer.currency) == (quote.total, "USD")
    with pytest.raises(GatewayRefused, match="error 48:"):
        client.quote(replace(request, validity=14))


def test_balance_decreases_by_the_bill(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    assert client.balance() == Balance(Decimal(1_000_000), "EUR", Decimal(10))
    client.send(to_references("a", "b"))
    assert client.balance().amount == Decimal(1_000_000) - 2 * Decimal(UA)
    sandbox.fund("-9.9770000")
    assert client.balance().amount == Decimal("-9.977")


def test_funds_end_at_the_overdraft_limit(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.fund("-9.9540000")  # enough for two
    answer = client.send(to_references("a", "b", "c"))
    assert [type(verdict) for verdict in answer.verdicts.values()] == [Accepted, Accepted, Refusal]
    assert answer.verdicts["c"] == Refusal(8, "Not enough funds")
    assert answer.refused_whole is None
    assert client.send(to_references("d")).refused_whole == Refusal(8, "Not enough funds")
    sandbox.fund(100)
    assert isinstance(client.send(to_references("c")).verdicts["c"], Accepted)


def test_error_8_after_so_many_messages(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(error8_after=3)
    assert client.send(to_references("a", "b")).refused_whole is None
    assert [
        type(verdict) for verdict in client.send(to_references("c", "d")).verdicts.values()
    ] == [Accepted, Refusal]
    refused = client.send(to_references("d")).refused_whole
    assert refused
    assert refused.code == 8
    sandbox.faults()
    assert isinstance(client.send(to_references("d")).verdicts["d"], Accepted)


@pytest.mark.parametrize("fault", ["lost", "http500_after", "bad_json", "html", "half"])
def test_a_fault_after_accepting_is_unknown_until_asked_by_reference(
    sandbox: RunningSandbox, fault: str
) -> None:
    client = sandbox.client()
    sandbox.faults(**{fault: 100})
    answer = client.send(to_references("a", "b"))
    assert {type(verdict) for verdict in answer.verdicts.values()} == {Unknown}
    assert (answer.not_sent, answer.refused_whole, answer.throttled) == (False, None, False)
    sandbox.faults()
    assert client.send(to_references("a")).verdicts == {
        "a": Refusal(43, "Reference exists already")
    }
    status = client.status_by_reference("b")
    assert status
    assert status.gateway_id == "470000002"
    assert sandbox.bill()["messages"] == 2


@pytest.mark.parametrize("fault", ["lost_before", "http500"])
def test_a_fault_before_accepting_is_unknown_until_asked_by_reference(
    sandbox: RunningSandbox, fault: str
) -> None:
    client = sandbox.client()
    sandbox.faults(**{fault: 100})
    assert {type(verdict) for verdict in client.send(to_references("a")).verdicts.values()} == {
        Unknown
    }
    assert client.status_by_reference("a") is None
    sandbox.faults()
    assert isinstance(client.send(to_references("a")).verdicts["a"], Accepted)


@pytest.mark.parametrize(
    ("fault", "code", "throttled", "wait"),
    [("http429", 11, True, 2.5), ("error11", 11, True, None), ("error5", 5, False, None)],
)
def test_faults_that_refuse_the_request(
    sandbox: RunningSandbox, fault: str, code: int, throttled: bool, wait: float | None
) -> None:
    sandbox.faults(**{fault: 100}, retry_after=2.5)
    answer = sandbox.client().send(to_references("a"))
    assert answer.refused_whole
    assert (answer.refused_whole.code, answer.throttled, answer.retry_after) == (
        code,
        throttled,
        wait,
    )
    assert sandbox.bill()["messages"] == 0


def test_recipients_without_an_entry_are_unknown(sandbox: RunningSandbox) -> None:
    sandbox.faults(missing=100)
    verdicts = sandbox.client().send(to_references("a", "b", "c", "d")).verdicts
    assert [type(verdict) for verdict in verdicts.values()] == [
        Unknown,
        Accepted,
        Accepted,
        Unknown,
    ]
    assert sandbox.bill()["messages"] == 4


def test_an_answer_that_drips_ends_at_the_deadline(sandbox: RunningSandbox) -> None:
    sandbox.faults(drip=100)
    answer = sandbox.client(deadline=0.5).send(to_references("a"))
    assert isinstance(answer.verdicts["a"], Unknown)
    assert answer.not_sent is False
    assert sandbox.bill()["messages"] == 1


def test_too_many_at_the_same_time_is_error_11(sandbox: RunningSandbox) -> None:
    sandbox.faults(parallel=1, slow=100, slow_ms=600)
    client = sandbox.client()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(client.send, [to_references(str(k)) for k in range(6)]))
    assert any(answer.throttled for answer in answers)
    assert any(not answer.throttled for answer in answers)


def test_faults_affect_their_percentage_of_calls(sandbox: RunningSandbox) -> None:
    sandbox.faults(error5=20, error11=10)
    client = sandbox.client()
    codes = [
        answer.refused_whole.code if answer.refused_whole else 0
        for answer in (client.send(to_references(str(k))) for k in range(400))
    ]
    assert 50 <= codes.count(5) <= 110
    assert 20 <= codes.count(11) <= 62
    assert codes.count(0) == sandbox.bill()["messages"]


def test_faults_everywhere_affect_the_other_calls(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(error11=100)
    assert client.status_by_reference("a") is None
    sandbox.faults(error11=100, everywhere=1)
    with pytest.raises(GatewayRefused, match="error 11:"):
        client.status_by_reference("a")


def test_personal_texts_in_one_request(sandbox: RunningSandbox) -> None:
    names = ("Оля", "Іван", "Zoë")
    messages = tuple(
        Message(
            (Address(f"38097292000{k}", f"r{k}"),), f"Hi {name}", "My Company", promotional=True
        )
        for k, name in enumerate(names)
    )
    assert {type(v) for v in sandbox.client().send(SendRequest(messages)).verdicts.values()} == {
        Accepted
    }
    assert [shown["text"] for shown in sandbox.messages()] == ["Hi Zoë", "Hi Іван", "Hi Оля"]


def send_until_known(client: Client, batch: SendRequest) -> None:
    """Send, ask for the recipients that may have been accepted, and send again to the others."""
    remaining = batch.messages[0].to
    while remaining:
        client.send(SendRequest((replace(batch.messages[0], to=remaining),)))
        remaining = tuple(
            address
            for address in remaining
            if client.status_by_reference(address.reference) is None
        )


def test_no_fault_loses_or_doubles_a_message_and_the_bill_agrees(
    sandbox: RunningSandbox,
) -> None:
    sandbox.faults(**{name: 6 for name in CALL_FAULTS if name != "drip"})
    client = sandbox.client()
    batches = [
        text_request(*((f"40{batch:02d}{k:07d}", f"{batch}x{k}") for k in range(25)))
        for batch in range(40)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda batch: send_until_known(client, batch), batches))
    sandbox.settle()
    statuses = [
        client.status_by_reference(address.reference)
        for batch in batches
        for address in batch.messages[0].to
    ]
    known = [status for status in statuses if status]
    bill = sandbox.bill()
    assert len({status.gateway_id for status in known}) == 1000
    assert (bill["messages"], bill["phones"], bill["doubled_phones"]) == (1000, 1000, 0)
    assert Decimal(bill["spend"]["EUR"]["total"]) == sum(
        (status.price or Decimal(0) for status in known), Decimal(0)
    )
