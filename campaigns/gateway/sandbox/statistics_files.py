"""The statistics files of the account: asked for, listed, fetched and deleted.

docs/gateway-contract.md, "Statistics files", has the calls, docs/sandbox.md the faults. A file
holds the messages as they were when it was asked for. Files end with the process.
"""

import json
import re
import threading
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

from campaigns.gateway.sandbox import answers, prices
from campaigns.gateway.sandbox.account import Account, SentMessage
from campaigns.gateway.sandbox.answers import Reply
from campaigns.gateway.sandbox.contract import RequestRefused
from campaigns.gateway.sandbox.faults import Faults
from campaigns.gateway.statuses import READ, REJECTED, STATUSES, known_spelling

FILES_MAX, IDS_MAX = 5, 300
KINDS = ("viber", "sms", "hlr")
WINDOWS = (("time_in_from", "time_in_to"), ("time_sent_from", "time_sent_to"))
LISTS = ("message_id", "msisdn")
OTHER_FIELDS = ("message_type", "originator", "source_type", "status", "country_name", "sl_clicks")
FIELDS = {*LISTS, *OTHER_FIELDS, *(name for window in WINDOWS for name in window)}
OTHERS = "others"  # how the keys of other people's files begin
LIE = Decimal("0.0100000")  # what a wrong price is too high by
# Other spellings of the names, in rows of the form "strings".
_RENAMED = {"message_ID": "Message ID", "Status": "status", "Incoming date": "incoming_date"}


@dataclass(slots=True)
class File:
    """A file. `ready_at` is a moment of the message clock, None for a file that is never ready."""

    key: str
    request: Mapping[str, Any]
    rows: list[dict[str, Any]]
    ready_at: float | None
    has_failed: bool
    lists: int = 0  # how often it was in a list


