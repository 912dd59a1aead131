"""The report of `make mutations`, and what it is told to change."""

import json
import tomllib
from pathlib import Path

import pytest

from campaigns.contacts.phones import parsing
from tests.project import mutant_runs, mutations

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


MUTATED = """
def x_total__mutmut_orig(rows):
    return sum(
        row.amount for row in rows
    ) + 1

def x_total__mutmut_1(rows):
    return sum(
        row.amount for row in rows
    ) - 1

def x_total__mutmut_2(rows):
    return None

class Sums:
    def xǁSumsǁadd__mutmut_orig(self, key, change=0):
        self.rows[key] += change

    def xǁSumsǁadd__mutmut_12(self, key, change=1):
        self.rows[key] += change
"""


def test_change_is_told_by_its_lines() -> None:
    names = ["ledger.x_total__mutmut_1", "ledger.x_total__mutmut_2", "ledger.xǁSumsǁadd__mutmut_12"]
    whole = "return sum(\nrow.amount for row in rows\n) + 1"
    assert list(mutations.changes(MUTATED, names)) == [
        ("ledger.total", ") + 1", ") - 1"),
        ("ledger.total", whole, "return None"),
        ("ledger.Sums.add", "def add(self, key, change=0):", "def add(self, key, change=1):"),
    ]


@pytest.mark.parametrize(("killed", "status"), [(17, 0), (16, 1)])
def test_report_names_new_survivors_and_fails_below_the_least_share(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    killed: int,
    status: int,
) -> None:
    codes = {"ledger.x_total__mutmut_1": 0, "ledger.x_total__mutmut_2": 0}
    codes |= {f"ledger.x_total__mutmut_{number}": 1 for number in range(3, killed + 3)}
    codes |= {"ledger.xǁSumsǁadd__mutmut_12": 0}
    (tmp_path / "sums.py").write_text(MUTATED, "utf-8")
    (tmp_path / "sums.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    accepted = tmp_path / "accepted.toml"
    accepted.write_text(
        '[[accepted]]\nreason = "Why"\nchanges = [["ledger.total", ") + 1", ") - 1"]]\n', "utf-8"
    )
    monkeypatch.setattr(mutations, "MUTANTS", tmp_path)
    monkeypatch.setattr(mutations, "ACCEPTED", accepted)
    assert mutations.main() == status
    survivors, summary = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert tomllib.loads(f"changes = [{survivors}]")["changes"] == [
        ["ledger.total", "return sum(\nrow.amount for row in rows\n) + 1", "return None"],
        ["ledger.Sums.add", "def add(self, key, change=0):", "def add(self, key, change=1):"],
    ]
    assert summary.split() == [
        "sums.py",
        f"{killed / (killed + 3):.0%}",
        "of",
        str(killed + 3),
        "killed",
    ]


def test_accepted_changes_name_functions_that_exist_and_a_reason() -> None:
    groups = tomllib.loads(mutations.ACCEPTED.read_text("utf-8"))["accepted"]
    for group in groups:
        assert group["reason"]
        for function, before, _after in group["changes"]:
            module = next(
                path
                for path in map(mutations.ROOT.joinpath, possible_files(function))
                if path.is_file()
            )
            lines = {line.strip() for line in module.read_text("utf-8").splitlines()}
            assert set(before.splitlines()) <= lines, function


def possible_files(function: str) -> list[str]:
    """A function's module, if it is one of a class or not."""
    parts = function.split(".")
    return [f"{'/'.join(parts[:-1])}.py", f"{'/'.join(parts[:-2])}.py"]


def test_caches_of_this_product_are_emptied_before_each_mutant() -> None:
    phone = parsing.normalise("380972920283", "UA")
    mutant_runs.empty_caches()
    assert parsing.normalise.cache_info().currsize == 0
    assert parsing.normalise("380972920283", "UA") == phone
