"""Read the answer to a send, in each shape of docs/gateway-contract.md, "Answers to a send".

    A  {"result": [entry, …], "currency": …, "total_price": …}
    B  [{"error": "0", "messages": [entry, …]}, …]
    C  {"error": "48", "errorDescription": …}                 the whole request is refused
    H  {"code": …, "message": …, "errors": {field: [text]}}   the same, with an HTTP error

With an HTTP error of HTTP_CODES nothing was sent, whatever else the body may be.

What cannot be read for certain is Unknown: a recipient without an entry may have been sent to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from campaigns.gateway import errors
from campaigns.gateway.bsg import json_values
from campaigns.gateway.types import Accepted, Refusal, SendAnswer, SendRequest, Unknown, Verdict

_NO_ENTRY = Unknown("no entry in the answer")
_CONFLICT = Unknown("two entries that disagree")

# The error code that an HTTP status stands for; nothing was processed.
HTTP_CODES = {
    400: errors.INVALID_PARAMETERS,
    401: errors.INVALID_KEY,
    403: errors.INVALID_KEY,
    404: errors.NO_SUCH_FUNCTION,
    405: errors.NO_SUCH_FUNCTION,
    422: errors.INVALID_PARAMETERS,
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of an answer. `reference` None: it names no recipient."""

    reference: str | None
    verdict: Verdict


def read_answer(
    request: SendRequest, http_status: int, text: str, retry_after: float | None = None
) -> SendAnswer:
    """The verdict for each recipient of `request`. Never raises.

    `text` is the body, already without the key; `retry_after` is in seconds.
    """
    references = [address.reference for message in request.messages for address in message.to]
    build = partial(
        SendAnswer,
        http_status=http_status,
        body=text,
        retry_after=retry_after,
        rounded=json_values.has_rounded_number(text),
    )
    if http_status == 429:
        refusal = Refusal(errors.TOO_MANY_AT_ONCE, "HTTP 429: too many requests")
        return build(same_verdict(references, refusal), refused_whole=refusal, throttled=True)
    if http_status >= 500 or 300 <= http_status < 400:
        return build(same_verdict(references, Unknown(f"HTTP {http_status}")))
    answer, why_unknown = _load(text, http_status)
    currency, total = _totals(answer)
    if (accepted := _read_all_accepted(references, answer, currency)) is not None:
        return build(accepted, total_price=total, currency=currency)
    entries = _believed(list(_entries(request, answer, currency)), http_status)
    refusal_of_all = (
        _common_refusal(request, entries) if entries else read_refusal(answer, http_status)
    )
    if refusal_of_all is not None:
        verdicts = same_verdict(references, refusal_of_all)
        return build(verdicts, refused_whole=refusal_of_all, throttled=_throttled(verdicts))
    if not entries:
        return build(same_verdict(references, Unknown(why_unknown)))
    verdicts = _assign(references, _for_each_recipient(request, entries))
    return build(verdicts, throttled=_throttled(verdicts), total_price=total, currency=currency)


def _load(text: str, http_status: int) -> tuple[Any, str]:
    """The JSON of `text`, and why the verdicts are unknown if nothing can be read from it."""
    try:
        return json_values.load(text), f"HTTP {http_status}, no entry in the answer"
    except json_values.NotJson:
        return None, f"HTTP {http_status}, not JSON"


def _believed(entries: list[_Entry], http_status: int) -> list[_Entry]:
    """`entries`; none if the HTTP status says that nothing was sent and none can be read."""
    if http_status in HTTP_CODES and all(isinstance(entry.verdict, Unknown) for entry in entries):
        return []
    return entries


def _refuses_messages(request: SendRequest, entries: Sequence[_Entry]) -> bool:
    """Whether each entry refuses the whole message at its position, not one recipient."""
    return (
        len(entries) == len(request.messages) != sum(len(m.to) for m in request.messages)
        and all(entry.reference is None for entry in entries)
        and all(isinstance(entry.verdict, Refusal) for entry in entries)
    )


def _common_refusal(request: SendRequest, entries: Sequence[_Entry]) -> Refusal | None:
    """The refusal of the whole request, if each entry refuses its message in the same words."""
    first = entries[0].verdict
    if not isinstance(first, Refusal) or any(entry.verdict != first for entry in entries):
        return None
    return first if _refuses_messages(request, entries) else None


def _for_each_recipient(request: SendRequest, entries: list[_Entry]) -> list[_Entry]:
    """`entries`; if they refuse whole messages, one for each recipient of these."""
    if not _refuses_messages(request, entries):
        return entries
    return [
        _Entry(address.reference, entry.verdict)
        for message, entry in zip(request.messages, entries, strict=True)
        for address in message.to
    ]


def _read_all_accepted(
    references: Sequence[str], answer: Any, currency: str
) -> dict[str, Verdict] | None:
    """The verdicts of shape A if all recipients were accepted, in their order; else None.

    Nearly all answers are like this, and it takes a third of the time of reading entry by entry.
    """
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, list) or len(result) != len(references):
        return None
    verdicts: dict[str, Verdict] = {}
    for reference, entry in zip(references, result, strict=True):
        if not isinstance(entry, dict) or entry.get("reference") != reference:
            return None
        error, gateway_id = entry.get("error"), json_values.identifier(entry.get("id"))
        if (error != "0" and (error != 0 or type(error) is not int)) or not gateway_id:
            return None
        verdicts[reference] = Accepted(gateway_id, *json_values.price(entry, currency))
    return verdicts


