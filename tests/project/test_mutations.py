"""The report of `make mutations`, and what it is told to change."""

import json
import tomllib
from pathlib import Path

from tests.project import mutations

SETTINGS = tomllib.loads((mutations.ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]


def test_named_modules_and_tests_exist() -> None:
    for pattern in SETTINGS["only_mutate"]:
        assert list(mutations.ROOT.glob(pattern)), pattern
    for test in SETTINGS["pytest_add_cli_args_test_selection"]:
        assert (mutations.ROOT / test.removeprefix("--ignore=")).exists()


def test_report_counts_what_was_killed(tmp_path: Path) -> None:
    statuses = {"a": 1, "b": 0, "c": 33, "d": None, "e": 1, "f": 36, "g": 1}
    (tmp_path / "campaigns").mkdir()
    for name, codes in (("sums", statuses), ("nothing", {})):
        file = tmp_path / "campaigns" / f"{name}.py.meta"
        file.write_text(json.dumps({"exit_code_by_key": codes}))
    found = mutations.results(tmp_path)
    assert list(found) == ["campaigns/sums.py"]
    line = mutations.summary("sums", found["campaigns/sums.py"])
    assert line.split() == [
        "sums",
        "80%",
        "of",
        "5",
        "killed,",
        "1",
        "no",
        "test,",
        "1",
        "not",
        "run",
    ]
