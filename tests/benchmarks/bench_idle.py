"""`make bench-idle`: what an installation of `make run` costs while nothing happens, as ratios to
what it once cost: processes, memory (PSS), processor time over a minute, and the first page after
that pause. Linux alone; nothing fails.

Everything lies in a temporary folder, and the ports are free ones. `--seconds` takes another pause.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.benchmarks.bench_import import ROOT, environment, say
from tests.chaos.processes import children_of

EARLIER = {"processes": 22, "memory": 416.0, "processor": 3.5, "first page": 0.48}
SETTLING = 20  # seconds after the start, in which modules are loaded and first tasks done
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    settings = environment(f"sqlite:///{folder}/viberdash.sqlite3") | {
        "BSG_API_URL": f"http://127.0.0.1:{free_port()}/rest",
        "BSG_API_KEY": "test_benchmark",
        "PORT": str(port),
        "STATE_FILE": str(folder / "state.json"),
        "MEDIA_ROOT": str(folder / "media"),
        "UPLOAD_ROOT": str(folder / "uploads"),
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "run"], cwd=ROOT, env=settings, stdout=subprocess.DEVNULL
    )


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *(process for child in children_of(pid) for process in tree(child))]


def memory(pid: int) -> float:
    """MB of a process, shared pages by its share of them."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("Pss:")]
    return int(line.split()[1]) / 1024


def processor_seconds(pids: list[int]) -> float:
    """Processor time of processes, and of those of their children that have ended."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def page(port: int, path: str = "/sign-in/") -> float:
    """Seconds until the whole page has arrived."""
    began = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
        response.read()
    return time.monotonic() - began


def wait_until_ready(run: "subprocess.Popen[bytes]", port: int) -> bool:
    while run.poll() is None:
        try:
            page(port, "/healthz")
        except OSError:
            time.sleep(0.5)
        else:
            return True
    return False


def measure(run: "subprocess.Popen[bytes]", port: int, seconds: float) -> None:
    time.sleep(SETTLING)
    pids = tree(run.pid)
    before, began = processor_seconds(pids), time.monotonic()
    time.sleep(seconds)
    pids = tree(run.pid)
    share = 100 * (processor_seconds(pids) - before) / (time.monotonic() - began)
    figures = {
        "processes": float(len(pids)),
        "memory": sum(map(memory, pids)),
        "processor": share,
        "first page": page(port),
    }
    units = {"processes": "", "memory": " MB", "processor": " % of a core", "first page": " s"}
    for name, figure in figures.items():
        say(name, f"{figure:,.2f}{units[name]}", f"ratio {figure / EARLIER[name]:.2f}")
    say("another page", f"{page(port):,.2f} s")
    for pid in pids:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        print(f"    {memory(pid):7.1f} MB  {command[-90:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    if sys.platform != "linux":
        say("not measured: /proc is Linux's", "")
        return
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        run = start(Path(name), port)
        try:
            if wait_until_ready(run, port):
                measure(run, port, seconds)
            else:
                say("not measured: it did not start", "")
        finally:
            run.send_signal(signal.SIGINT)
            run.wait()


if __name__ == "__main__":
    main()
