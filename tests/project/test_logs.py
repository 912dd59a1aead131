import json
import logging
import sys

import pytest

from tests.hostile.strings import NOT_STORABLE, STORABLE
from viberdash.logs import CONTROL, JsonFormatter, RedactingFormatter


def line(message: str, *args: object, secrets: tuple[str, ...] = ()) -> str:
    record = logging.LogRecord("campaigns", logging.INFO, __file__, 1, message, args, None)
    return RedactingFormatter(secrets).format(record).partition(" campaigns ")[2]


@pytest.mark.parametrize(
    ("message", "logged"),
    [
        ("sent to 380972920283", "sent to 380…83"),
        ("to=+380972920283,", "to=+380…83,"),
        ('{"msisdn": "40712345678"}', '{"msisdn": "407…78"}'),
        ("key live_0123456789abcdef refused", "key live_… refused"),
        ("12 batches of 50, 20000 people, port 8000", "12 batches of 50, 20000 people, port 8000"),
        ("c1a00000000000010000000000000042", "c1a00000000000010000000000000042"),
    ],
)
def test_log_names_no_key_and_no_phone(message: str, logged: str) -> None:
    assert line(message) == logged


def test_log_leaves_this_installations_secrets_out() -> None:
    assert line("X-API-KEY: %s", "my-own-secret", secrets=("my-own-secret",)) == "X-API-KEY: …"


def test_log_cuts_tracebacks_too() -> None:
    try:
        raise ValueError("380972920283")
    except ValueError:
        record = logging.LogRecord(
            "campaigns", logging.ERROR, __file__, 1, "failed", (), sys.exc_info()
        )
    text = RedactingFormatter().format(record)
    assert "ValueError: 380…83" in text
    assert "380972920283" not in text


def test_a_text_begins_no_line_and_commands_no_terminal() -> None:
    for text in (*STORABLE, *NOT_STORABLE):
        logged = line("%s said %s", "agent", text)
        assert not CONTROL.search(logged)
        assert len(logged.splitlines()) == 1
    assert line("%s", "a\r\nb\x1b[2J\u202e\ud800") == r"a\r\nb\x1b[2J\u202e\ud800"


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "b\nc", (), sys.exc_info())
    head, *rest = RedactingFormatter().format(record).splitlines()
    assert head.endswith(r"ERROR a b\nc")
    assert rest[0].startswith("Traceback")


def test_json_is_an_object_in_a_line_without_keys_and_phones() -> None:
    try:
        raise ValueError("380972920283")
    except ValueError:
        record = logging.LogRecord(
            "campaigns", logging.ERROR, __file__, 1, "a\n%s live_0123456789", ("my-own-secret",),
            sys.exc_info(),
        )  # fmt: skip
    record.created, record.campaign_id = 1_767_225_600.25, 12
    text = JsonFormatter(["my-own-secret"]).format(record)
    assert len(text.splitlines()) == 1
    fields = json.loads(text)
    exception = fields.pop("exception")
    assert exception.startswith("Traceback")
    assert exception.endswith("ValueError: 380…83")
    assert fields == {
        "time": "2026-01-01T00:00:00.250+00:00",
        "level": "ERROR",
        "logger": "campaigns",
        "message": "a\n… live_…",
        "campaign_id": 12,
    }


def test_json_takes_any_text() -> None:
    for text in (*STORABLE, *NOT_STORABLE):
        record = logging.LogRecord("campaigns", logging.INFO, __file__, 1, "%s", (text,), None)
        logged = JsonFormatter().format(record)
        assert not CONTROL.search(logged)
        assert json.loads(logged)["level"] == "INFO"
