"""The gateway's answers that were out of the ordinary, as a person reads them."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from campaigns.dispatch.models import Evidence

SHOWN = 20_000  # characters; the whole stands in the database
_PHONE = re.compile(r"(?<![0-9A-Za-z])(\d{4})\d{2,9}(\d{2})(?![0-9A-Za-z])")
_DECIMAL = re.compile(r'"\\u0000([^"]*)\\u0000"')


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `cut`: how many characters of it are not shown."""

    at: datetime
    what: str
    batch_number: int
    http_status: int | None
    body: str
    cut: int = 0


def answers(kept: Iterable[Evidence], masked: bool) -> list[Answer]:
    """`kept` for reading; `masked` for those who must not see phones."""
    return [_answer(one, masked) for one in kept]


def _answer(one: Evidence, masked: bool) -> Answer:
    body = _pretty(one.body)
    cut = max(len(body) - SHOWN, 0)
    what, body = (_mask(text) if masked else text for text in (one.what, body[:SHOWN]))
    return Answer(one.at, what, one.batch_number, one.http_status, body, cut)


def _pretty(body: str) -> str:
    """JSON with a line for each part, its decimals as they were written; anything else as it
    came.
    """
    try:
        found = json.loads(body, parse_float=lambda written: f"\0{written}\0")
    except (ValueError, RecursionError):
        return body
    return _DECIMAL.sub(r"\1", json.dumps(found, ensure_ascii=False, indent=2))


def _mask(text: str) -> str:
    """Every run of digits that may be a phone, with its middle hidden."""
    return _PHONE.sub(r"\1•••\2", text)
