"""`make hosts`: an installation spread over hosts of its own, one of which loses its network while
a campaign goes out.

The hosts are network namespaces of this machine (Linux, root, iproute2), each with an address and a
link of its own:

    web   one  two  three  sweep  four
     |     |    |     |      |     |
    -+-----+----+-----+------+-----+----+- bridge
                                        |
                PostgreSQL, Redis and the sandbox gateway

While the campaign goes out, the link of `two` is cut and `four` is added by one command; when
nothing is left to begin with, the link is mended. Prints what each host did and what came out;
exits with 1 unless everybody was reached once and every cent is right.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from tests.chaos.installation import PYTHON, ROOT, free_port
from tests.chaos.server import Server

NETWORK, BRIDGE = "10.213.77", "vdash"
GATEWAY = f"{NETWORK}.1"
PEOPLE = 20_000
LATENCY, CONNECTIONS = 500, 2  # so that it lasts for half a minute
HOSTS = {"web": 11, "one": 21, "two": 22, "three": 23, "sweep": 31, "four": 24}
WORKERS = ("one", "two", "three", "four")
NOTED = """
    CREATE TABLE claims (batch bigint, host text, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO claims VALUES (NEW.id, host(inet_client_addr())); RETURN NULL; END $$;
    CREATE TRIGGER note_claim AFTER UPDATE OF state ON {batch} FOR EACH ROW
        WHEN (NEW.state = 'sending' AND OLD.state <> 'sending') EXECUTE FUNCTION note_claim();
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def network() -> Iterator[None]:
    """The bridge and the hosts, gone at the end with all that runs in them."""
    ip("link", "add", BRIDGE, "type", "bridge")
    made: list[str] = []
    try:
        ip("addr", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for name, number in HOSTS.items():
            host = f"{BRIDGE}-{name}"
            ip("netns", "add", host)
            made.append(host)
            ip("link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", host)
            ip("link", "set", host, "master", BRIDGE, "up")
            ip("-n", host, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            ip("-n", host, "link", "set", "eth0", "up")
            ip("-n", host, "link", "set", "lo", "up")
        yield
    finally:
        for host in made:
            ip("netns", "del", host)
        ip("link", "del", BRIDGE)


class Hosts:
    """What runs where. `env` are the settings that all hosts share."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, host: str, *command: str) -> None:
        """A command of manage.py that goes on, on `host`."""
        with (self.folder / f"{host}.log").open("ab") as log:
            self.started.append(
                subprocess.Popen(
                    self._on(host, *command), cwd=ROOT, env=self._env(host), stdout=log, stderr=log
                )
            )

    def run(self, host: str, *command: str) -> str:
        """What a command of manage.py says on `host`."""
        return subprocess.run(
            self._on(host, *command),
            cwd=ROOT,
            env=self._env(host),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def stop(self) -> None:
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait(90)

    @staticmethod
    def _on(host: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", f"{BRIDGE}-{host}", PYTHON, "manage.py", *command]

    def _env(self, host: str) -> dict[str, str]:
        return self.env | {
            "WORKER_NAME": host,
            "STATE_FILE": str(self.folder / host / "state.json"),
        }


def settings_for(database: str, redis_port: int, gateway_port: int, folder: Path) -> dict[str, str]:
    return os.environ | {
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "viberdash.settings",
        "SECRET_KEY": "hosts in a network" * 5,
        "ALLOW_INSECURE": "BSG_API_URL,HOST",
        "DATABASE_URL": database,
        "REDIS_URL": f"redis://{GATEWAY}:{redis_port}/0",
        "BSG_API_URL": f"http://{GATEWAY}:{gateway_port}/rest",
        "BSG_API_KEY": "live_hosts",
        "HOST": "0.0.0.0",
        "ALLOWED_HOSTS": f"{NETWORK}.{HOSTS['web']}",
        "SEND_CONNECTIONS": str(CONNECTIONS),
        "WORKERS": "2",
        "WEB_WORKERS": "1",
        "MEDIA_ROOT": str(folder / "media"),
        "UPLOAD_ROOT": str(folder / "uploads"),
        "LOG_LEVEL": "WARNING",
    }


def until(condition: Callable[[], object], minutes: float = 8) -> None:
    give_up = time.monotonic() + 60 * minutes
    while not condition():
        if time.monotonic() > give_up:
            sys.exit("It did not come to its end")
        time.sleep(0.5)


def bill(port: int) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = requests.get(
            f"http://{GATEWAY}:{port}/sandbox/bill", timeout=30
        ).json()
    except requests.RequestException:
        return {}
    return answer


def main() -> int:
    if (
        sys.platform != "linux"
        or os.geteuid()
        or not shutil.which("ip")
        or not shutil.which("redis-server")
    ):
        sys.exit("Hosts of its own need Linux, root, iproute2 and redis-server.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal, without a result"))
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="hosts"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(network())
        database = stack.enter_context(Server(free_port(8300), GATEWAY)).address
        redis_port, gateway_port = free_port(8400), free_port(8500)
        env = settings_for(database, redis_port, gateway_port, folder)
        os.environ.update(env)
        for command in (
            ["redis-server", "--bind", GATEWAY, "--port", str(redis_port),
             "--protected-mode", "no", "--save", ""],
            [PYTHON, "manage.py", "sandbox_gateway", f"--host={GATEWAY}", f"--port={gateway_port}",
             f"--latency={LATENCY}", "--pace=0.001", "--balance=100000000"],
        ):  # fmt: skip
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        hosts = Hosts(env, folder)
        stack.callback(hosts.stop)
        return trial(hosts, gateway_port)


def trial(hosts: Hosts, gateway_port: int) -> int:
    hosts.run("web", "prepare")
    import django

    django.setup()
    from django.db import connection

    from campaigns.dispatch.models import Batch
    from campaigns.results import campaign_status
    from campaigns.results.money.rebuilding import differences
    from tests.dispatch import factory

    with connection.cursor() as cursor:
        cursor.execute(NOTED.format(batch=Batch._meta.db_table))
    campaign = factory.draft(factory.contact_list("Everybody", PEOPLE))

    hosts.start("web", "run", "web")
    hosts.start("sweep", "run", "sweep")
    for name in ("one", "two", "three"):
        hosts.start(name, "run", "worker")
    address = f"http://{NETWORK}.{HOSTS['web']}:8000/healthz"
    until(lambda: bill(gateway_port))
    until(lambda: _answers(address), 1)
    started = time.monotonic()

    def say(what: str) -> float:
        passed = time.monotonic() - started
        print(f"  {passed:6.1f} s  {what}", flush=True)
        return passed

    print(f"{PEOPLE:,} people, the hosts {', '.join(HOSTS)}", flush=True)
    hosts.run("web", "campaign", "launch", str(campaign.pk))
    until(lambda: bill(gateway_port)["phones"] > PEOPLE // 4)
    ip("link", "set", f"{BRIDGE}-two", "down")
    say("the link of two is cut")
    hosts.start("four", "run", "worker", "sweep")
    say("four is started, by one command")
    until(lambda: not _others_at_work(campaign.pk))
    say("no batch is left to begin with; the link of two is mended")
    ip("link", "set", f"{BRIDGE}-two", "up")
    until(lambda: _is_over(campaign, bill(gateway_port)))
    say("finished, and the ledger is the gateway's bill")

    with connection.cursor() as cursor:
        cursor.execute("SELECT host, COUNT(*) FROM claims GROUP BY host")
        counted = dict(cursor.fetchall())
        sent = {name: counted.get(f"{NETWORK}.{HOSTS[name]}", 0) for name in WORKERS}
        cursor.execute(
            "SELECT COUNT(*) FROM (SELECT batch FROM claims GROUP BY batch HAVING COUNT(*) > 1)"
            " again"
        )
        again = cursor.fetchone()[0]
    result = bill(gateway_port)
    for name, batches in sent.items():
        print(f"  {batches:6,}    batches sent by {name}")
    print(f"  {again:6,}    batches sent again, after asking")
    wrong = {
        "phones reached twice": result["doubled_phones"],
        "people not reached": PEOPLE - result["phones"],
        "hosts that sent nothing": sum(not batches for batches in sent.values()),
        "totals that are not what their rows say": len(differences()),
    }
    print("What came out")
    for what, number in wrong.items():
        print(f"  {number:6,}    {what}")
    for currency, sums in campaign_status.spend(campaign).items():
        print(
            f"  ledger {sums['total']} {currency}, bill of the gateway"
            f" {result['spend'][currency]['total']} {currency}"
        )
    return int(any(wrong.values()))


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _others_at_work(campaign_id: int) -> bool:
    """Whether batches are left that no host has begun with, or that one which can be reached is
    at.
    """
    from campaigns.dispatch.models import Batch, BatchState

    return Batch.objects.filter(
        campaign_id=campaign_id, state__in=[BatchState.READY, BatchState.LEASED]
    ).exists()


def _is_over(campaign: Any, result: dict[str, Any]) -> bool:
    from campaigns.compose.models import CampaignState
    from campaigns.results import campaign_status

    campaign.refresh_from_db()
    spent = {currency: sums["total"] for currency, sums in campaign_status.spend(campaign).items()}
    billed = {currency: Decimal(sums["total"]) for currency, sums in result["spend"].items()}
    return bool(campaign.state == CampaignState.FINISHED and spent == billed)


if __name__ == "__main__":
    sys.exit(main())
