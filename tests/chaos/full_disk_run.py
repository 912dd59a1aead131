"""`python -m tests.chaos.full_disk_run FOLDER SECONDS PATIENCE`: send a campaign while the file
system at FOLDER, with its database, is full for so many SECONDS.

PATIENCE: for how many seconds the sender waits for its database. Called by full_disk.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import Error, connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.compose.models import Campaign, CampaignState  # noqa: E402
from campaigns.dispatch import sweep  # noqa: E402
from campaigns.dispatch.models import Recipient, SendState  # noqa: E402
from campaigns.dispatch.send import sender  # noqa: E402
from campaigns.dispatch.send.sender import BatchSender  # noqa: E402
from campaigns.results import campaign_status  # noqa: E402
from campaigns.results.money.rebuilding import differences  # noqa: E402
from campaigns.results.polling import asker  # noqa: E402
from tests.dispatch import asking, factory  # noqa: E402
from tests.sandbox_fixture import RunningSandbox, strict_sandbox  # noqa: E402

PEOPLE, CONNECTIONS = 5_000, 4
FULL_AT_ROUND = 6
CHUNKS = (1 << 20, 1 << 12, 1)  # bytes written until no more fit, then fewer at a time
MINUTE = factory.SOON / 5
PASSES = 20


class Disk:
    """What is left of the file system at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.filler = folder / "filler"
        self.full_at = self.room_at = 0.0

    def fill_for(self, seconds: float) -> None:
        with self.filler.open("wb", buffering=0) as file:
            for size in CHUNKS:
                with suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass
        self.full_at = time.time()
        threading.Timer(seconds, self.empty).start()

    def empty(self) -> None:
        self.filler.unlink()
        self.room_at = time.time()

    def wait_for_room(self) -> None:
        while not self.room_at:
            time.sleep(0.1)


class Failures(logging.Handler):
    """Counts how often the sender could not use the database."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "database is unavailable" in record.getMessage()


def patiently(step: Callable[[], object]) -> None:
    """Repeat `step` until the database takes it: a server may have to start again."""
    while True:
        try:
            step()
        except Error:
            connection.close()
            time.sleep(0.5)
        else:
            return


def send(sandbox: RunningSandbox, keep_going: Callable[[], bool] = lambda: True) -> None:
    BatchSender(sandbox.client(), CONNECTIONS, timezone.now() + MINUTE, keep_going).run()


def send_on_a_full_disk(sandbox: RunningSandbox, disk: Disk, seconds: float) -> bool:
    """Send while the disk becomes full; whether the sender gave its answers up."""
    rounds = 0

    def fill_once() -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == FULL_AT_ROUND:
            disk.fill_for(seconds)
        return True

    try:
        send(sandbox, fill_once)
    except Error as error:
        print(f"  the sender gave up: {str(error).strip()}")
        return True
    return False


def finish(sandbox: RunningSandbox) -> None:
    """What workers and the sweep do until the campaign is finished, as if hours had passed."""
    for _ in range(PASSES):
        sweep.sweep()
        asking.resolve(sandbox.client(), CONNECTIONS)
        send(sandbox)
        if Campaign.objects.get().state == CampaignState.FINISHED:
            return
        factory.an_hour_later()


def poll_to_the_end(sandbox: RunningSandbox) -> None:
    """Ask for the last status of every message, after which the bill does not change any more."""
    sandbox.settle()
    factory.an_hour_later()
    asker.ask(sandbox.client(), CONNECTIONS, timezone.now() + MINUTE)


def report(sandbox: RunningSandbox, disk: Disk, failures: int) -> int:
    calls = [call for call in sandbox.requests(100_000) if call["path"] == "/viber/create"]
    # what had its intent when the disk became full
    under_way = sum(disk.full_at + 1 < call["at"] < disk.room_at for call in calls)
    bill, spent = sandbox.bill(), campaign_status.spend(Campaign.objects.get())["EUR"]["total"]
    wrong = {
        "phones reached twice": bill["doubled_phones"],
        "recipients not reached": PEOPLE - bill["phones"],
        "recipients not accepted": (
            PEOPLE - Recipient.objects.filter(send_state=SendState.ACCEPTED).count()
        ),
        "ledger and bill differ": int(spent != Decimal(bill["spend"]["EUR"]["total"])),
        "totals that are not what their rows say": len(differences()),
        "campaigns not finished": Campaign.objects.exclude(state=CampaignState.FINISHED).count(),
        "requests later than a second after the disk was full": under_way,
        "times the sender did not notice": int(not failures),
    }
    for what, number in wrong.items():
        print(f"  {what:<56}{number:>8,}")
    return int(any(wrong.values()))


def main(folder: Path, seconds: float, patience: float) -> int:
    print(f"A disk that is full for {seconds:g} seconds, on {connection.vendor}", flush=True)
    call_command("migrate", verbosity=0)
    sender.DATABASE_RETRY_SECONDS = patience
    disk, failures = Disk(folder), Failures()
    sender.logger.addHandler(failures)
    sender.logger.propagate = False
    with strict_sandbox() as sandbox:
        settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
        factory.launched(PEOPLE)
        has_given_up = send_on_a_full_disk(sandbox, disk, seconds)
        disk.wait_for_room()
        patiently(connection.ensure_connection)
        patiently(lambda: finish(sandbox))
        asked = len([call for call in sandbox.requests(100_000) if "/reference/" in call["path"]])
        print(f"  tried again {failures.count} times, gave up: {has_given_up}, asked {asked} times")
        poll_to_the_end(sandbox)
        status = report(sandbox, disk, failures.count)
    return status or int(has_given_up != (seconds > patience))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(float, sys.argv[2:])))
