"""Unusual responses of the gateway, formatted for reading."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from campaigns.contacts.phones.masking import mask_phones_in
from campaigns.dispatch.models import Evidence

SHOWN_CHARACTERS = 20_000  # the database has the whole body
_DECIMAL = re.compile(r'"\\u0000([^"]*)\\u0000"')


@dataclass(frozen=True, slots=True)
class UnusualResponse:
    """One response. `hidden` is the number of characters of its body that are not shown."""

    at: datetime
    description: str
    batch_number: int
    http_status: int | None
    body: str
    hidden: int = 0


def format_responses(evidence: Iterable[Evidence], masked: bool) -> list[UnusualResponse]:
    """Return the responses; `masked` hides phones from those who must not see them."""
    return [_format(response, masked) for response in evidence]


def _format(response: Evidence, masked: bool) -> UnusualResponse:
    body = _indent(response.body)
    hidden = max(len(body) - SHOWN_CHARACTERS, 0)
    description, body = (
        mask_phones_in(text) if masked else text
        for text in (response.what, body[:SHOWN_CHARACTERS])
    )
    return UnusualResponse(
        response.at, description, response.batch_number, response.http_status, body, hidden
    )


def _indent(body: str) -> str:
    """Return JSON with a line for each value, decimals unchanged; anything else as it is."""
    try:
        parsed = json.loads(body, parse_float=lambda digits: f"\0{digits}\0")
    except (ValueError, RecursionError):
        return body
    return _DECIMAL.sub(r"\1", json.dumps(parsed, ensure_ascii=False, indent=2))
