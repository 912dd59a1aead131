"""`make bench-import`: how fast a file becomes clean contacts, as ratios to the database's floor
and to other tools.

`--phones 1000000` compares that many random numbers with the library; `--no-memory` leaves out what
1 and 2 million rows take, `--no-hostile` the files that somebody made to do harm
(hostile_files.py). PostgreSQL is measured where TEST_DATABASE_URL or the local standard port
answers.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django
import openpyxl
import phonenumbers

from tests.benchmarks import contact_files, hostile_files
from tests.platforms import POSTGRESQL, trouble

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = 200_000
MEMORY_ROWS = (1_000_000, 2_000_000)
TARGETS = {"default": 40, "use_bulk": 20, "tuned": 5}


def say(what: str, figure: str, ratio: str = "") -> None:
    print(f"{what:<74}{figure:>16}{ratio:>24}", flush=True)


def environment(database_url: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url, "BSG_API_URL": "http://127.0.0.1:9/rest",
        "BSG_API_KEY": "live_benchmark", "SECRET_KEY": "benchmarks" * 8, "DEBUG": "false",
        "LOG_LEVEL": "ERROR", "ENV_FILE": os.devnull, "TEST_DATABASE_NAME": "test_viberdash_import",
        "REDIS_URL": "", "DJANGO_SETTINGS_MODULE": "viberdash.settings", "DEFAULT_COUNTRY": "UA",
    }  # fmt: skip


def engine(
    database_url: str, folder: Path, *arguments: str, module: str = "import_engine"
) -> dict[str, float]:
    """What a module of this folder measures in a process and a database of its own."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", str(folder), *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(database_url),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {name: float(value) for name, value in (line.split("=") for line in done.stdout.split())}


def library_alone(path: Path) -> float:
    """Seconds to read the file and ask `phonenumbers` about every row."""
    start = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            try:
                number = phonenumbers.parse(row["phone"], "UA")
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                phonenumbers.number_type(number)
                phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return time.perf_counter() - start


def ours_alone(path: Path) -> float:
    """Seconds to read, normalise and judge every row of the file our way, merge fields and
    repetitions included.
    """
    from campaigns.contacts.importing.column_mapping import ColumnMapping
    from campaigns.contacts.importing.csv_reader import Layout
    from campaigns.contacts.importing.rows import RowParser

    parser = RowParser(Layout(), ColumnMapping([0], {1: "first_name", 2: "city", 3: "bonus"}), "UA")
    start = time.perf_counter()
    rows = sum(parsed.rows for parsed in parser.slices(path))
    assert rows == ROWS
    return time.perf_counter() - start


def reading_xlsx(folder: Path) -> None:
    path, text = folder / "people.xlsx", folder / "flat.csv"
    start = time.perf_counter()
    book = openpyxl.load_workbook(path, read_only=True)
    rows = sum(1 for _row in book["People"].iter_rows(values_only=True))
    theirs = time.perf_counter() - start
    start = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "campaigns.contacts.importing.spreadsheets",
        str(path),
        str(text),
        "100",
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with text.open(encoding="utf-8", newline="") as file:
        assert sum(1 for _row in csv.reader(file)) == rows
    ours = time.perf_counter() - start
    say("XLSX to rows: openpyxl, read-only", f"{rows / theirs:,.0f}/s")
    say(
        "XLSX to rows: ours, with the process that does it",
        f"{rows / ours:,.0f}/s",
        f"{theirs / ours:.1f} times of 5",
    )


def measure(name: str, database_url: str, folder: Path, with_memory: bool) -> None:
    result = engine(database_url, folder)
    rows = result["rows"]
    for kind, expected_text in (("new", "into a new list"), ("known", "into a full one")):
        floor, ours = result[f"{kind}_floor"], result[kind]
        say(f"{name}: ready rows {expected_text}, the database's floor", f"{rows / floor:,.0f}/s")
        say(
            f"{name}: file to table, {expected_text}",
            f"{rows / ours:,.0f}/s",
            f"{floor / ours:.2f} of 0.8",
        )
    say(f"{name}: 20,000 rows, ours", f"{20_000 / result['ours_20k']:,.0f}/s")
    for peer, target in TARGETS.items():
        theirs = result[f"peer_{peer}"]
        times = f"{theirs / result['ours_20k']:.0f} times of {target}"
        say(
            f"{name}: 20,000 rows, django-import-export, {peer}", f"{20_000 / theirs:,.0f}/s", times
        )
    for count in MEMORY_ROWS if with_memory else ():
        long = engine(database_url, folder, "--memory", str(count))
        say(
            f"{name}: {count:,} rows, peak memory",
            f"{long['peak']:,.0f} MB",
            f"{long['seconds']:.1f} s, of 300 MB",
        )


def same_verdicts(count: int) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/contacts/test_prefix_rules.py",
        "-q",
        "-k",
        "random or examples",
    ]
    settings = os.environ | {"RANDOM_PHONES": str(count)}
    done = subprocess.run(
        command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True, check=False
    )
    say(
        f"the library's own verdict on {count:,} random numbers and all examples",
        "no" if done.returncode else "yes",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=100_000)
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--no-hostile", dest="hostile", action="store_false")
    parser.add_argument("--hostile-only", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= environment(f"sqlite:///{folder}/none.sqlite3")
        if chosen.hostile or chosen.hostile_only:
            hostile_files.measure(folder, dict(os.environ), say)
        if chosen.hostile_only:
            return
        django.setup()
        contact_files.write_csv(folder / "people.csv", ROWS)
        contact_files.write_csv(folder / "peer.csv", 20_000, clean=True)
        contact_files.write_xlsx(folder / "people.xlsx", ROWS)
        for count in MEMORY_ROWS if chosen.memory else ():
            contact_files.write_csv(folder / f"people-{count}.csv", count)
        say("what", "figure", "ratio of its target")
        same_verdicts(chosen.phones)
        alone, ours = (
            library_alone(folder / "people.csv"),
            min(ours_alone(folder / "people.csv") for _ in range(3)),
        )
        say("reading and judging: phonenumbers on every row", f"{ROWS / alone:,.0f}/s")
        say("reading and judging: ours", f"{ROWS / ours:,.0f}/s", f"{alone / ours:.1f} times of 8")
        reading_xlsx(folder)
        measure("SQLite", f"sqlite:///{folder}/bench.sqlite3", folder, chosen.memory)
        if why := trouble(POSTGRESQL):
            say(f"PostgreSQL: not measured, {why}", "")
        else:
            measure("PostgreSQL", POSTGRESQL, folder, chosen.memory)


if __name__ == "__main__":
    main()
