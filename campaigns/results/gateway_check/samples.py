"""Answers of the gateway as samples for support: as they came, without phones, key, ids and what
the account holds.

A digit that may tell something becomes 9 and a letter x, so that the shape stays: numbers are
numbers, strings are strings, with as many characters and decimal places.
"""

import json
import re
import threading
from typing import TypedDict

from campaigns.gateway.key_in_use import without_keys
from campaigns.results.gateway_check import shapes

BODY_MAX = 6_000  # characters of a sample
ROWS_KEPT = 3  # of a price list
SEND = "POST /viber/create"
# Numbers and times that tell nothing about a person or the account's money, and stay as they are.
FIGURES = {
    "error", "code", "price", "total_price", "totalprice", "mcc", "mnc",
    "time_in", "time_sent", "time_dr",
}  # fmt: skip
# Words that stay as they are, but for long runs of digits, which may be a phone.
WORDS = {
    "errordescription", "message", "status", "currency", "channel", "type", "country",
    "country_name",
}  # fmt: skip
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")(?P<colon>\s*:)?|(?P<number>-?[0-9][0-9.eE+-]*)', re.DOTALL
)
_LONG_DIGITS = re.compile(r"\+?[0-9](?:[ ().-]{0,2}[0-9]){6,}")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[^\W\d_]")


class Sample(TypedDict):
    """One answer. `http_status` None: none came, and `body` says why."""

    call: str  # method and path, without the id of a message
    http_status: int | None
    body: str
    shape: list[str]  # what the answer has, in short


class Recorder:
    """Keeps a sample of each answer; a `Listener` of the client, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: list[Sample] = []

    def __call__(self, method: str, path: str, status: int | None, text: str) -> None:
        sample = make_sample(call_name(method, path), status, text)
        with self._lock:
            self._samples.append(sample)

    @property
    def samples(self) -> list[Sample]:
        """The samples so far, in the order of their calls."""
        with self._lock:
            return sorted(self._samples, key=lambda sample: sample["call"])


def make_sample(call: str, status: int | None, text: str) -> Sample:
    """The sample of an answer with this `text`."""
    return Sample(
        call=call,
        http_status=status,
        body=mask(_shortened(text))[:BODY_MAX],
        shape=shapes.of_answer(call, text),
    )


def call_name(method: str, path: str) -> str:
    """The call in words, without the id or the reference that the path names."""
    path = re.sub(r"^/viber/reference/.*", "/viber/reference/{reference}", path)
    return f"{method} {re.sub(r'^/viber/(?!create$|price)[^/]+$', '/viber/{id}', path)}"


def mask(text: str) -> str:
    """`text` without what must not be mailed; JSON stays JSON with the same shape."""
    text = without_keys(text)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return _without_long_digits(text)
    key = ""

    def masked(token: re.Match[str]) -> str:
        nonlocal key
        whole = token[0]
        if token["colon"]:
            key = json.loads(token["string"]).lower()
            return whole
        if token["number"]:
            return whole if key in FIGURES else _DIGIT.sub("9", whole)
        return json.dumps(_masked_word(json.loads(whole), key), ensure_ascii=False)

    return _TOKEN.sub(masked, text)


def _masked_word(value: str, key: str) -> str:
    if key in FIGURES and not _LETTER.search(value):
        return value
    if key in WORDS or key in FIGURES:
        return _without_long_digits(value)
    return _LETTER.sub("x", _DIGIT.sub("9", value))


def _without_long_digits(text: str) -> str:
    return _LONG_DIGITS.sub(lambda run: _DIGIT.sub("9", run[0]), text)


def _shortened(text: str) -> str:
    """A long price list with its first rows only."""
    start = text.find('"prices"')
    end = start
    for _row in range(ROWS_KEPT):
        end = text.find("}", end + 1) if end >= 0 else -1
    if start < 0 or end < 0 or len(text) < 2_000:
        return text
    return f"{text[: end + 1]}]}}"
