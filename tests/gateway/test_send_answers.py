"""Reading the answer to a send: each documented shape, and answers that cannot be read."""

import json
from decimal import Decimal
from typing import Any

import pytest

from campaigns.gateway.bsg.send_answers import read_answer
from campaigns.gateway.types import (
    Accepted,
    Message,
    Refusal,
    SendAnswer,
    SendRequest,
    Unknown,
)
from tests.gateway.requests_made import TWO_MESSAGES, sample, to_references


def read(answer: Any, *references: str, status: int = 200) -> SendAnswer:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return read_answer(to_references(*references or ("r1", "r2")), status, text)


def entry(reference: str | None = "r1", **fields: Any) -> dict[str, Any]:
    named = {} if reference is None else {"reference": reference}
    return {"error": 0, "id": "7", "price": 0.5, "currency": "EUR"} | named | fields


TAKEN = Accepted("7", Decimal("0.5"), "EUR")


def test_shape_a_as_documented() -> None:
    answer = read(sample("answer_a.json").decode(), "ext19", "ext20", "ext21")
    assert answer.verdicts == {
        "ext19": Accepted("217", Decimal("0.23"), "EUR"),
        "ext20": Refusal(43, "External ID already exists"),
        "ext21": Unknown("no entry in the answer"),
    }
    assert (answer.total_price, answer.currency, answer.http_status) == (
        Decimal("0.23"),
        "EUR",
        200,
    )
    assert (answer.refused_whole, answer.not_sent, answer.throttled) == (None, False, False)


def test_shape_b_gives_an_entry_without_reference_to_its_position() -> None:
    answer = read(sample("answer_b.json").decode(), "example12", "example13")
    assert answer.verdicts == {
        "example12": Accepted("22125", Decimal("0.02"), "EUR"),
        "example13": Accepted("22126", Decimal("0.02"), "EUR"),
    }


def test_shape_b_ignores_positions_if_the_counts_differ() -> None:
    answer = read(sample("answer_b.json").decode(), "example12", "example13", "example14")
    assert answer.verdicts["example12"] == Accepted("22125", Decimal("0.02"), "EUR")
    assert (
        answer.verdicts["example13"]
        == answer.verdicts["example14"]
        == Unknown("no entry in the answer")
    )


def test_shape_b_ignores_positions_if_the_order_was_not_kept() -> None:
    answer = read([{"error": "0", "messages": [entry("r2", id="1"), entry(None, id="2")]}])
    assert answer.verdicts == {
        "r1": Unknown("no entry in the answer"),
        "r2": Accepted("1", Decimal("0.5"), "EUR"),
    }


def test_shape_b_outer_error_refuses_its_message() -> None:
    outer = [
        {"error": "45", "errorDescription": "Sender"},
        {"error": "0", "messages": [{"id": "9", "price": "1"}]},
    ]
    answer = read_answer(TWO_MESSAGES, 200, json.dumps(outer))
    assert answer.verdicts == {"a1": Refusal(45, "Sender"), "a2": Accepted("9", None, "")}
    assert answer.refused_whole is None


def test_shape_b_entries_inherit_the_error_and_currency_around_them() -> None:
    answer = read(
        [
            {
                "error": "5",
                "currency": "usd",
                "messages": [{"reference": "r1"}, entry("r2", currency=None)],
            }
        ]
    )
    assert answer.verdicts == {
        "r1": Refusal(5, "no description"),
        "r2": Accepted("7", Decimal("0.5"), "USD"),
    }


@pytest.mark.parametrize("wrap", [lambda answer: answer, lambda answer: [answer]])
def test_shape_c_refuses_all_recipients(wrap: Any) -> None:
    answer = read(wrap(json.loads(sample("answer_c.json"))))
    refusal = Refusal(48, "Invalid validity period")
    assert answer.refused_whole == refusal
    assert answer.verdicts == {"r1": refusal, "r2": refusal}


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 418])
def test_shape_c_counts_with_any_status_below_500(status: int) -> None:
    answer = read(sample("answer_c.json").decode(), status=status)
    assert answer.refused_whole == Refusal(48, "Invalid validity period")
    assert answer.http_status == status


@pytest.mark.parametrize(("status", "code"), [(400, 7), (401, 1), (403, 1), (404, 4), (422, 7)])
def test_a_documented_http_error_refuses_all_recipients(status: int, code: int) -> None:
    answer = read({"code": status, "message": "No", "errors": {}}, status=status)
    assert answer.refused_whole == Refusal(code, "No")
    assert set(answer.verdicts.values()) == {Refusal(code, "No")}


