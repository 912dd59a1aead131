"""`python -m tests.project.mutations`: what came of the last `make mutations`.

Prints for each module how many of its mutants were killed by a test, and the survivors, each as
the change that no test noticed. Many survivors change nothing that matters, such as the case of a
column's name: read them, and write a test for those that do.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "mutants"
KILLED, SURVIVED = "killed", "survived"
# Exit statuses of pytest, as mutmut keeps them; None: the run was ended before.
RESULTS = {0: SURVIVED, 1: KILLED, 3: KILLED, None: "not run", 5: "no test", 33: "no test"}


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


def summary(module: str, outcome: Mapping[str, str]) -> str:
    """One line: how many of the mutants that ran were killed, and what else there was."""
    counts = Counter(outcome.values())
    ran = counts[KILLED] + counts[SURVIVED]
    share = f"{counts[KILLED] / ran:4.0%}" if ran else "   -"
    others = "".join(f", {counts[what]} {what}" for what in ("no test", "not run") if counts[what])
    return f"{module:<52}{share} of {ran:>4} killed{others}"


def change(mutant: str) -> str:
    """The lines that `mutant` changes."""
    command = [sys.executable, "-m", "mutmut", "show", mutant]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    changed = [line for line in lines.splitlines() if line[:1] in "+-" and line[:3] not in "+++---"]
    return "\n".join(f"    {line}" for line in changed)


def main() -> int:
    found = results(MUTANTS)
    for outcome in found.values():
        for mutant, result in outcome.items():
            if result == SURVIVED:
                print(f"{mutant}\n{change(mutant)}")
    for module, outcome in found.items():
        print(summary(module, outcome))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
