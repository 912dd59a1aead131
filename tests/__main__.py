"""`python -m tests`, which `make test` calls: every test on SQLite, and what touches the database
or the queue again on PostgreSQL and Redis where they answer, in one pytest with one summary. What
it is given goes on to pytest.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests import chromium, migrated, platforms

BESIDE = [
    "-o",
    "console_output_style=classic",
    "--dist=each",
    *[f"--tx=popen//env:TEST_PLATFORM={part}" for part in platforms.PARTS],
]
ALONE = ["--dist=loadfile", "--tx=2*popen//env:TEST_PLATFORM=sqlite"]


MEMORY, ROOM = "/dev/shm", 4 * 2**30  # of what the tests write, nothing need be on a disk


def main() -> int:
    missing = platforms.missing()
    os.environ["TESTS_NOT_RUN"] = "\n".join(f"{name}: {why}" for name, why in missing.items())
    # Told apart from a run beside this one on the same server, which would take the database away.
    os.environ.setdefault("TEST_DATABASE_NAME", f"test_viberdash_{os.getpid()}")
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)
    if path := chromium.provide():
        os.environ["CHROMIUM"] = path
    spread = ALONE if len(missing) == len(platforms.SERVICES) else BESIDE
    # the tests start hundreds of processes: none of them compiles the tree anew
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with migrated_database():
        return subprocess.call([sys.executable, "-m", "pytest", *spread, *sys.argv[1:]])


@contextmanager
def migrated_database() -> Iterator[None]:
    """PostgreSQL's, made by the first worker that needs it, dropped at the end."""
    name = os.environ.setdefault(
        "MIGRATED_DATABASE", f"{os.environ['TEST_DATABASE_NAME']}_migrated"
    )
    try:
        yield
    finally:
        if not platforms.trouble(platforms.POSTGRESQL):
            migrated.drop(platforms.POSTGRESQL, name, f"{name}_draft")


if __name__ == "__main__":
    sys.exit(main())
