import json
from pathlib import Path

import pytest

from campaigns.compose.message.merge_tags import CompiledText, MissingValue, Tag, fill, tags

VECTORS = json.loads((Path(__file__).parent / "vectors" / "merge.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: ascii(v["text"]))
def test_fill_agrees_with_the_table(vector: dict[str, object]) -> None:
    template = CompiledText(str(vector["text"]))
    assert template.strays == vector["strays"]
    if vector["filled"] is None:
        with pytest.raises(MissingValue):
            template.fill(vector["fields"])  # type: ignore[arg-type]
    else:
        assert template.fill(vector["fields"]) == vector["filled"]  # type: ignore[arg-type]


def test_missing_value_names_the_tag() -> None:
    with pytest.raises(MissingValue) as missing:
        fill("{first_name} {surname}", {"first_name": "Olena"})
    assert missing.value.name == "surname"


def test_tags_come_in_order_with_their_words() -> None:
    assert tags("{b} {a|x} {b|}") == [Tag("b", None), Tag("a", "x"), Tag("b", "")]


def test_sketch_shows_the_bare_tag_where_nothing_is_known() -> None:
    assert CompiledText("{first_name}, {city|your city}").sketch({}) == "{first_name}, your city"


def test_a_template_can_be_filled_again_and_again() -> None:
    template = CompiledText("Hi {name|you}")
    assert [template.fill({"name": name}) for name in ("A", "", "B")] == ["Hi A", "Hi you", "Hi B"]