def same_verdict(references: Sequence[str], verdict: Verdict) -> dict[str, Verdict]:
    """`verdict` for each reference."""
    return dict.fromkeys(references, verdict)


def _throttled(verdicts: Mapping[str, Verdict]) -> bool:
    return any(
        isinstance(v, Refusal) and v.code == errors.TOO_MANY_AT_ONCE for v in verdicts.values()
    )


def read_refusal(answer: Any, http_status: int) -> Refusal | None:
    """The refusal of the whole request, shape C or H; None if the answer is not one.

    It may be the only element of a list. Its code is the one in the body, else the one that the
    HTTP status stands for, whatever the body is.
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    fields = answer if isinstance(answer, Mapping) else {}
    code = json_values.code(fields.get("error"))
    if not code and http_status in HTTP_CODES:
        named = json_values.code(fields.get("code"))
        code = named if named in errors.MEANINGS else HTTP_CODES[http_status]
        return Refusal(code, _description(fields, f"HTTP {http_status}"))
    return Refusal(code, _description(fields)) if code else None


def _description(answer: Mapping[str, Any], otherwise: str = "no description") -> str:
    return (
        json_values.text(answer.get("errorDescription"))
        or json_values.text(answer.get("message"))
        or otherwise
    )


def _totals(answer: Any) -> tuple[str, Decimal | None]:
    if not isinstance(answer, Mapping):
        return "", None
    currency = json_values.currency(answer.get("currency"))
    return currency, json_values.amount(answer.get("total_price")) if currency else None


def _entries(request: SendRequest, answer: Any, currency: str) -> Iterator[_Entry]:
    """The entries of `answer` in their order; a complete answer has one for each recipient."""
    if isinstance(answer, Mapping):
        result = answer.get("result")
        if isinstance(result, list):
            yield from (_entry(fields, None, currency) for fields in result)
            return
        answer = [answer] if isinstance(answer.get("messages"), list) else []
    if not isinstance(answer, list):
        return
    several = len(answer) == len(request.messages) > 1
    for position, element in enumerate(answer):
        yield from _nested(request, element, position if several else None, currency)


def _nested(
    request: SendRequest, element: Any, position: int | None, currency: str
) -> Iterator[_Entry]:
    """The entries of one element of shape B, or the element if it is an entry itself.

    An element with an error but no messages refuses the message at `position` in the request.
    """
    if not isinstance(element, Mapping):
        yield _Entry(None, Unknown("an entry that is not an object"))
        return
    inner = element.get("messages")
    if isinstance(inner, list):
        inner_currency = json_values.currency(element.get("currency")) or currency
        yield from (_entry(fields, element.get("error"), inner_currency) for fields in inner)
    elif "reference" in element or "id" in element:
        yield _entry(element, None, currency)
    elif position is not None:
        verdict = _verdict(element, None, currency)
        yield from (_Entry(address.reference, verdict) for address in request.messages[position].to)


def _entry(fields: Any, outer_error: Any, currency: str) -> _Entry:
    if not isinstance(fields, Mapping):
        return _Entry(None, Unknown("an entry that is not an object"))
    reference = json_values.reference(fields.get("reference"))
    return _Entry(reference, _verdict(fields, outer_error, currency))


def _verdict(fields: Mapping[str, Any], outer_error: Any, currency: str) -> Verdict:
    """The verdict of one entry; without an error of its own it has that of its element."""
    error = fields.get("error", outer_error)
    gateway_id = json_values.identifier(fields.get("id"))
    code = json_values.code(error)
    if code is None and error is None and "error" not in fields and gateway_id:
        code = 0
    if code is None:
        return Unknown("an entry without a readable error code")
    if code:
        return Refusal(code, _description(fields))
    if not gateway_id:
        return Unknown("accepted without an id")
    return Accepted(gateway_id, *json_values.price(fields, currency))


def _assign(references: list[str], entries: list[_Entry]) -> dict[str, Verdict]:
    """Give each entry to the recipient that it names, or else to the one at its position.

    Positions count only if there are as many entries as recipients, and each entry with a
    reference is at the position of that recipient; otherwise the order was not kept.
    """
    ordered = len(entries) == len(references) and all(
        entry.reference is None or entry.reference == reference
        for entry, reference in zip(entries, references, strict=True)
    )
    verdicts: dict[str, Verdict] = dict.fromkeys(references, _NO_ENTRY)
    for position, entry in enumerate(entries):
        reference = (
            entry.reference
            if entry.reference is not None
            else references[position]
            if ordered
            else None
        )
        before = verdicts.get(reference) if reference is not None else None
        if reference is None or before is None:
            continue  # it belongs to nobody, or its reference was not in the request
        verdicts[reference] = (
            entry.verdict if before is _NO_ENTRY or before == entry.verdict else _CONFLICT
        )
    return verdicts
