"""What bench_import measures on one database, in a process of its own: prints name=value, seconds
unless it says MB.

`python -m tests.benchmarks.import_engine FOLDER` or `… FOLDER --memory ROWS`.
"""

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from campaigns.contacts.importing import lifecycle, runner, uploads  # noqa: E402
from campaigns.contacts.models import Contact, ContactList, Import  # noqa: E402
from tests.benchmarks import contact_files  # noqa: E402
from tests.benchmarks.memory import high_water  # noqa: E402

ROUNDS = 3
PEER_ROWS = 20_000
COLUMNS = "list_id, msisdn, country, fields, source_id"


def best(prepare: Callable[[], Any], work: Callable[[Any], Any]) -> float:
    """The shortest of some rounds, each prepared anew."""
    times = []
    for _ in range(ROUNDS):
        ready = prepare()
        gc.collect()
        start = time.perf_counter()
        work(ready)
        times.append(time.perf_counter() - start)
    return min(times)


def empty() -> None:
    with connection.cursor() as cursor:
        for table in ("campaigns_rejectedrow", "campaigns_contact", "campaigns_import"):
            cursor.execute(f"DELETE FROM {table}")
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE campaigns_contact, campaigns_rejectedrow")
    ContactList.objects.update(contact_count=0, countries={})


def full() -> None:
    """The same contacts as just after the file came in; dead rows of the round before are gone."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE campaigns_contact")


def imported(path: Path) -> Callable[[], Import]:
    return lambda: lifecycle.create_queued_import(path, "Bench", "", "UA")


def after(*steps: Callable[[], Any]) -> Callable[[], Any]:
    def all_of_them() -> Any:
        return [step() for step in steps][-1]

    return all_of_them


def ready_rows() -> list[tuple[Any, ...]]:
    """The rows that an import of the file wrote, as the database's own floor wants them."""
    result = Contact.objects.order_by("id").values_list("list_id", "msisdn", "country", "source_id")
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(fields AS text) FROM campaigns_contact ORDER BY id")
        fields = [text for (text,) in cursor.fetchall()]
    return [
        (row[0], row[1], row[2], text, row[3]) for row, text in zip(result, fields, strict=True)
    ]


def write_ready(rows: list[tuple[Any, ...]]) -> None:
    """The floor of a new list: COPY, or executemany, in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY campaigns_contact ({COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(
                f"INSERT INTO campaigns_contact ({COLUMNS}) VALUES (%s, %s, %s, %s, %s)", rows
            )


def merge_ready(rows: list[tuple[Any, ...]]) -> None:
    """The floor of a full list: an upsert, from a temporary table filled by COPY, or by
    executemany.
    """
    change = (
        "ON CONFLICT (list_id, msisdn) DO UPDATE SET fields = excluded.fields, source_id ="
        " excluded.source_id"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("CREATE TEMPORARY TABLE ready (LIKE campaigns_contact) ON COMMIT DROP")
            cursor.execute("ALTER TABLE ready ALTER COLUMN id DROP NOT NULL")
            with cursor.copy(f"COPY ready ({COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(
                f"INSERT INTO campaigns_contact ({COLUMNS}) SELECT {COLUMNS} FROM ready {change}"
            )
        else:
            values = "VALUES (%s, %s, %s, %s, %s)"
            cursor.executemany(f"INSERT INTO campaigns_contact ({COLUMNS}) {values} {change}", rows)


def peers(folder: Path) -> None:
    from tests.benchmarks import import_peer

    contact_list = ContactList.objects.create(name="Peer")
    rows = list(contact_files.rows(PEER_ROWS, clean=True))
    ours = best(after(empty, imported(folder / "peer.csv")), lambda made: runner.run(made.pk))
    print(f"ours_20k={ours}")
    for name in import_peer.RESOURCES:
        empty()
        start = time.perf_counter()
        assert import_peer.run(name, contact_list.pk, rows) == PEER_ROWS
        print(f"peer_{name}={time.perf_counter() - start}")


def ratios(folder: Path) -> None:
    path = folder / "people.csv"
    new = best(after(empty, imported(path)), lambda made: runner.run(made.pk))
    rows = ready_rows()
    known = best(after(full, imported(path)), lambda made: runner.run(made.pk))
    assert Contact.objects.count() == len(rows)
    print(f"new={new}\nknown={known}\nrows={Import.objects.latest('pk').rows}")
    print(f"new_floor={best(empty, lambda _ready: write_ready(rows))}")
    print(f"known_floor={best(full, lambda _ready: merge_ready(rows))}")


def memory(folder: Path, count: int) -> None:
    """The peak of a whole import of so many rows, in MB."""
    made = lifecycle.create_queued_import(folder / f"people-{count}.csv", "Bench", "", "UA")
    start = time.perf_counter()
    runner.run(made.pk)
    made.refresh_from_db()
    assert made.rows == count, made.failure
    print(f"seconds={time.perf_counter() - start}")
    print(f"peak={high_water('self')}")


def main() -> None:
    folder = Path(sys.argv[1])
    from django.conf import settings

    settings.UPLOAD_ROOT = folder / "uploads"
    old = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
    try:
        if "--memory" in sys.argv:
            memory(folder, int(sys.argv[-1]))
        else:
            ratios(folder)
            peers(folder)
    finally:
        for result in Import.objects.exclude(path=""):
            uploads.remove(result.path)
        teardown_databases(old, verbosity=0)


if __name__ == "__main__":
    main()
