"""The faults and forms of the sandbox, at the socket, and what the client makes of them."""

import json
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.conf import settings

from campaigns.gateway.errors import GatewayRefused, GatewayUnreachable
from campaigns.gateway.sandbox import courses, prices
from campaigns.gateway.sandbox.faults import CHOICES, NAMES, NEVER_MIXED, NOT_MIXED, Faults
from campaigns.gateway.types import (
    Accepted,
    Balance,
    FallbackStatus,
    MessageStatus,
    Quote,
    Refusal,
    SendRequest,
    SmsFallback,
    Unknown,
)
from tests.gateway.requests_made import text_request, to_references
from tests.sandbox_fixture import KEY, RunningSandbox

SMS = SmsFallback("My Company", "x" * 161)
VIBER_PRICE, SMS_PRICE = Decimal("0.0230000"), Decimal("0.1269000")  # Kyivstar's, two parts
FELL_BACK = ("380972929003", "a")  # not_viber_user, and the SMS arrives


def fall_back(sandbox: RunningSandbox, *recipients: tuple[str, str]) -> None:
    """Send to `recipients`, whom only the SMS reaches, and move to the end."""
    send_with_sms(sandbox, *recipients or (FELL_BACK,))
    sandbox.settle()


def send_with_sms(sandbox: RunningSandbox, *recipients: tuple[str, str]) -> None:
    message = replace(text_request(*recipients).messages[0], sms=SMS)
    assert sandbox.client().send(SendRequest((message,))).refused_whole is None


def status(sandbox: RunningSandbox, reference: str = "a") -> MessageStatus:
    current = sandbox.client().status_by_reference(reference)
    assert current
    return current


def raw(sandbox: RunningSandbox, path: str = "/viber/reference/a") -> requests.Response:
    return requests.get(f"{sandbox.api_url}{path}", headers={"X-API-KEY": KEY}, timeout=10)


ROUTE = {"channel": "sms", "id": "1470000001", "status": "delivered", "price": "0.1269000"}
MESSAGE = {
    "id": "1470000001",
    "status": "delivered",
    "price": "0.1269000",
    "currency": "EUR",
    "message": SMS.text,
    "sender": "My Company",
}


# The form of status answers


@pytest.mark.parametrize(
    ("forms", "fields"),
    [
        ({}, {"id": "470000001", "price": "0", "currency": "EUR", "status": "not_viber_user"}),
        ({"status_id": "none"}, {"id": None}),
        ({"status_id": "msisdn"}, {"id": "380972929003"}),
        ({"status_price": "total_price"}, {"price": None, "total_price": "0", "currency": "EUR"}),
        ({"status_price": "none"}, {"price": None, "total_price": None, "currency": None}),
        ({"status_price": "currency"}, {"price": None, "total_price": None, "currency": "EUR"}),
        ({"status_sms": "alt_route"}, {"alt_route": [ROUTE], "alt_route_messages": None}),
        ({"status_spelling": "upper"}, {"status": "NOT_VIBER_USER"}),
        ({"status_spelling": "capitals"}, {"status": "Not_Viber_User"}),
        ({"status_spelling": "hyphens"}, {"status": "not-viber-user"}),
        ({"status_currency": "USD"}, {"currency": "USD", "price": "0"}),
    ],
    ids=str,
)
def test_status_answers_have_the_form_that_is_set(
    sandbox: RunningSandbox, forms: dict[str, str], fields: dict[str, Any]
) -> None:
    fall_back(sandbox)
    sandbox.faults(**forms)
    answered = raw(sandbox).json()
    assert {name: answered.get(name) for name in fields} == fields


@pytest.mark.parametrize("form", ["both", "messages"])
def test_the_sms_is_in_alt_route_messages(sandbox: RunningSandbox, form: str) -> None:
    fall_back(sandbox)
    sandbox.faults(status_sms=form)
    answered = raw(sandbox).json()
    assert answered.get("alt_route") == ([ROUTE] if form == "both" else None)
    (message,) = answered["alt_route_messages"]
    times = {name: answered[name] for name in ("time_in", "time_sent", "time_dr")}
    assert message == MESSAGE | times
    assert status(sandbox).fallback == (
        FallbackStatus("sms", "1470000001", "delivered", SMS_PRICE, "EUR"),
    )


def test_spelling_concerns_the_sms_too(sandbox: RunningSandbox) -> None:
    fall_back(sandbox)
    sandbox.faults(status_spelling="upper", status_sms="both")
    answered = raw(sandbox).json()
    assert answered["alt_route"][0]["status"] == "DELIVERED"
    assert answered["alt_route_messages"][0]["status"] == "DELIVERED"


