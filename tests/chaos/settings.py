"""Settings of the processes that tests start and kill: the queue's processes say which of them is
what.

CHAOS_SOONER=1 cuts leases and waits to seconds (tests.chaos.sooner).
"""

import os
import sys
from pathlib import Path
from types import ModuleType

from viberdash.settings import *  # noqa: F403
from viberdash.settings import INSTALLED_APPS, Q_CLUSTER


def name_process(title: str) -> None:
    """What the queue calls its processes ("qcluster <name> pusher"), put where
    `tests.chaos.processes` reads it.
    """
    text = title.split()
    role = (
        text[2]
        if text[2] in ("pusher", "monitor")
        else "task"
        if text[2] in ("idle", "processing")
        else "main"
    )
    if os.path.exists("/proc/self/comm"):
        Path("/proc/self/comm").write_text(role)


sys.modules["setproctitle"] = ModuleType("setproctitle")  # the queue uses it where it is installed
sys.modules["setproctitle"].setproctitle = name_process  # type: ignore[attr-defined]

if os.environ.get("CHAOS_SOONER"):
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.sooner.Sooner"]
    Q_CLUSTER = Q_CLUSTER | {"timeout": 25, "retry": 30}
