import json
from pathlib import Path
from typing import Any

import pytest

from campaigns.compose.message import sms

VECTORS = json.loads((Path(__file__).parent / "vectors" / "sms.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: ascii(v["text"][:12]))
def test_parts_agree_with_the_table(vector: dict[str, Any]) -> None:
    expected = sms.SmsLength(
        vector["encoding"], vector["units"], vector["parts"], tuple(vector["culprits"])
    )
    assert sms.measure_sms(str(vector["text"])) == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: ascii(v["text"][:12]))
def test_split_gives_as_many_pieces_as_counted_and_loses_nothing(vector: dict[str, object]) -> None:
    text = str(vector["text"])
    pieces = sms.split_parts(text)
    assert len(pieces) == vector["parts"]
    assert "".join(pieces) == text


def test_split_never_tears_an_emoji_or_a_double_septet() -> None:
    assert sms.split_parts("я" * 66 + "😀" + "я" * 9) == ["я" * 66, "😀" + "я" * 9]
    assert sms.split_parts("a" * 152 + "€" + "a" * 10) == ["a" * 152, "€" + "a" * 10]


def test_the_alphabet_has_127_characters_beside_the_escape() -> None:
    assert len(set(sms.GSM_BASIC)) == len(sms.GSM_BASIC) == 127
    assert len(set(sms.GSM_EXTENDED)) == 10


def test_plain_replaces_typography_by_gsm_characters() -> None:
    assert sms.replace_typography("It’s “so” — №5…") == 'It\'s "so" - No.5...'
    assert all(sms.measure_sms(word).encoding == sms.GSM_7 for word in sms.REPLACEMENTS.values())
