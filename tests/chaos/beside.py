"""`make beside`: this version beside the last release, while campaigns go out.

The last release is the commit that CHANGELOG.md names for it, in a worktree and a `.venv` of its
own. It sends a campaign; `manage.py upgrade` of this version runs; then both versions send, on a
PostgreSQL of their own and one sandbox gateway. At the end this version goes, and the last release
sends once more on the tables of this one: the way back. Prints what happened, and exits with 1
unless the old web server answered all the time, everybody was reached once and every cent is right.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.chaos.installation import ROOT, free_port
from tests.chaos.server import Server

PEOPLE = (6000, 500, 500, 500)  # of the campaigns, one after the other
LATENCY, CONNECTIONS = 1000, 2  # so that the first one goes on during the upgrade
UNITS = Decimal(10_000_000)  # of the ledger in one of a currency
SENDER = "from campaigns.models import Sender; Sender.objects.create(name='Shop')"
RELEASE = re.compile(
    r"^## \[(?P<version>[0-9.]+)\][^\n]*\n+Commit `(?P<commit>[0-9a-f]{40})`", re.M
)
MINUTES = 15.0


def last_release() -> tuple[str, str]:
    """Version and commit of the newest release before this version, as CHANGELOG.md names them."""
    found = RELEASE.search((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if not found:
        sys.exit("CHANGELOG.md names no commit of a release")
    return found[1], found[2]


class Version:
    """One version of the product, in `folder`, with the settings `env`."""

    def __init__(self, name: str, folder: Path, python: Path, env: dict[str, str]) -> None:
        self.name, self.folder, self.python = name, folder, python
        self.env = env | {"WORKER_NAME": name, "PORT": str(free_port(8300 + 20 * len(name)))}
        self.running: list[subprocess.Popen[bytes]] = []
        self.log = Path(env["LOGS"]) / f"{name}.log"

    def run(self, *command: str) -> str:
        """What a command of manage.py says. Exits with its errors if it fails."""
        ended = subprocess.run(
            [self.python, "manage.py", *command],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            sys.exit(f"{self.name}: manage.py {' '.join(command)} failed:\n{ended.stderr[-3000:]}")
        return ended.stdout

    def start(self, *names: str) -> None:
        """Start processes of the Procfile."""
        procfile = (self.folder / "Procfile").read_text(encoding="utf-8")
        for name in names:
            command = re.search(rf"^{name}: (.+)$", procfile, re.MULTILINE)
            assert command, name
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    ["sh", "-c", command[1]], cwd=self.folder, env=self.env, stdout=log, stderr=log
                )
            self.running.append(process)

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(90)
        self.running.clear()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.env['PORT']}/healthz"

    def launch(self, number: int, folder: Path) -> int:
        """Import people of their own, and launch a campaign to them. Returns its id."""
        name = f"Campaign {number}"
        first = 380_670_000_000 + 100_000 * number
        people = folder / "people.csv"
        people.write_text(
            "phone\n" + "".join(f"{first + one}\n" for one in range(PEOPLE[number])),
            encoding="utf-8",
        )
        self.run("import_contacts", str(people), "--list", name)
        file = folder / "campaign.json"
        campaign = {"name": name, "sender": "Shop", "text": "Hello!", "lists": [name]}
        file.write_text(json.dumps(campaign), encoding="utf-8")
        answer = json.loads(self.run("campaign", "create", str(file), "--json"))
        self.run("campaign", "launch", str(answer["id"]))
        return int(answer["id"])

    def is_finished(self, campaign: int) -> bool:
        answer = json.loads(self.run("campaign", "status", str(campaign), "--json"))
        return bool(answer["state"] == "finished")


class Watch(threading.Thread):
    """Asks an address ten times a second, and counts the answers that are not 200."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.asked, self.failed, self.slowest = address, 0, 0, 0.0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            started = time.monotonic()
            self.failed += not answers(self.address)
            self.asked += 1
            self.slowest = max(self.slowest, time.monotonic() - started)

    def end(self) -> None:
        self.over.set()
        self.join()


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=30).status_code == 200
    except requests.RequestException:
        return False