def test_each_mixed_answer_is_read_as_the_plain_one(sandbox: RunningSandbox) -> None:
    fall_back(sandbox)
    plain = replace(status(sandbox), gateway_id="")
    sandbox.faults(status="mixed", price_noise=50)
    texts, read = [], []
    for _ in range(100):
        texts.append(raw(sandbox).text)
        read.append(replace(status(sandbox), gateway_id="", rounded=False, body=""))
    assert set(read) == {plain}
    answers = [json.loads(text) for text in texts]
    assert {answer.get("id") for answer in answers} == {None, "470000001", "380972929003"}
    assert {answer["status"] for answer in answers} == {
        "not_viber_user",
        "NOT_VIBER_USER",
        "Not_Viber_User",
        "not-viber-user",
    }
    assert {"price" in answer for answer in answers} == {True, False}
    assert {("alt_route" in answer, "alt_route_messages" in answer) for answer in answers} == {
        (True, False),
        (True, True),
        (False, True),
    }
    assert {"999999" in text for text in texts} == {True, False}


def test_mixed_forms_follow_the_seed() -> None:
    def forms(seed: int) -> list[tuple[str, ...]]:
        faults = Faults(seed, {"status": "mixed", "shape": "mixed", "send_price": "mixed"})
        names = [name for name in CHOICES if name.startswith(("status_", "sh", "send"))]
        return [tuple(faults.choice(name) for name in names) for _ in range(50)]

    assert forms(1) == forms(1) != forms(2)


@pytest.mark.parametrize("name", sorted(set(CHOICES) - {"status", "sms_first", *NEVER_MIXED}))
def test_mixed_is_each_form_that_loses_nothing(name: str) -> None:
    faults = Faults(1, {name: "mixed"})
    expected = set(CHOICES[name]) - set(NOT_MIXED.get(name, ()))
    assert {faults.choice(name) for _ in range(100)} == expected


def test_status_currency_may_change_between_answers(sandbox: RunningSandbox) -> None:
    fall_back(sandbox)
    sandbox.faults(status_currency="changing")
    read = [status(sandbox) for _ in range(40)]
    assert {answer.currency for answer in read} == {"EUR", "USD"}
    assert all(answer.fallback[0].currency == answer.currency for answer in read)
    assert set(sandbox.bill()["spend"]) == {"EUR"}


# Faults of status calls


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status_http500", GatewayUnreachable),
        ("status_http429", GatewayRefused),
        ("status_lost", GatewayUnreachable),
    ],
)
def test_status_calls_fail_and_no_other_calls(
    sandbox: RunningSandbox, fault: str, error: type[Exception]
) -> None:
    client = sandbox.client()
    sandbox.faults(**{fault: 100}, retry_after=2)
    client.send(to_references("a"))
    for ask in (client.status_by_reference, client.status_by_id):
        with pytest.raises(error) as raised:
            ask("a")
    assert getattr(raised.value, "retry_after", 2) == 2
    assert client.balance().amount == Decimal("999999.977")
    assert client.prices("viber")
    sandbox.faults()
    assert status(sandbox).status == "new"


