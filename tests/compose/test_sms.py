"""Encoding, length and parts of an SMS."""

import json
from pathlib import Path
from typing import Any

import pytest

from campaigns.compose.message import sms

VECTORS = json.loads((Path(__file__).parent / "vectors" / "sms.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: ascii(v["text"][:12]))
def test_lengths_agree_with_the_test_vectors(vector: dict[str, Any]) -> None:
    expected = sms.SmsLength(
        vector["encoding"], vector["units"], vector["parts"], tuple(vector["culprits"])
    )
    assert sms.measure_sms(str(vector["text"])) == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: ascii(v["text"][:12]))
def test_a_text_is_split_into_as_many_parts_as_counted(vector: dict[str, object]) -> None:
    text = str(vector["text"])
    parts = sms.split_parts(text)
    assert len(parts) == vector["parts"]
    assert "".join(parts) == text


def test_characters_of_two_units_are_not_split() -> None:
    assert sms.split_parts("я" * 66 + "😀" + "я" * 9) == ["я" * 66, "😀" + "я" * 9]
    assert sms.split_parts("a" * 152 + "€" + "a" * 10) == ["a" * 152, "€" + "a" * 10]


def test_the_basic_alphabet_has_127_characters_without_escape() -> None:
    assert len(set(sms.GSM_BASIC)) == len(sms.GSM_BASIC) == 127
    assert len(set(sms.GSM_EXTENDED)) == 10


def test_typographic_characters_are_replaced_by_gsm_ones() -> None:
    assert sms.replace_typography("It’s “so” — №5…") == 'It\'s "so" - No.5...'
    assert all(sms.measure_sms(word).encoding == sms.GSM_7 for word in sms.REPLACEMENTS.values())
