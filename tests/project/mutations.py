"""`python -m tests.project.mutations`: what came of the last `make mutations`.

Prints for each module how many of its mutants were killed by a test, and the changes that no test
noticed, in the form in which `accepted_mutants.toml` takes them. That file lists the changes that
may survive, each with the reason; they are not printed again. Read the others: a change that
matters needs a test. Exits with 1 if less than LEAST of a module's mutants were killed.
"""

import ast
import difflib
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"
ACCEPTED = Path(__file__).with_name("accepted_mutants.toml")
LEAST = 0.85
KILLED, SURVIVED = "killed", "survived"
# Exit statuses of pytest, as mutmut keeps them; None: the run was ended before.
RESULTS = {0: SURVIVED, 1: KILLED, 3: KILLED, None: "not run", 5: "no test", 33: "no test"}


class Mutation(NamedTuple):
    """A change of a function; its lines, not its number, which moves with every edit."""

    function: str
    before: str
    after: str


def result_of(exit_status: int | None) -> str:
    """What an exit status says; whatever is not in the table is a time-out or a crash, which a test
    run would not overlook.
    """
    return RESULTS.get(exit_status, KILLED)


def results(folder: Path) -> dict[str, dict[str, str]]:
    """The results of the mutants by module and mutant; modules without mutants are not there."""
    found = {}
    for path in sorted(folder.rglob("*.meta")):
        statuses: Mapping[str, int | None] = json.loads(path.read_text())["exit_code_by_key"]
        if statuses:
            module = str(path.relative_to(folder)).removesuffix(".meta")
            found[module] = {name: result_of(status) for name, status in statuses.items()}
    return found


def share(outcome: Mapping[str, str]) -> float:
    """How many of the mutants that ran were killed; 1 if none ran."""
    counts = Counter(outcome.values())
    ran = counts[KILLED] + counts[SURVIVED]
    return counts[KILLED] / ran if ran else 1.0


def summary(module: str, outcome: Mapping[str, str]) -> str:
    """One line: how many of the mutants that ran were killed, and what else there was."""
    counts = Counter(outcome.values())
    ran = counts[KILLED] + counts[SURVIVED]
    percent = f"{share(outcome):4.0%}" if ran else "   -"
    others = "".join(f", {counts[what]} {what}" for what in ("no test", "not run") if counts[what])
    return f"{module:<52}{percent} of {ran:>4} killed{others}"


def changes(source: str, mutants: list[str]) -> Iterator[Mutation]:
    """The changes of `mutants`, by the module `source` that contains them and what they changed."""
    functions = {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for mutant in mutants:
        module, _dot, name = mutant.rpartition(".")
        original = f"{name.rpartition('_')[0]}_orig"
        # x_total__mutmut_1 of a function, xǁSumsǁadd__mutmut_1 of a method
        mangled = name.partition("__mutmut_")[0]
        plain = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        before, after = (
            functions[mutated].replace(mutated, plain.rpartition(".")[2], 1).splitlines()
            for mutated in (original, name)
        )
        changed: dict[str, list[str]] = {"-": [], "+": []}
        for line in difflib.ndiff(before, after):
            changed.get(line[0], []).append(line[1:].strip())
        yield Mutation(f"{module}.{plain}", *("\n".join(changed[sign]) for sign in "-+"))


def accepted() -> set[Mutation]:
    """The changes that may survive, by accepted_mutants.toml."""
    groups = tomllib.loads(ACCEPTED.read_text("utf-8"))["accepted"]
    return {Mutation(*change) for group in groups for change in group["changes"]}


def main() -> int:
    found, known = results(MUTANTS), accepted()
    for module, outcome in found.items():
        survivors = [mutant for mutant, result in outcome.items() if result == SURVIVED]
        for change in changes((MUTANTS / module).read_text("utf-8"), survivors):
            if change not in known:
                print(f"    {json.dumps(change, ensure_ascii=False)},")
    for module, outcome in found.items():
        print(summary(module, outcome))
    few = [module for module, outcome in found.items() if share(outcome) < LEAST]
    if few:
        print(f"Less than {LEAST:.0%} killed: {', '.join(few)}", file=sys.stderr)
    return 1 if few or not found else 0


if __name__ == "__main__":
    sys.exit(main())
