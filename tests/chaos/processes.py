"""The processes of an installation, read from /proc, and who of them is what."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

PROC = Path("/proc")
ROLES = ("main", "pusher", "monitor", "task")


class Process(NamedTuple):
    pid: int
    role: str


def database_url(connection: BaseDatabaseWrapper) -> str:
    """The address of the database behind `connection`, for another process."""
    result = connection.settings_dict
    if settings.SQLITE:
        return f"sqlite:///{result['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**result)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked after does not."""
    return _stat(pid)[1] not in "ZX"


def below(worker: int) -> list[Process]:
    """The queue under `manage.py worker`: its main process, and the children of that."""
    children = _children()
    result = []
    for main in children.get(worker, []):
        result.append(Process(main, "main"))
        result += [Process(pid, _role(pid)) for pid in children.get(main, [])]
    return result


def _role(pid: int) -> str:
    """What a child of the queue's main process called itself (tests.chaos.settings)."""
    try:
        name = (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "task"
    return name if name in ROLES else "task"


def _children() -> dict[int, list[int]]:
    result: dict[int, list[int]] = {}
    for pid in _pids():
        parent, state = _stat(pid)
        if state not in "ZX":
            result.setdefault(parent, []).append(pid)
    return result


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _stat(pid: int) -> tuple[int, str]:
    """Parent and state of a process; state X where it is gone."""
    try:
        state, parent = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return 0, "X"
    return int(parent), state


def children_of(pid: int) -> list[int]:
    return _children().get(pid, [])
