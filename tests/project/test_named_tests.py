"""The documents name tests and files that exist."""

import re

import pytest
from django.conf import settings

DOCUMENTS = ["docs/security.md"]
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