def test_http_error_may_name_a_code_of_the_gateway() -> None:
    assert read({"code": 45, "message": "Sender"}, status=422).refused_whole == Refusal(
        45, "Sender"
    )
    assert read(sample("answer_http_422.json").decode(), status=422).refused_whole == Refusal(
        7, "Unprocessable entity"
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 302, 307])
def test_server_errors_and_redirects_leave_all_recipients_unknown(status: int) -> None:
    answer = read(sample("answer_a.json").decode(), "ext19", status=status)
    assert answer.verdicts == {"ext19": Unknown(f"HTTP {status}")}
    assert answer.refused_whole is None


def test_http_429_refuses_all_recipients_and_throttles() -> None:
    answer = read_answer(to_references("r1"), 429, "slow down", retry_after=7.0)
    assert answer.verdicts == {"r1": Refusal(11, "HTTP 429: too many requests")}
    assert (answer.throttled, answer.retry_after, answer.refused_whole) == (
        True,
        7.0,
        answer.verdicts["r1"],
    )


def test_error_11_throttles_for_the_request_or_in_an_entry() -> None:
    whole = read({"error": 11, "errorDescription": "Too many"})
    assert (whole.throttled, whole.refused_whole) == (True, Refusal(11, "Too many"))
    single = read({"result": [entry(), {"error": "11", "reference": "r2"}]})
    assert (single.throttled, single.refused_whole, single.verdicts["r1"]) == (True, None, TAKEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        '"ok"',
        "[]",
        "{}",
        "[[]]",
        "[7]",
        '{"result": []}',
        '{"result": {}}',
        '{"result": [7, null]}',
        '{"error": 0, "errorDescription": "No errors"}',
        '{"error": "no"}',
        '{"error": true}',
        '{"error": -1}',
        '{"error": 99999}',
        sample("answer_502.html").decode(),
        sample("answer_a.json").decode()[:150],
        sample("answer_a.json").decode() + ",,",
        "[" * 100_000,
        '{"error": ' + "9" * 5000 + "}",
        '{"error": 1e400}',
        '{"error": 1E9999999999999999999}',
        "\ufeff",
    ],
)
def test_an_unreadable_answer_is_unknown(text: str) -> None:
    answer = read(text)
    assert answer.verdicts.keys() == {"r1", "r2"}
    assert all(isinstance(verdict, Unknown) for verdict in answer.verdicts.values())
    assert (answer.refused_whole, answer.not_sent, answer.throttled) == (None, False, False)
    assert answer.body == text


@pytest.mark.parametrize(
    "body",
    [
        sample("answer_502.html").decode(),
        "",
        "null",
        "[]",
        "{}",
        '"no"',
        '{"error": 0}',
        '{"error": "0", "errorDescription": "HTTP 404"}',
        '{"result": []}',
        '{"result": [7, null]}',
    ],
)
@pytest.mark.parametrize(
    ("status", "code"), [(400, 7), (401, 1), (403, 1), (404, 4), (405, 4), (422, 7)]
)
def test_some_http_errors_refuse_the_request_with_any_body(
    body: str, status: int, code: int
) -> None:
    answer = read(body, status=status)
    assert isinstance(answer.refused_whole, Refusal)
    assert answer.refused_whole.code == code
    assert answer.refused_whole.description in (f"HTTP {status}", "HTTP 404")
    assert answer.verdicts == dict.fromkeys(("r1", "r2"), answer.refused_whole)
    assert (answer.http_status, answer.body, answer.not_sent) == (status, body, False)


@pytest.mark.parametrize("status", [402, 408, 413, 418, 451])
def test_other_http_errors_are_unknown(status: int) -> None:
    answer = read(sample("answer_502.html").decode(), "r1", status=status)
    assert answer.verdicts == {"r1": Unknown(f"HTTP {status}, not JSON")}


def test_entries_count_with_an_http_error_too() -> None:
    answer = read({"result": [entry(), {"error": 45, "reference": "r2"}]}, status=422)
    assert answer.verdicts == {"r1": TAKEN, "r2": Refusal(45, "no description")}
    assert answer.refused_whole is None


FIFTY = to_references(*(f"r{k}" for k in range(50)))
TWO_OF_25 = SendRequest(
    tuple(Message(FIFTY.messages[0].to[k : k + 25], "Hi", "My Company", True) for k in (0, 25))
)