def until(condition: Callable[[], object], what: str, *running: Version) -> None:
    """Wait. Exits if one of the versions has a process that ended, or after MINUTES."""
    give_up = time.monotonic() + 60 * MINUTES
    while not condition():
        for version in running:
            if any(process.poll() is not None for process in version.running):
                sys.exit(f"{version.name} ended:\n{version.log.read_text()[-3000:]}")
        if time.monotonic() > give_up:
            sys.exit(f"Not within {MINUTES:.0f} minutes: {what}")
        time.sleep(0.5)


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """The tree of a commit with a .venv of its own, gone at the end."""
    place = folder / "release"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(place), commit], check=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(place / ".venv")], check=True)
        pip = [str(place / ".venv/bin/python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, "-r", str(place / "requirements.txt")], check=True)
        yield place
    finally:
        subprocess.run([*git, "remove", "--force", str(place)], check=True)


def settings_for(database: str, gateway_port: int, folder: Path) -> dict[str, str]:
    """The settings of both versions."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "Both-versions:beside_each_other" * 3,
        "DATABASE_URL": database,
        "BSG_API_URL": f"http://127.0.0.1:{gateway_port}/rest",
        "BSG_API_KEY": "live_beside",
        "SEND_CONNECTIONS": str(CONNECTIONS),
        "WORKERS": "3",
        "WEB_WORKERS": "1",
        "MEDIA_ROOT": str(folder / "media"),
        "UPLOAD_ROOT": str(folder / "uploads"),
        "BACKUP_ROOT": str(folder / "backups"),
        "STATE_FILE": str(folder / "state.json"),
        "LOG_LEVEL": "WARNING",
        "LOGS": str(folder),
    }


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal, without a result"))
    version, commit = last_release()
    print(f"The last release is {version}, commit {commit[:10]}", flush=True)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="beside"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        place = stack.enter_context(worktree(commit, folder))
        database = stack.enter_context(Server(free_port(8300))).address
        port = free_port(8500)
        env = settings_for(database, port, folder)
        ours = {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
        theirs = {"PATH": f"{place / '.venv/bin'}:{env['PATH']}"}
        old = Version("old", place, place / ".venv/bin/python", env | theirs)
        new = Version("newer", ROOT, Path(sys.executable), env | ours)
        for each in (old, new):
            stack.callback(each.stop)
        gateway = Version("gateway", ROOT, Path(sys.executable), env | ours)
        stack.callback(gateway.stop)
        start_gateway(gateway, port)
        bill = f"http://127.0.0.1:{port}/sandbox/bill"
        until(lambda: answers(bill), "the sandbox gateway answers", gateway)
        return trial(old, new, bill, database, folder)


def start_gateway(gateway: Version, port: int) -> None:
    options = [f"--port={port}", f"--latency={LATENCY}", "--pace=0.001", "--balance=100000000"]
    with gateway.log.open("ab") as log:
        command = [str(gateway.python), "manage.py", "sandbox_gateway", *options]
        gateway.running.append(
            subprocess.Popen(command, cwd=ROOT, env=gateway.env, stdout=log, stderr=log)
        )


def trial(old: Version, new: Version, bill_address: str, database: str, folder: Path) -> int:
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"  {time.monotonic() - started:6.1f} s  {what}", flush=True)

    def bill() -> dict[str, Any]:
        answer: dict[str, Any] = requests.get(bill_address, timeout=30).json()
        return answer

    old.run("prepare")
    old.run("shell", "-c", SENDER)
    old.start("web", "worker", "sweep")
    until(lambda: answers(old.address), "the old web server answers", old)
    watch = Watch(old.address)
    watch.start()
    campaigns = [old.launch(0, folder)]
    until(lambda: bill()["phones"] > PEOPLE[0] // 8, "an eighth is sent", old)
    say(f"{bill()['phones']:,} of {PEOPLE[0]:,} reached; manage.py upgrade of the new version")
    for line in new.run("upgrade").splitlines():
        print(f"              | {line}", flush=True)
    say(f"upgraded; {bill()['phones']:,} reached by the old version meanwhile")
    campaigns.append(old.launch(1, folder))
    new.start("web", "worker", "sweep")
    until(lambda: answers(new.address), "the new web server answers", new)
    say("both versions run; the old one launched a second campaign")
    campaigns.append(new.launch(2, folder))
    until(lambda: all(map(new.is_finished, campaigns)), "three campaigns are finished", old, new)
    say("three campaigns are finished, one launched by the new version; the new version goes")
    new.stop()
    campaigns.append(old.launch(3, folder))
    until(lambda: old.is_finished(campaigns[-1]), "it finishes", old)
    say("the old version has sent a campaign on the tables of the new one")
    watch.end()
    until(lambda: ledger(database) == billed(bill()), "the ledger is the gateway's bill")
    say(f"the ledger is the gateway's bill: {billed(bill())}")
    old.stop()
    new.run("rebuild_totals", "--check")
    result = bill()
    wrong = {
        "health checks of the old web server that failed": watch.failed,
        "phones reached twice": result["doubled_phones"],
        "people not reached": sum(PEOPLE) - result["phones"],
        "tracebacks in the logs": sum(tracebacks(each) for each in (old, new)),
    }
    print(
        f"  {watch.asked:,} health checks of the old web server, the slowest {watch.slowest:.1f} s"
    )
    for what, number in wrong.items():
        print(f"  {number:6,}  {what}")
    return int(any(wrong.values()))


def tracebacks(version: Version) -> int:
    """Those of its log. That the queue handed it a task of the other version is none: the task is
    in a table too, and the other version does it (docs/upgrading.md).
    """
    text = version.log.read_text(encoding="utf-8", errors="replace")
    unknown = len(re.findall(r"^ValueError: Function \S+ is not defined$", text, re.MULTILINE))
    if (number := text.count("Traceback") - unknown) > 0:
        print(text[-6000:])
    return number


def ledger(database: str) -> dict[str, Decimal]:
    query = "SELECT currency, SUM(amount) FROM campaigns_ledgerentry GROUP BY currency"
    with psycopg.connect(database) as connection:
        rows = connection.execute(query).fetchall()
    return {currency: Decimal(amount) / UNITS for currency, amount in rows if amount}


def billed(result: dict[str, Any]) -> dict[str, Decimal]:
    return {currency: Decimal(sums["total"]) for currency, sums in result["spend"].items()}


if __name__ == "__main__":
    sys.exit(main())
