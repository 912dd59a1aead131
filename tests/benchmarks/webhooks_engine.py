"""One engine's figures for bench_webhooks, printed as name=value, in a database of its own that is
dropped after.
"""

import argparse
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.synchronize import Event

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.dispatch.freeze.recipients import freeze  # noqa: E402
from campaigns.events import deliverer, kinds, webhooks  # noqa: E402
from campaigns.events.models import DeliveryResult, WebhookDelivery  # noqa: E402
from campaigns.shared.changes import numbering  # noqa: E402
from campaigns.shared.changes.models import Change  # noqa: E402
from tests.benchmarks.dispatch_engine import (  # noqa: E402
    contacts,
    everything_sent,
    launched,
    send_all,
)
from tests.benchmarks.own_database import in_own_database  # noqa: E402

FORK = get_context("fork")
SLICE = timedelta(seconds=20)
LONG = timedelta(hours=3)


class Target(BaseHTTPRequestHandler):
    """Reads each request to its end, and answers that it has it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


def answer(server: ThreadingHTTPServer) -> None:
    server.serve_forever()


def deliver_always(stop: Event) -> None:
    """What a worker does all the time while there are events."""
    while not stop.is_set():
        deliverer.deliver(timezone.now() + SLICE, lambda: not stop.is_set())
        stop.wait(0.5)


def add_webhook(port: int) -> None:
    wanted = [name for name in kinds.NAMES if name.startswith("message.")]
    webhooks.create(None, webhooks.Chosen(f"http://127.0.0.1:{port}/", wanted))


def check_everything_told(people: int) -> None:
    accepted = Change.objects.filter(kind="message.accepted")
    ids = [pk for messages in accepted.values_list("messages", flat=True) for pk in messages]
    assert len(ids) == len(set(ids)) == people, f"{len(ids)} recorded of {people}"
    delivered = WebhookDelivery.objects.filter(result=DeliveryResult.DELIVERED)
    assert sum(delivered.values_list("events", flat=True)) == people
    assert WebhookDelivery.objects.count() == delivered.count()
    assert numbering.last_number() == people


def measured(people: int, with_webhook: bool) -> dict[str, float]:
    """The send of one campaign; with a webhook, also how long its events take."""
    campaign = launched(contacts(people))
    freeze(campaign.pk, timezone.now() + LONG)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    if not with_webhook:
        figures = {"send": people / send_all()}
        everything_sent(campaign, people)
        return figures
    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    add_webhook(server.server_port)
    connections.close_all()  # each process opens its own
    stop = FORK.Event()
    processes = [
        FORK.Process(target=answer, args=(server,)),
        FORK.Process(target=deliver_always, args=(stop,)),
    ]
    for process in processes:
        process.start()
    start = time.perf_counter()
    figures = {"send": people / send_all()}
    everything_sent(campaign, people)
    stop.set()  # the rest is delivered by this process
    processes[1].join()
    told = sum(WebhookDelivery.objects.values_list("events", flat=True))
    rest = time.perf_counter()
    while deliverer.deliver(timezone.now() + LONG):
        pass
    figures["events"] = people / (time.perf_counter() - start)
    figures["left"] = people - told
    figures["rest"] = (people - told) / (time.perf_counter() - rest)
    processes[0].kill()
    check_everything_told(people)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    parser.add_argument("--webhook", action="store_true")
    asked = parser.parse_args()
    settings.SEND_CONNECTIONS = 8
    figures = measured(asked.people, asked.webhook)
    print("\n".join(f"{name}={figure}" for name, figure in figures.items()))


if __name__ == "__main__":
    in_own_database(main)
