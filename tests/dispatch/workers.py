"""The fixture `workers`: processes that do the queue's work on any database of the tests' server,
each forked from one that is started once (tests.dispatch.killable).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.chaos.processes import database_url
from tests.sandbox_fixture import KEY

BESIDE_EACH_OTHER = 2


class Worker:
    """One process at a time: `start` it, and `wait` for its exit status; `run` does both."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self, api_url: str, failpoint: str = "", **options: object) -> None:
        """Work on the database of the tests, or on that with the name `database`, until its
        campaigns are over, at most `passes` times, or until the failpoint kills it.
        """
        process = self._process = self._process or _started()
        assert process.stdin
        name = connection.settings_dict["NAME"]
        line = {"api_url": api_url, "failpoint": failpoint, "database": name} | options
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()

    def wait(self) -> int:
        assert self._process
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def run(self, api_url: str, failpoint: str = "", **options: object) -> int:
        self.start(api_url, failpoint, **options)
        return self.wait()

    def close(self) -> None:
        if self._process:
            self._process.communicate()


def _started() -> subprocess.Popen[str]:
    variables = {
        "DATABASE_URL": database_url(connection),
        "BSG_API_KEY": KEY,
        "DJANGO_SETTINGS_MODULE": "viberdash.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.dispatch.killable"],
        env=os.environ | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def workers() -> Iterator[list[Worker]]:
    """Two workers, each started by the first test that needs it."""
    made = [Worker() for _number in range(BESIDE_EACH_OTHER)]
    yield made
    for worker in made:
        worker.close()
