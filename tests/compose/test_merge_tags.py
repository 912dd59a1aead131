"""Merge tags: what is filled in, what is missing, and which braces are no tag."""

import json
from pathlib import Path

import pytest

from campaigns.compose.message.merge_tags import CompiledText, MissingValue, Tag

VECTORS = json.loads((Path(__file__).parent / "vectors" / "merge.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: ascii(v["text"]))
def test_fill_agrees_with_the_test_vectors(vector: dict[str, object]) -> None:
    compiled = CompiledText(str(vector["text"]))
    assert compiled.strays == vector["strays"]
    if vector["filled"] is None:
        with pytest.raises(MissingValue):
            compiled.fill(vector["fields"])  # type: ignore[arg-type]
    else:
        assert compiled.fill(vector["fields"]) == vector["filled"]  # type: ignore[arg-type]


def test_missing_value_names_the_tag() -> None:
    with pytest.raises(MissingValue) as missing:
        CompiledText("{first_name} {surname}").fill({"first_name": "Olena"})
    assert missing.value.name == "surname"


def test_tags_come_in_order_with_their_fallback_values() -> None:
    assert CompiledText("{b} {a|x} {b|}").tags == [Tag("b", None), Tag("a", "x"), Tag("b", "")]


def test_partial_fill_keeps_tags_without_value_and_fallback() -> None:
    assert (
        CompiledText("{first_name}, {city|your city}").fill_partially({})
        == "{first_name}, your city"
    )


def test_a_compiled_text_can_be_filled_many_times() -> None:
    compiled = CompiledText("Hi {name|you}")
    assert [compiled.fill({"name": name}) for name in ("A", "", "B")] == ["Hi A", "Hi you", "Hi B"]