@pytest.mark.parametrize(
    "answered",
    [
        {"result": [{"error": 45}]},
        {"result": [{"error": "45", "reference": None}]},
        {"result": [{"error": 45, "reference": ""}], "currency": "EUR", "total_price": 0},
        [{"error": "0", "messages": [{"error": 45}]}],
    ],
)
def test_an_entry_without_a_reference_refuses_its_whole_message(answered: Any) -> None:
    answer = read_answer(FIFTY, 200, json.dumps(answered))
    assert answer.refused_whole == Refusal(45, "no description")
    assert answer.verdicts == {f"r{k}": Refusal(45, "no description") for k in range(50)}


def test_entries_that_stand_for_messages_refuse_each_its_own() -> None:
    answered = {"result": [{"error": 45, "errorDescription": "Sender"}, {"error": 46}]}
    answer = read_answer(TWO_OF_25, 200, json.dumps(answered))
    assert answer.verdicts == {
        f"r{k}": Refusal(45, "Sender") if k < 25 else Refusal(46, "no description")
        for k in range(50)
    }
    assert answer.refused_whole is None


def test_messages_that_are_too_many_at_once_throttle() -> None:
    answer = read_answer(TWO_OF_25, 200, '{"result": [{"error": 11}, {"error": 11}]}')
    assert (answer.throttled, answer.refused_whole) == (True, Refusal(11, "no description"))
    assert set(answer.verdicts.values()) == {Refusal(11, "no description")}


@pytest.mark.parametrize(
    "entries",
    [
        [{"error": 45}],  # one for two messages
        [{"error": 45}, {"error": 0, "id": "7"}],  # one accepted: but which of its 25?
        [{"error": 45}, {"error": 0}],
        [{"error": 45}, 7],
        [{"error": 45}, {"error": 45}, {"error": 45}],
        [{"error": 45}] * 49,
        [{"error": 45}, {"error": 45, "reference": "foreign"}],
    ],
)
def test_entries_that_do_not_refuse_messages_leave_recipients_unknown(entries: Any) -> None:
    answer = read_answer(TWO_OF_25, 200, json.dumps({"result": entries}))
    assert answer.verdicts == {f"r{k}": Unknown("no entry in the answer") for k in range(50)}
    assert answer.refused_whole is None


def test_an_entry_for_each_recipient_refuses_that_one() -> None:
    answer = read({"result": [{"error": 45}, {"error": 46}]})
    assert answer.verdicts == {
        "r1": Refusal(45, "no description"),
        "r2": Refusal(46, "no description"),
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"error": None},
        {"error": "x"},
        {"error": False},
        {"error": 0.0},
        {"error": []},
        {"id": None},
        {"id": ""},
        {"id": "9" * 41},
        {"id": []},
        {"id": True},
    ],
)
def test_an_entry_of_wrong_types_is_unknown_and_affects_no_other(changed: dict[str, Any]) -> None:
    answer = read({"result": [entry(**changed), entry("r2")]})
    assert isinstance(answer.verdicts["r1"], Unknown)
    assert answer.verdicts["r2"] == TAKEN


def test_numbers_may_be_strings() -> None:
    answer = read(
        '{"result": [{"error": "0", "id": 7, "price": "0.50", "currency": "EUR", "reference":'
        " 12}]}",
        "12",
    )
    assert answer.verdicts == {"12": TAKEN}


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("0.1234567", Decimal("0.1234567")),
        ("0.12345670000", Decimal("0.1234567")),
        ("0.12345678", None),
        ("0.06899999999999999", Decimal("0.069")),
        ('"0.06899999999999999"', Decimal("0.069")),
        ("0.30000000000000004", Decimal("0.3")),
        ("1234567.1199999999", Decimal("1234567.12")),
        ("0.1234567000000001", Decimal("0.1234567")),
        ("0.123456701", Decimal("0.1234567")),  # 1e-9 away
        ("0.123456699", Decimal("0.1234567")),
        ("0.1234567011", None),
        ("0.123456702", None),
        ("0.12345675", None),
        ("5.551115123125783e-17", Decimal(0)),
        ("-5.551115123125783e-17", Decimal(0)),
        ("12345678901.000000000001", None),
        ("1e-3", Decimal("0.001")),
        ("0", Decimal(0)),
        ("-0.1", None),
        ("1e999999999", None),
        ("1e-999999999", None),
        ("12345678901", None),
        ("NaN", None),
        ("Infinity", None),
        ("null", None),
        ("true", None),
        ("[]", None),
        ('"0.23"', Decimal("0.23")),
        ('" 0.23 "', Decimal("0.23")),
        ('"0,23"', None),
        ('"NaN"', None),
        ('"sNaN"', None),
        ('""', None),
        ('"1e99"', None),
        ('"' + "9" * 100_000 + '"', None),
    ],
)
def test_a_price_is_exact_or_not_known(written: str, price: Decimal | None) -> None:
    entry = (
        '{"error": 0, "id": "7", "currency": "EUR", "reference": "r1", "price": ' + written + "}"
    )
    answer = read(f'{{"result": [{entry}]}}', "r1")
    assert answer.verdicts == {"r1": Accepted("7", price, "EUR")}