class StatisticsFiles:
    """Answers the calls for statistics files, from any number of threads.

    `describe` gives the fields of the status call for a message; `note` keeps a violation.
    """

    def __init__(
        self,
        account: Account,
        faults: Faults,
        describe: Callable[[SentMessage], dict[str, Any]],
        note: Callable[[str, str, list[str]], None],
    ) -> None:
        self._account = account
        self._faults = faults
        self._describe = describe
        self._note = note
        self._lock = threading.Lock()
        self._files: dict[str, File] = {}

    def forget(self) -> None:
        """Forget all files."""
        with self._lock:
            self._files.clear()

    def answer(self, method: str, path: str, query: str, body: bytes) -> Reply | None:
        """The reply to a call for statistics files; None for any other call."""
        steps = [unquote(step) for step in path.strip("/").split("/")]
        if steps[0] not in ("stat", "exports"):
            return None
        if self._faults.choice("files") == "off":
            return answers.error(4, status=404)
        try:
            match method, steps:
                case (("POST" | "GET"), ["stat", "create"]):
                    return self._create(_asked(query, body))
                case "GET", ["stat", "list"]:
                    return self._list()
                case "GET", ["stat", "file", "id", key, "format", "json"]:
                    return self._fetch(key)
                case "DELETE", ["exports", "file"]:
                    return self._delete(path, dict(parse_qsl(query)).get("id", ""))
        except RequestRefused as refused:
            return answers.error(refused.code, refused.description)
        return answers.error(4, status=404)

    def _create(self, request: dict[str, Any]) -> Reply:
        chosen = self._chosen(request)
        with self._lock:
            if len(self._files) + len(self._others()) >= FILES_MAX:
                return answers.error(92)
            state = self._faults.choice("files")
            rows = [row for sent in chosen for row in self._rows(sent, request)]
            ready_at = self._account.clock() + self._faults.number("files_s")
            file = File(
                uuid.uuid4().hex,
                request,
                rows,
                None if state == "stuck" else ready_at,
                state == "failed",
            )
            self._files[file.key] = file
        return _ok(key=file.key)

    def _list(self) -> Reply:
        with self._lock:
            for file in self._files.values():
                file.lists += 1
            own = [
                {"key": file.key, "request": file.request, "status": self._state(file)}
                for file in self._files.values()
            ]
        others = [{"key": key, "request": {}, "status": "Done"} for key in self._others()]
        return _ok(result=others + own)

    def _fetch(self, key: str) -> Reply:
        with self._lock:
            file = self._files.get(key)
            if key in self._others():
                return answers.error(93)
            if file is None:
                return answers.error(90)
            if self._state(file) != "Done":
                return answers.error(91)
        if not file.rows:
            return answers.error(93)
        rows = json.dumps(file.rows, ensure_ascii=False)
        name = '"message_data":' if self._faults.choice("files_shape") == "object" else ""
        return Reply(f'{{"error":0,{name}{rows}}}'.encode("utf-8", "replace"))

    def _delete(self, path: str, key: str) -> Reply:
        if key in self._others():
            self._note("DELETE", path, ["a file of others was deleted"])
            return _ok()
        with self._lock:
            return _ok() if self._files.pop(key, None) else answers.error(90)

    def _state(self, file: File) -> str:
        if file.ready_at is None or self._account.clock() < file.ready_at:
            return "In progress"
        if file.lists < self._faults.number("files_lists"):
            return "In progress"
        return "Error" if file.has_failed else "Done"

    def _others(self) -> list[str]:
        return [f"{OTHERS}{number}" for number in range(int(self._faults.number("files_others")))]

    def _chosen(self, request: Mapping[str, Any]) -> Iterable[SentMessage]:
        """The messages that `request` asks for. Raises RequestRefused."""
        if "message_id" in request:
            found = [self._account.by_id(one) for one in _ids(request["message_id"])]
            return [sent for sent in dict.fromkeys(found) if sent]
        since, until = _window(request)
        messages, at = self._account.messages, _accepted_second
        first = bisect_left(messages, since, key=at)
        chosen = messages[first : bisect_right(messages, until, key=at)]
        return [sent for sent in chosen if _matches(sent, request)]

    def _rows(self, sent: SentMessage, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The rows of a message, as the faults have them. With ids nothing else counts."""
        fields = self._describe(sent)
        filters = {} if "message_id" in request else request
        wanted = known_spelling(str(filters.get("status", fields["status"])))
        if filters.get("message_type", "viber") != "viber" or fields["status"] != wanted:
            return
        if self._faults.happens("files_missing"):
            return
        if self._faults.happens("files_wrong_status"):
            fields["status"] = REJECTED if fields["status"] == READ else READ
        if self._faults.happens("files_wrong_price"):
            fields["price"] = str(Decimal(fields["price"]) + LIE)
        yield _spelled(_row(sent, fields), self._faults.choice("files_rows"))


def _ok(**fields: Any) -> Reply:
    return answers.as_json({"error": 0, "errorDescription": answers.NO_ERRORS} | fields)


def _asked(query: str, body: bytes) -> dict[str, Any]:
    """What a create call asks for, in its body or its query. Raises RequestRefused."""
    if body:
        try:
            request = json.loads(body)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise RequestRefused(7, "the body is not a JSON object")
    else:
        request = {}
        for name, value in parse_qsl(query):
            plain = name.removesuffix("[]")
            request[plain] = [*request.get(plain, []), value] if plain in LISTS else value
    unknown = set(request) - FIELDS
    if unknown:
        raise RequestRefused(7, f"unknown: {', '.join(sorted(unknown))}")
    _check(request)
    return request


def _check(request: Mapping[str, Any]) -> None:
    if request.get("message_type") not in (None, *KINDS):
        raise RequestRefused(81, "message_type")
    if "status" in request and known_spelling(str(request["status"])) not in STATUSES:
        raise RequestRefused(83, "status")
    phones = request.get("msisdn", [])
    if not isinstance(phones, list) or not all(str(one).isdigit() for one in phones):
        raise RequestRefused(87, "msisdn")


def _ids(value: Any) -> list[str]:
    ids = [str(one) for one in value] if isinstance(value, list) else []
    if not 0 < len(ids) <= IDS_MAX or not all(one.isdigit() for one in ids):
        raise RequestRefused(80, f"message_id takes 1 to {IDS_MAX} ids")
    return ids


def _window(request: Mapping[str, Any]) -> tuple[int, int]:
    """The first and the last second at which the messages came in. Raises RequestRefused."""
    moments = [request.get(name) for name in WINDOWS[0]]
    if None in moments:
        raise RequestRefused(3, "message_id, or time_in_from and time_in_to, are missing")
    try:
        since, until = (
            int(datetime.strptime(str(moment), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp())
            for moment in moments
        )
    except ValueError as error:
        raise RequestRefused(86, "time_in takes YYYY-MM-DD hh:mm:ss") from error
    if since > until:
        raise RequestRefused(86, "time_in_from is after time_in_to")
    return since, until


def _accepted_second(sent: SentMessage) -> int:
    return int(sent.submission.accepted_at)


def _matches(sent: SentMessage, request: Mapping[str, Any]) -> bool:
    content, phones = sent.submission.content, request.get("msisdn")
    country = prices.country_of(sent.msisdn).name
    return (
        request.get("originator", content.sender) == content.sender
        and request.get("country_name", country) == country
        and (not phones or sent.msisdn in map(str, phones))
    )


def _row(sent: SentMessage, fields: Mapping[str, Any]) -> dict[str, Any]:
    country = prices.country_of(sent.msisdn)
    row = {
        "message_ID": int(sent.gateway_id),
        "message_type": "viber",
        "msisdn": int(sent.msisdn),
        "Country_name": country.name,
        "brand_name": sent.submission.content.sender,
        "mcc": country.mcc,
        "mnc": "01",
        "originator": sent.submission.content.sender,
        "price": f"{Decimal(fields['price']):.7f} {fields['currency']}",
        "Incoming date": fields["time_in"],
        "Sending date": fields["time_sent"],
        "DLR Date": fields["time_dr"],
        "Status": fields["status"].capitalize(),
        "body": sent.submission.text,
    }
    return row | {"alt_route": fields["alt_route"]} if "alt_route" in fields else row


def _spelled(row: dict[str, Any], form: str) -> dict[str, Any]:
    """`row` in one of the forms of `files_rows`."""
    if form == "blanks":
        dates = ("Incoming date", "Sending date", "DLR Date")
        return row | {name: re.sub(":", ": ", row[name]) for name in dates}
    if form == "strings":
        return {_RENAMED.get(name, name): str(value) for name, value in row.items()}
    return row