def test_status_calls_fail_in_their_share(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    client.send(to_references("a"))
    sandbox.faults(status_http500=30, status_http429=20)
    outcomes: Counter[int] = Counter(raw(sandbox).status_code for _ in range(300))
    assert 60 <= outcomes[500] <= 120
    assert 35 <= outcomes[429] <= 85
    assert outcomes[200] == 300 - outcomes[500] - outcomes[429]


def test_status_calls_take_their_seconds(sandbox: RunningSandbox) -> None:
    sandbox.client().send(to_references("a"))
    sandbox.faults(status_seconds=7)
    waits: list[float] = []

    def waited(path: str) -> list[float]:
        waits.clear()
        sandbox.server.calls.answer("GET", path, KEY, b"", waits.append)
        return list(waits)

    assert waited("/viber/reference/a") == [7.0]
    assert waited("/viber/470000001") == [7.0]
    for path in ("/common/balance", "/viber/prices", "/sms/prices/0"):
        assert waited(path) == []


# Faults of sends


def test_one_phone_always_gets_error_5(sandbox: RunningSandbox) -> None:
    sandbox.faults(error5_phone="380972920001")
    client = sandbox.client()
    for references in (("a", "b", "c"), ("d", "b", "f")):
        answer = client.send(to_references(*references))
        verdicts = list(answer.verdicts.values())
        assert verdicts[1] == Refusal(5, "Unknown error")
        assert isinstance(verdicts[0], Accepted | Refusal)
        assert answer.refused_whole is None
    assert client.status_by_reference("b") is None
    assert sandbox.messages(msisdn="380972920001") == []


@pytest.mark.parametrize(("status_code", "why"), [(400, "Bad Request"), (422, "Unprocessable")])
def test_one_recipient_makes_the_whole_request_an_http_error(
    sandbox: RunningSandbox, status_code: int, why: str
) -> None:
    sandbox.faults(**{f"http{status_code}_phone": "380972920001"})
    client = sandbox.client()
    answer = client.send(to_references("a", "b"))
    assert answer.refused_whole
    assert (answer.http_status, answer.refused_whole.code) == (status_code, 7)
    assert answer.refused_whole.description.startswith(why)
    assert sandbox.bill()["messages"] == 0
    assert isinstance(client.send(to_references("a")).verdicts["a"], Accepted)


def test_everything_is_not_found(sandbox: RunningSandbox) -> None:
    sandbox.faults(not_found=1)
    client = sandbox.client()
    assert client.send(to_references("a")).refused_whole == Refusal(4, "HTTP 404")
    for ask in (lambda: client.status_by_reference("a"), client.balance):
        with pytest.raises(GatewayRefused, match="error 4: HTTP 404"):
            ask()
    answered = raw(sandbox, "/common/balance")
    assert (answered.status_code, answered.headers["Content-Type"], answered.content) == (
        404,
        "text/html; charset=utf-8",
        b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>",
    )
    sandbox.faults()
    assert isinstance(client.send(to_references("a")).verdicts["a"], Accepted)


def test_one_entry_refuses_a_message_of_fifty(sandbox: RunningSandbox) -> None:
    sandbox.faults(message_error=45)
    references = [f"r{k}" for k in range(50)]
    answer = sandbox.client().send(to_references(*references))
    assert answer.body == '{"result": [{"error": 45}]}'
    assert answer.verdicts == dict.fromkeys(references, Refusal(45, "no description"))
    assert sandbox.bill()["messages"] == 0


# Prices and currencies


@pytest.mark.parametrize("shape", ["A", "B"])
def test_prices_with_noise_are_read_exactly(sandbox: RunningSandbox, shape: str) -> None:
    sandbox.faults(price_noise=100, shape=shape)
    client = sandbox.client()
    assert client.quote(to_references("a")) == Quote(Decimal("0.023"), "EUR")
    answer = client.send(to_references("a", "b"))
    assert "0.022999999999999999" in answer.body
    assert answer.rounded
    assert answer.verdicts["b"] == Accepted("470000002", VIBER_PRICE, "EUR")
    assert answer.total_price == (Decimal("0.046") if shape == "A" else None)
    read = status(sandbox)
    assert (read.price, read.rounded) == (VIBER_PRICE, True)
    assert '"price": "0.022999999999999999"' in read.body
    assert client.balance() == Balance(Decimal("999999.954"), "EUR", Decimal(10))
    assert client.prices("viber")[0].price == VIBER_PRICE
    assert sandbox.bill()["spend"]["EUR"]["total"] == "0.0460000"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.069", "0.068999999999999999"),
        ("0.3", "0.29999999999999999"),
        ("1", "0.9999999999999999"),
        ("1234567.12", "1234567.1199999999"),
        ("0", "0"),
    ],
)
def test_noise_is_that_of_a_binary_float(amount: str, text: str) -> None:
    assert prices.noisy(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("form", "verdict"),
    [
        ("named", Accepted("470000001", VIBER_PRICE, "EUR")),
        ("none", Accepted("470000001", None, "")),
        ("currency", Accepted("470000001", None, "EUR")),
    ],
)
@pytest.mark.parametrize("shape", ["A", "B"])
def test_a_send_may_name_no_price(
    sandbox: RunningSandbox, form: str, shape: str, verdict: Accepted
) -> None:
    sandbox.faults(send_price=form, shape=shape)
    answer = sandbox.client().send(to_references("a"))
    assert answer.verdicts == {"a": verdict}
    assert (answer.total_price is None) == (form != "named" or shape == "B")
    assert status(sandbox).price == VIBER_PRICE
    if form == "none":
        assert "price" not in answer.body
        assert "currency" not in answer.body


