"""The documents name tests and files that exist."""

import re

import pytest
from django.conf import settings

DOCUMENTS = ["docs/security.md", "docs/asvs.md"]
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
FILE = re.compile(r"`((?:tests|docs|campaigns|viberdash|templates|static)/[\w./-]+)`")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_tests_and_files_exist(document: str) -> None:
    text = (settings.BASE_DIR / document).read_text()
    named = set(TEST.findall(text))
    missing = [file for file in FILE.findall(text) if not (settings.BASE_DIR / file).exists()]
    assert missing == []
    for file, test in named:
        content = (settings.BASE_DIR / file).read_text()
        assert not test or f"def {test}(" in content, f"{file}::{test}"
    assert len(named) > 20


def test_asvs_has_each_requirement_once() -> None:
    """All 253 of levels 1 and 2 of ASVS 5.0.0, in order, each with its state."""
    text = (settings.BASE_DIR / "docs/asvs.md").read_text()
    rows = re.findall(r"^\| V([\d.]+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    ids = [tuple(map(int, name.split("."))) for name, _state in rows]
    assert len(ids) == len(set(ids)) == 253
    assert ids == sorted(ids)
    assert {chapter for chapter, _section, _place in ids} == set(range(1, 18))
    assert {state for _name, state in rows} == {"met", "n/a", "not met"}
