"""One process manager over all of them: what it starts, and that nobody outlives it."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.migrations.executor import MigrationExecutor

from campaigns.management.commands.run import require_alone

ROOT = Path(settings.BASE_DIR)
Start = Callable[..., subprocess.Popen[str]]
MANAGER = """
import sys, django
django.setup()
import honcho.manager
from campaigns.management.commands.run import Processes
honcho.manager.KILL_WAIT = int(sys.argv[1])
processes = Processes()
for argument in sys.argv[2:]:
    processes.add_process(*argument.split(": ", 1))
processes.loop()
sys.exit(processes.returncode)
"""
# Ends at SIGTERM, and leaves a child behind that does not.
STUBBORN = """exec {python} -u -c "
import os, signal
child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print('child', os.getpid(), flush=True)
signal.pause()
" """


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*commands: str, wait: str = "1") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", MANAGER, wait, *commands],
            cwd=ROOT,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "viberdash.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def line_with(process: subprocess.Popen[str], expected_text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if expected_text in line:
            return line
    raise AssertionError(f"it ended without saying “{expected_text}”")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run_ends_all_of_it_at_a_signal(start: Start, number: signal.Signals) -> None:
    process = start(f"worker: {STUBBORN.format(python=sys.executable)}", "web: exec sleep 1000")
    child = int(line_with(process, "child").split()[-1])
    assert is_alive(child)
    process.send_signal(number)
    assert process.wait(30) == 0
    assert not is_alive(child)


def test_run_ends_at_once_at_the_second_signal(start: Start) -> None:
    process = start(
        "worker: trap 'echo asked' TERM; echo ready; while true; do sleep 0.1; done", wait="1000"
    )
    line_with(process, "ready")
    process.send_signal(signal.SIGINT)
    line_with(process, "asked")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_run_ends_all_of_it_when_one_ends(start: Start) -> None:
    process = start("web: exec sleep 1000", "worker: exit 7")
    assert process.wait(30) == 7
    assert process.stdout is not None
    output = process.stdout.read()
    assert "worker stopped (rc=7)" in output
    assert "web stopped (rc=-15)" in output


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_run_leaves_nobody_behind_when_it_is_killed(start: Start) -> None:
    process = start("web: echo my number is $$; exec sleep 1000")
    child = os.pidfd_open(int(line_with(process, "my number").split()[-1]))
    process.kill()
    ended, _, _ = select.select([child], [], [], 30)
    os.close(child)
    assert ended == [child]


def test_run_ends_the_sandbox_after_its_clients(start: Start) -> None:
    process = start(
        "sandbox: exec sleep 1000", "web: exec sleep 1000", "worker: echo ready; exec sleep 1000"
    )
    line_with(process, "ready")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stdout is not None
    ends = [
        line.split(" | ")[1] for line in process.stdout.read().splitlines() if " stopped (" in line
    ]
    assert sorted(ends[:2]) == ["web stopped (rc=-15)", "worker stopped (rc=-15)"]
    assert ends[2:] == ["sandbox stopped (rc=-15)"]


def test_run_needs_a_free_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "manage.py", "run", "--no-sandbox"],
            cwd=ROOT,
            env=os.environ | {"PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert (
        ended.stderr
        == f"CommandError: Port {port} is in use. Choose another: make run PORT={port + 1}\n"
    )


def test_run_in_a_folder_where_it_runs_names_the_process(tmp_path: Path) -> None:
    path = tmp_path / "var" / "run.lock"
    with require_alone(path):
        with pytest.raises(CommandError) as refused:
            require_alone(path)
        assert str(refused.value) == f"It is already running here, as process {os.getpid()}."
    require_alone(path).close()  # the lock ends with the process, not with the file


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("services", "values"),
    [
        (["worker", "sweeper"], "Unknown service sweeper. Choose from web, worker, sweep."),
        (
            ["worker", "sweep"],
            "The database is not ready for this version. Run manage.py prepare on one machine.",
        ),
    ],
)
def test_worker_machine_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, services: list[str], values: str
) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["0099"])
    with pytest.raises(CommandError) as refused:
        call_command("run", *services)
    assert str(refused.value).startswith(values)