def test_another_currency_than_that_of_the_price_list(sandbox: RunningSandbox) -> None:
    sandbox.faults(currency="PLN")
    client = sandbox.client()
    answer = client.send(to_references("a"))
    assert answer.verdicts == {"a": Accepted("470000001", VIBER_PRICE, "PLN")}
    assert answer.currency == "PLN"
    assert (status(sandbox).price, status(sandbox).currency) == (VIBER_PRICE, "PLN")
    assert {row.currency for row in client.prices("viber")} == {"EUR"}
    assert sandbox.bill()["spend"] == {
        "PLN": {"viber": "0.0230000", "sms": "0", "total": "0.0230000"}
    }


def test_the_currency_may_change_between_sends(sandbox: RunningSandbox) -> None:
    sandbox.faults(currency="changing")
    client = sandbox.client()
    sent = [client.send(to_references(f"r{k}")).currency for k in range(40)]
    assert set(sent) == {"EUR", "USD"}
    assert [status(sandbox, f"r{k}").currency for k in range(40)] == sent
    spend = {currency: Decimal(sums["total"]) for currency, sums in sandbox.bill()["spend"].items()}
    assert spend == {currency: sent.count(currency) * VIBER_PRICE for currency in set(sent)}


# The SMS


def test_the_sms_appears_long_after_vibers_end(sandbox: RunningSandbox) -> None:
    sandbox.faults(sms_late=3600)
    send_with_sms(sandbox, FELL_BACK)
    sandbox.advance(3000)
    assert (status(sandbox).status, status(sandbox).fallback) == ("not_viber_user", ())
    assert sandbox.bill()["spend"]["EUR"]["sms"] == "0"
    sandbox.settle()
    assert [sms.price for sms in status(sandbox).fallback] == [SMS_PRICE]
    assert sandbox.bill()["spend"]["EUR"] == {
        "viber": "0",
        "sms": "0.1269000",
        "total": "0.1269000",
    }


@pytest.mark.parametrize(
    ("first", "stages"),
    [
        ("sent", [("sent", SMS_PRICE), ("delivered", SMS_PRICE)]),
        ("scheduled", [("scheduled", None), ("sent", SMS_PRICE), ("delivered", SMS_PRICE)]),
        ("priced", [("", SMS_PRICE), ("sent", SMS_PRICE), ("delivered", SMS_PRICE)]),
    ],
)
def test_the_first_stage_of_the_sms(
    sandbox: RunningSandbox, first: str, stages: list[tuple[str, Decimal | None]]
) -> None:
    sandbox.faults(sms_first=first, sms_late=60)
    send_with_sms(sandbox, FELL_BACK)
    course = courses.course_of(FELL_BACK[0], 1, 86_400, courses.CourseOptions(60, first))
    sandbox.advance(course.sms_starts + 0.01)
    seen, billed = [], []
    for step in (0.0, course.sms_sent - course.sms_starts, course.sms_ended - course.sms_sent):
        sandbox.advance(step)
        (sms,) = status(sandbox).fallback
        if (sms.status, sms.price) not in seen:
            seen.append((sms.status, sms.price))
            billed.append(Decimal(sandbox.bill()["spend"]["EUR"]["sms"]))
    assert seen == stages
    assert billed == [price or 0 for _status, price in stages]
    assert course.sms_sent - course.sms_starts == (0 if first == "sent" else 1)


def test_mixed_first_stages_depend_on_the_phone() -> None:
    options = courses.CourseOptions(sms_first="mixed")
    phones = [f"38067{k:07d}" for k in range(300)]
    stages = [courses.course_of(phone, 1, 86_400, options).sms_first for phone in phones]
    again = [courses.course_of(phone, 1, 86_400, options).sms_first for phone in phones]
    assert stages == again
    assert min(Counter(stages).values()) > 60
    assert set(stages) == set(courses.FIRST_SMS_STAGES)


def test_viber_and_the_sms_are_both_charged(sandbox: RunningSandbox) -> None:
    sandbox.faults(viber_charged=100)
    fall_back(sandbox)
    read = status(sandbox)
    assert (read.status, read.price) == ("not_viber_user", VIBER_PRICE)
    assert [sms.price for sms in read.fallback] == [SMS_PRICE]
    assert sandbox.bill()["spend"]["EUR"] == {
        "viber": "0.0230000",
        "sms": "0.1269000",
        "total": "0.1499000",
    }


