"""A gateway on a real port that prices messages as a test tells it to, also unkindly."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

from django.db.models import F
from django.utils import timezone

from campaigns.dispatch.models import Batch
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg.client import Client
from campaigns.results.polling import asker
from tests.gateway.raw_server import answer, raw_server, read_request

KEY = "live_priced_gateway_1"
MINUTE = timedelta(minutes=1)
Fields = Mapping[str, Any]


class PricedGateway:
    """Prices of its list, of its answer to a send, and of its statuses.

    `entry` makes the answer for the n-th recipient that was ever sent to, from 0; `status` that for
    a message by its number. Both are without the fields that name the message.
    """

    def __init__(self, viber: str, sms: str, currency: str) -> None:
        self.viber, self.sms, self.currency = viber, sms, currency
        self.entry: Callable[[int], Fields] = lambda _number: {"price": viber, "currency": currency}
        self.status: Callable[[int], Fields] = lambda _number: {"status": "sent"}
        self.accepted: dict[str, int] = {}  # reference -> number
        self._numbers = count()

    def serve(self, connection: socket.socket) -> None:
        while request := read_request(connection):
            head, _gap, body = request.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            connection.sendall(answer(json.dumps(self._answer(path, body)).encode()))

    def _answer(self, path: str, body: bytes) -> Fields:
        if "/prices" in path:
            price = self.viber if "/viber/" in path else self.sms
            row = {"country": "", "country_name": "Other countries", "price": price}
            return {"error": 0, "prices": [row | {"currency": self.currency}]}
        if "/viber/reference/" in path:
            reference = path.rpartition("/")[2]
            if reference not in self.accepted:
                return {"error": 40, "errorDescription": "Message not found"}
            number = self.accepted[reference]
            named = {"error": 0, "id": str(number), "reference": reference}
            return named | dict(self.status(number))
        to = [one for message in json.loads(body)["messages"] for one in message["to"]]
        return {"result": [self._entry(one["reference"]) for one in to]}

    def _entry(self, reference: str) -> Fields:
        if reference in self.accepted:
            return {"error": 43, "reference": reference}
        number = next(self._numbers)
        entry = {"error": 0, "reference": reference, "id": str(number)} | dict(self.entry(number))
        if not entry["error"]:
            self.accepted[reference] = number
        return entry


class RunningGateway(PricedGateway):
    """The gateway, and its clients."""

    api_url = ""

    def send(self, connections: int = 1) -> None:
        """Send whatever may be sent now."""
        client = Client(self.api_url, KEY)
        BatchSender(client, connections, timezone.now() + MINUTE).run()
        client.close()

    def poll(self) -> None:
        """Ask for every message that is still asked for, as if an hour had passed."""
        hour = timedelta(hours=1)
        Batch.objects.update(done_at=F("done_at") - hour, check_at=F("check_at") - hour)
        client = Client(self.api_url, KEY)
        asker.ask(client, 1, timezone.now() + MINUTE)
        client.close()


@contextmanager
def priced_gateway(
    viber: str = "0.20", sms: str = "0.20", currency: str = "EUR"
) -> Iterator[RunningGateway]:
    gateway = RunningGateway(viber, sms, currency)
    with raw_server(gateway.serve) as server:
        gateway.api_url = server.url
        yield gateway
