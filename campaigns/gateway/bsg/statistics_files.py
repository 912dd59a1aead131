"""Statistics files: what the calls for them ask, and how their answers are read.

From docs/gateway-contract.md, "Statistics files". Nobody has seen the real service answer them yet,
so the readers take every shape of the documents, and any spelling of the keys.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from campaigns.gateway.bsg import json_values
from campaigns.gateway.errors import GatewayUnreadable
from campaigns.gateway.statuses import known_spelling
from campaigns.gateway.types import StatisticsFile, StatisticsRow, StatisticsRows

IDS_MAX = 300  # of messages in one file
FILES_MAX = 5  # of an account at a time
KEY_MAX = 100  # characters; a longer key is rejected
CREATE, LIST = "/stat/create", "/stat/list"
# The array right after the error, as one page of the documents shows it: not JSON.
_BARE_ARRAY = re.compile(
    r"""(\{\s*"error"\s*:\s*"?0"?\s*(?:,\s*"errorDescription"\s*:\s*"[^"]*"\s*)?,\s*)\["""
)
_BLANKS_IN_TIME = re.compile(r"\s*([:-])\s*")


def for_ids(gateway_ids: Sequence[str]) -> bytes:
    """The question for a file about these messages. Raises ValueError for more than 300."""
    if not 0 < len(gateway_ids) <= IDS_MAX:
        raise ValueError(f"a statistics file takes 1 to {IDS_MAX} messages")
    ids = [int(one) if one.isascii() and one.isdigit() else one for one in gateway_ids]
    return json.dumps({"message_id": ids}).encode()


def for_window(since: datetime, until: datetime) -> bytes:
    """The question for a file about the Viber messages that came in from `since` to `until`.

    Both are aware, and included; fractions of a second are widened.
    """
    window = {"time_in_from": _written(since), "time_in_to": _written(until)}
    return json.dumps(window | {"message_type": "viber"}).encode()


def mark_of(question: bytes) -> str:
    """What recognizes `question` in a list of files: the `mark` of its file."""
    return _mark(json.loads(question))


def path_of(key: str) -> str:
    """The path of the call that fetches a file; `key` is already quoted."""
    return f"/stat/file/id/{key}/format/json"


def read_key(answer: Mapping[str, Any]) -> str:
    """The key of a new file. Raises GatewayUnreadable without one."""
    key = _key(answer)
    result = answer.get("result")
    if not key and isinstance(result, Mapping):
        key = _key(result)
    if not key:
        raise GatewayUnreadable("no key in the answer")
    return key


def read_list(answer: Mapping[str, Any]) -> list[StatisticsFile]:
    """The files of the account; one that cannot be read has the key "", as it counts all the same.

    Raises GatewayUnreadable if there is no list.
    """
    entries = answer.get("result")
    if not isinstance(entries, list):
        raise GatewayUnreadable("no list of files in the answer")
    files = [entry if isinstance(entry, Mapping) else {} for entry in entries]
    return [
        StatisticsFile(
            _key(file),
            json_values.text(file.get("status"), 30).lower(),
            _mark(file.get("request")),
        )
        for file in files
    ]


def repaired(text: str) -> str:
    """`text` of a file as JSON: with a name for an array that has none."""
    return _BARE_ARRAY.sub(r'\1"message_data": [', text, count=1)


def read_rows(answer: Mapping[str, Any]) -> StatisticsRows:
    """The messages of a file. Raises GatewayUnreadable if it has no list of them."""
    entries = answer.get("message_data")
    if not isinstance(entries, list):
        raise GatewayUnreadable("no messages in the file")
    rows = [row for entry in entries if (row := _row(entry)) is not None]
    return StatisticsRows(tuple(rows), len(entries) - len(rows))


def _mark(request: Any) -> str:
    """A hash of the ids or of the window in `request`, however it writes them; "" without them."""
    if not isinstance(request, Mapping):
        return ""
    ids = request.get("message_id")
    ids = sorted(map(str, ids)) if isinstance(ids, list) else []
    window = [str(request.get(name) or "") for name in ("time_in_from", "time_in_to")]
    if not ids and not all(window):
        return ""
    return sha256(" ".join(ids or window).encode()).hexdigest()


def _key(entry: Mapping[str, Any]) -> str:
    key = json_values.text(entry.get("key"), KEY_MAX + 1)
    return key if len(key) <= KEY_MAX else ""


def _row(entry: Any) -> StatisticsRow | None:
    """A message; None if it has no id or no status."""
    if not isinstance(entry, Mapping):
        return None
    fields = {_plain_name(name): value for name, value in entry.items()}
    gateway_id = json_values.identifier(fields.get("message_id"))
    status = known_spelling(json_values.text(fields.get("status"), json_values.STATUS_MAX))
    if not gateway_id or not status:
        return None
    price, currency = _price(fields)
    return StatisticsRow(
        gateway_id=gateway_id,
        channel=json_values.text(fields.get("message_type"), 10).lower(),
        msisdn=json_values.msisdn(fields.get("msisdn")),
        status=status,
        price=price,
        currency=currency,
        time_in=_moment(fields.get("incoming_date")),
        time_sent=_moment(fields.get("sending_date")),
        time_dr=_moment(fields.get("dlr_date")),
    )


def _plain_name(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip()).lower()


def _price(fields: Mapping[str, Any]) -> tuple[Decimal | None, str]:
    """Amount and currency from "0.0230000 EUR", or from two fields."""
    written = fields.get("price")
    if isinstance(written, str) and len(parts := written.split()) == 2:
        return json_values.price({"price": parts[0], "currency": parts[1]})
    return json_values.price(fields)


def _moment(value: Any) -> datetime | None:
    """A time that may hold blanks: "2020-10-22 17: 28: 45"."""
    if not isinstance(value, str):
        return None
    return json_values.moment(" ".join(_BLANKS_IN_TIME.sub(r"\1", value).split()))


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
