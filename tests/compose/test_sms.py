"""Encoding, length and parts of an SMS."""

import json
from pathlib import Path
from typing import Any

import pytest

from campaigns.compose.message import sms
from campaigns.compose.message.render import CompiledMessage
from campaigns.shared.text import composed

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
    assert "".join(parts) == composed(text)


REPLACED = [vector for vector in VECTORS if "replaced" in vector]


@pytest.mark.parametrize("vector", REPLACED, ids=lambda v: ascii(v["text"][:12]))
def test_only_what_wins_something_is_replaced(vector: dict[str, Any]) -> None:
    """The sources of the vectors are public reports; each is named beside its text."""
    assert sms.replace_typography(vector["text"]) == vector["replaced"]
    assert sms.replace_typography(vector["replaced"]) == vector["replaced"]
    before, after = sms.measure_sms(vector["text"]), sms.measure_sms(vector["replaced"])
    assert (after.encoding, after.parts, after.units) <= (
        before.encoding,
        before.parts,
        before.units,
    )


@pytest.mark.parametrize("vector", REPLACED, ids=lambda v: ascii(v["text"][:12]))
def test_characters_that_cannot_be_seen_are_named(vector: dict[str, Any]) -> None:
    assert [sms.shown_character(culprit) for culprit in vector["culprits"]] == vector["shown"]


def test_characters_of_two_units_are_not_split() -> None:
    assert sms.split_parts("я" * 66 + "😀" + "я" * 9) == ["я" * 66, "😀" + "я" * 9]
    assert sms.split_parts("a" * 152 + "€" + "a" * 10) == ["a" * 152, "€" + "a" * 10]


def test_the_basic_alphabet_has_127_characters_without_escape() -> None:
    assert len(set(sms.GSM_BASIC)) == len(sms.GSM_BASIC) == 127
    assert len(set(sms.GSM_EXTENDED)) == 10


def test_typographic_characters_are_replaced_by_gsm_ones() -> None:
    assert sms.replace_typography("It’s “so” — №5…") == 'It\'s "so" - No.5...'
    assert all(sms.measure_sms(word).encoding == sms.GSM_7 for word in sms.REPLACEMENTS.values())


def test_an_sms_is_sent_with_composed_accents() -> None:
    message = CompiledMessage("Hi", sms_text="{name}, cafe\u0301")
    assert message.render({"name": "Zoe\u0308"}).sms_text == "Zoë, café"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "culprits"),
    [
        ('Say "yes"', sms.GSM_7, 9, ()),  # playsms/playsms#213
        ("non-stop", sms.GSM_7, 8, ()),  # acpmasquerade/sms-counter-php#6
        ("non\u2010stop", sms.UCS_2, 8, ("\u2010",)),  # the same, pasted
        ("Ŵ{}", sms.UCS_2, 3, ("Ŵ",)),  # alphagov/notifications-utils#1371
        ("[€]", sms.GSM_7, 6, ()),  # danxexe/sms-counter#2
        ("¡Hola, señor!", sms.GSM_7, 13, ()),  # chadselph/smssplit#2
        ("commerçant", sms.UCS_2, 10, ("ç",)),  # Vonage/vonage-ruby-sdk#255
        ("COMMERÇANT", sms.GSM_7, 10, ()),
        ("àéèÉìòù", sms.GSM_7, 7, ()),  # instasent/sms-counter-php#19
        ("don’t", sms.UCS_2, 5, ("’",)),  # OnePointGlobal/OnePoint-Global-SMS-Services#33
        ("1\r\n2", sms.GSM_7, 4, ()),  # danxexe/sms-counter#14
    ],
)
def test_characters_that_others_miscounted(
    text: str, encoding: str, units: int, culprits: tuple[str, ...]
) -> None:
    assert sms.measure_sms(text) == sms.SmsLength(encoding, units, 1, culprits)