def test_rounded_noise_is_told_and_the_answer_kept() -> None:
    noisy = (
        '{"result": [{"error": 0, "id": "7", "reference": "r1", "price": 0.06899999999999999,'
        ' "currency": "EUR"}], "currency": "EUR", "total_price": 0.06899999999999999}'
    )
    answer = read(noisy, "r1")
    assert (answer.rounded, answer.body) == (True, noisy)
    assert answer.verdicts == {"r1": Accepted("7", Decimal("0.069"), "EUR")}
    assert answer.total_price == Decimal("0.069")
    assert str(answer.total_price) == "0.0690000"


@pytest.mark.parametrize(
    "number", ["0.069", "0.0690000", "0.069000000000", "0.12345678", "1e-3", "7"]
)
def test_exact_and_unreadable_prices_are_not_rounded(number: str) -> None:
    text = (
        '{"result": [{"error": 0, "id": "7", "reference": "r1", "currency": "EUR",'
        f' "price": {number}}}]}}'
    )
    assert read(text, "r1").rounded is False


def test_a_price_is_not_known_when_it_is_missing_or_has_no_currency() -> None:
    answer = read(
        {
            "result": [
                {"error": 0, "id": "1", "reference": "r1"},
                {"error": 0, "id": "2", "reference": "r2", "price": 1},
            ]
        }
    )
    assert answer.verdicts == {"r1": Accepted("1", None, ""), "r2": Accepted("2", None, "")}


def test_a_price_takes_the_currency_of_the_answer() -> None:
    answer = read({"result": [entry(currency="")], "currency": "EUR", "total_price": "x"}, "r1")
    assert (answer.verdicts["r1"], answer.total_price) == (TAKEN, None)


def test_an_unknown_error_code_is_kept() -> None:
    assert read({"result": [entry(error=777, errorDescription="New")]}, "r1").verdicts == {
        "r1": Refusal(777, "New")
    }


def test_two_entries_of_a_recipient_are_unknown_if_they_disagree() -> None:
    answer = read({"result": [entry(), entry(), entry("r2"), entry("r2", error=43), entry("r2")]})
    assert answer.verdicts == {"r1": TAKEN, "r2": Unknown("two entries that disagree")}


def test_references_that_were_not_sent_are_ignored() -> None:
    answer = read({"result": [entry("foreign"), entry("r2")]})
    assert answer.verdicts == {"r1": Unknown("no entry in the answer"), "r2": TAKEN}


def test_entries_take_precedence_over_an_error_around_them() -> None:
    answer = read({"error": 5, "result": [entry()]})
    assert answer.verdicts == {"r1": TAKEN, "r2": Unknown("no entry in the answer")}
    assert answer.refused_whole is None


def test_descriptions_can_be_stored_in_a_database() -> None:
    refused = read({"error": 45, "errorDescription": "a\0b\ud800" + "x" * 300}).verdicts["r1"]
    assert isinstance(refused, Refusal)
    assert refused.description == "a\ufffdb?" + "x" * 251


@pytest.mark.parametrize(
    "changed",
    [
        {}, {"error": "0"}, {"error": False}, {"error": 0.0}, {"error": None}, {"error": "00"},
        {"error": 43}, {"id": 7}, {"id": ""}, {"id": "7" * 41}, {"id": " 7 "}, {"price": None},
        {"price": "0.10"}, {"price": -1}, {"currency": ""}, {"currency": "usd"},
    ],
)  # fmt: skip
def test_the_fast_reading_equals_the_general_one(changed: dict[str, Any]) -> None:
    entries = [entry("r1", id="1"), entry("r2", **changed), entry("r3", id="3")]
    read_in = [
        read({"result": order, "currency": "EUR"}, "r1", "r2", "r3")
        for order in (entries, entries[::-1])
    ]
    assert read_in[0].verdicts == read_in[1].verdicts
    assert read_in[0].verdicts["r3"] == Accepted("3", Decimal("0.5"), "EUR")