def test_viber_stays_charged_for_its_share_of_phones() -> None:
    options = courses.CourseOptions(viber_charged=25)
    phones = [f"38067{k:07d}" for k in range(2000)]
    charged = sum(courses.course_of(phone, 1, 86_400, options).stays_charged for phone in phones)
    assert 420 <= charged <= 580
    assert not any(courses.course_of(phone, 1, 86_400).stays_charged for phone in phones)


# What the account allows, and requests that are accepted late


def test_a_second_has_its_recipients_and_a_larger_request_waits_for_its_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(
        "campaigns.gateway.sandbox.faults.time", SimpleNamespace(monotonic=lambda: now)
    )
    faults = Faults(1, {"rate": 20})
    assert [faults.take_rate(n) for n in (15, 5, 1)] == [True, True, False]
    now += 0.5
    assert [faults.take_rate(n) for n in (11, 10, 1)] == [False, True, False]
    now += 100
    assert [faults.take_rate(n) for n in (50, 1)] == [True, False]  # 30 more than in a second
    now += 1.5
    assert not faults.take_rate(1)
    now += 0.1
    assert faults.take_rate(1)
    assert Faults(1).take_rate(10_000)


@pytest.mark.parametrize(
    ("rate_answer", "status_code", "wait"), [("error11", 200, None), ("http429", 429, 3.0)]
)
def test_the_account_takes_so_many_recipients_a_second(
    sandbox: RunningSandbox, rate_answer: str, status_code: int, wait: float | None
) -> None:
    sandbox.faults(rate=2, rate_answer=rate_answer, retry_after=3)
    client = sandbox.client()
    first = client.send(to_references(*(f"a{k}" for k in range(50))))
    second = client.send(to_references("b"))
    assert first.refused_whole is None
    assert second.refused_whole
    assert (second.http_status, second.refused_whole.code) == (status_code, 11)
    assert (second.throttled, second.retry_after) == (True, wait)
    assert sandbox.bill()["messages"] == 50


def test_a_lost_request_is_accepted_later(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    sandbox.faults(lost_late=100, lost_late_s=600)
    answer = client.send(to_references("a", "b"))
    assert {type(verdict) for verdict in answer.verdicts.values()} == {Unknown}
    assert answer.not_sent is False
    sandbox.faults()
    assert client.status_by_reference("a") is None
    sandbox.advance(590)
    assert client.status_by_reference("a") is None
    assert isinstance(client.send(to_references("a")).verdicts["a"], Accepted)
    sandbox.advance(10)
    assert status(sandbox, "b").msisdn == "380972920001"
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"], bill["refused"]) == (2, 0, {"43": 1})


@pytest.mark.parametrize("end", ["settle", "reset"])
def test_requests_still_to_be_accepted_end_with_the_run(sandbox: RunningSandbox, end: str) -> None:
    sandbox.faults(lost_late=100, lost_late_s=1_000_000)
    sandbox.client().send(to_references("a"))
    assert sandbox.bill()["messages"] == 0
    getattr(sandbox, end)()
    sandbox.advance(2_000_000)
    assert sandbox.bill()["messages"] == (1 if end == "settle" else 0)


# How they are set


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status_id", "never"),
        ("status", "both"),
        ("rate_answer", "mixed"),
        ("files", "mixed"),
        ("currency", "euro"),
        ("currency", "eur"),
        ("error5_phone", "+380972920001"),
        ("message_error", "x"),
        ("sms_first", ""),
    ],
)
def test_invalid_values_are_refused(sandbox: RunningSandbox, name: str, value: str) -> None:
    answered = requests.post(f"{sandbox.url}/sandbox/faults", json={name: value}, timeout=10)
    assert answered.status_code == 400
    assert name in answered.json()["message"]


@pytest.mark.parametrize("sandbox", [{"faults": {"status_id": "none"}}], indirect=True)
def test_faults_can_be_set_from_the_start_and_are_shown(sandbox: RunningSandbox) -> None:
    assert sandbox.faults(http422_phone=380972920001, currency="") == {
        "http422_phone": "380972920001",
        "currency": "",
    }
    sandbox.reset()
    sandbox.client().send(to_references("a"))
    assert "id" not in raw(sandbox).json()


def test_docs_list_each_fault_and_form() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "sandbox.md").read_text()
    listed = set(re.findall(r"`(\w+)`", page.partition("## Faults")[2].partition("\n## ")[0]))
    forms = {form for choices in CHOICES.values() for form in choices}
    assert {*NAMES, *forms, "mixed", "changing"} - listed == set()
