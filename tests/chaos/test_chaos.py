"""The smaller form of `make chaos`, on the database of the tests."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests import platforms

pytestmark = [
    pytest.mark.services,
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
RIGHT = """What came out
  messages too many to a phone                             0
  phones with more than the cap lets                       0
  recipients with another variant                          0
  recipients not reached                                   0
  recipients not in a final state                          0
  recipients too few or too many                           0
  recipients not accepted                                  0
  currencies in which ledger and bill differ               0
  totals that are not what their rows say                  0
  processes left behind                                    0
  campaigns not finished                                   0
"""


def test_chaos_reaches_everybody_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Three campaigns at once to 600 people who may get two messages, 15 processes killed,
    connections ended, 30 % of the queue's tasks dropped; 5 % lost answers.
    """
    database = "sqlite" if settings.SQLITE else os.environ.get("DATABASE_URL", platforms.POSTGRESQL)
    port = 8170 + 10 * (not settings.SQLITE)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", f"--database={database}", f"--port={port}",
         "--sooner", "--recipients=600", "--cap=2", "--kills=15", "--every=1", "--rate=80",
         "--minutes=8"],
        stdout=subprocess.PIPE, text=True, timeout=560, check=False,
    )  # fmt: skip
    with capfd.disabled():
        print(ended.stdout)
    assert RIGHT in ended.stdout, ended.stdout
    assert ended.returncode == 0
