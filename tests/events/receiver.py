"""The other system: a path of a local web server that webhooks post to."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from django.utils import timezone

from campaigns.events import deliverer, deliveries, kinds, targets
from campaigns.events.models import Webhook
from campaigns.events.targets import Reply
from campaigns.events.webhooks import Chosen
from campaigns.shared.brands.scope import MAIN
from campaigns.shared.changes import numbering, recording
from campaigns.shared.changes.models import Change
from campaigns.shared.changes.recording import NewChange
from tests.file_server import FileServer, reply

MINUTE = timedelta(minutes=1)


class Receiver:
    """Answers posts to /hook with `status` and `answer`, and keeps them."""

    def __init__(self, server: FileServer) -> None:
        self.server = server
        self.status, self.answer = 200, b"thanks"
        self.answer_headers: dict[str, str] = {}
        self.secrets: list[str] = []
        server.pages["/hook"] = self._reply

    def _reply(self, request: BaseHTTPRequestHandler) -> None:
        reply(request, self.status, self.answer, **self.answer_headers)

    @property
    def address(self) -> str:
        return self.server.url("/hook")

    def chosen(self, **changes: Any) -> Chosen:
        names = [name for name in kinds.NAMES if name.startswith(("message.", "campaign."))]
        return Chosen(**({"address": self.address, "kinds": names} | changes))

    @property
    def ids(self) -> list[str]:
        """The ids of the requests so far."""
        return [headers["webhook-id"] for headers in self.server.headers]

    def events(self, number: int = -1) -> list[dict[str, Any]]:
        """The events of a request, whose signatures are those of `secrets`, in order."""
        body, headers = self.server.bodies[number], self.server.headers[number]
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        assert headers["webhook-signature"].split() == [
            "v1," + base64.b64encode(hmac.digest(key_of(secret), content, hashlib.sha256)).decode()
            for secret in self.secrets
        ]
        assert headers["content-type"] == "application/json"
        events: list[dict[str, Any]] = json.loads(body)
        return events


def key_of(secret: str) -> bytes:
    assert secret.startswith("whsec_")
    return base64.b64decode(secret.removeprefix("whsec_"))


def deliver() -> bool:
    """Send all that is due."""
    return deliverer.deliver(timezone.now() + MINUTE)


def try_once(webhook: Webhook, now: datetime) -> Reply | None:
    """One request to a webhook at `now`, as the deliverer does it; None: nothing is due."""
    request = deliveries.take(webhook.pk, now)
    if request is None:
        return None
    answered = targets.post(request.address, request.body, request.headers)
    deliveries.record(request, answered, now)
    webhook.refresh_from_db()
    return answered


def happen(*messages: int, kind: str = "message.read", object_id: int = 7) -> Change:
    """Record a change, number it, and return it."""
    wanted = recording.load_wanted(kind)
    recording.record([NewChange(MAIN, kind, object_id, messages=messages)], wanted)
    numbering.number_new()
    return Change.objects.latest("pk")
