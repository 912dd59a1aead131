"""Which of the answer shapes of docs/gateway-contract.md an account uses."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from campaigns.gateway.bsg import json_values

_TIMES = ("time_in", "time_sent", "time_dr")
_SMS = ("alt_route", "alt_route_messages")
_PRICES = ("price", "total_price")


def of_answer(call: str, text: str) -> list[str]:
    """What the answer to `call` has, in short and without any value."""
    try:
        answer = json_values.load(text)
    except json_values.NotJson:
        return ["not JSON"]
    if call == "POST /viber/create":
        return _of_send(answer)
    if "/viber/{id}" in call or "/viber/reference/" in call:
        return _of_status(answer)
    if isinstance(answer, Mapping):
        return [f"{key}: {_kind(value)}" for key, value in answer.items()]
    return [_kind(answer)]


def _of_send(answer: Any) -> list[str]:
    if isinstance(answer, Mapping) and isinstance(answer.get("result"), list):
        return ["shape A", *_fields(answer, ("total_price",)), *_of_entry(answer["result"])]
    if isinstance(answer, list):
        inner = next((e.get("messages") for e in answer if isinstance(e, Mapping)), None)
        return ["shape B", *_of_entry(inner if isinstance(inner, list) else answer)]
    if isinstance(answer, Mapping) and "error" in answer:
        return ["shape C", *_fields(answer, ("error",))]
    return ["shape H"] if isinstance(answer, Mapping) and "code" in answer else ["another shape"]


def _of_entry(entries: list[Any]) -> list[str]:
    entry = next((entry for entry in entries if isinstance(entry, Mapping)), {})
    return _fields(entry, ("error", "reference", "id", *_PRICES, "currency"))


def _of_status(answer: Any) -> list[str]:
    if not isinstance(answer, Mapping):
        return ["another shape"]
    shape = _fields(answer, ("error", "id", "msisdn", "reference", *_PRICES, "currency"))
    msisdn = json_values.msisdn(answer.get("msisdn"))
    if msisdn and json_values.msisdn(answer.get("id")) == msisdn:
        shape.append("id is the phone")
    shape += [f"no {key}" for key in ("id", *_PRICES) if key not in answer]
    shape += [key for key in _SMS if key in answer] or ["no SMS"]
    formats = {re.sub(r"[0-9]", "9", str(answer[key])) for key in _TIMES if answer.get(key)}
    return [*shape, *(f"times {pattern}" for pattern in sorted(formats))]


def _fields(answer: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    return [f"{key}: {_kind(answer[key])}" for key in keys if key in answer]


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, list):
        return f"list of {len(value)}"
    return "object" if isinstance(value, Mapping) else "number"
