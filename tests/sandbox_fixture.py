"""The fixture `sandbox`: the sandbox gateway on a free port, for any test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.sandbox import Sandbox

KEY = "live_sandbox_key_0001"


class RunningSandbox:
    """A running sandbox, used over HTTP as from outside.

    `url` is its page, `api_url` the value for BSG_API_URL, `key` an API key that it accepts.
    """

    key = KEY

    def __init__(self, server: Sandbox) -> None:
        self.server = server
        self.url = server.url
        self.api_url = f"{server.url}/rest"
        self._http = requests.Session()
        self._http.trust_env = False
        self._clients: list[Client] = []

    def client(self, api_key: str = KEY, **options: Any) -> Client:
        """A client of this sandbox; it is closed with it."""
        client = Client(self.api_url, api_key, **options)
        self._clients.append(client)
        return client

    def bill(self, sender: str = "") -> dict[str, Any]:
        """Counts and exact sums, of one sender or of all (docs/sandbox.md, `/sandbox/bill`)."""
        bill: dict[str, Any] = self._get("/sandbox/bill", sender=sender)
        return bill

    def faults(self, **faults: object) -> dict[str, Any]:
        """Switch on exactly these faults; without arguments none. Return those that are on."""
        active: dict[str, Any] = self._post("/sandbox/faults", {"clear": True} | faults)
        return active

    def advance(self, seconds: float) -> None:
        """Let all messages age by `seconds`."""
        self._post("/sandbox/advance", {"seconds": seconds})

    def settle(self) -> None:
        """Move all messages to their final status."""
        self._post("/sandbox/advance", {"settle": True})

    def fund(self, amount: object) -> None:
        """Set what the account holds, in EUR."""
        self._post("/sandbox/balance", {"amount": str(amount)})

    def requests(self, limit: int = 1000, path: str = "") -> list[dict[str, Any]]:
        """The last calls under /rest, newest last: at, method, path, source, body."""
        calls: list[dict[str, Any]] = self._get("/sandbox/requests", limit=limit)["requests"]
        return [call for call in calls if not path or call["path"] == path]

    def violations(self) -> list[str]:
        """What the calls had against the contract, though they were answered; oldest first."""
        noted: list[dict[str, str]] = self._get("/sandbox/violations")["violations"]
        return [violation["what"] for violation in noted]

    def take_violations(self) -> list[str]:
        """The violations so far, which then do not fail the test."""
        taken = self.violations()
        self._post("/sandbox/violations", {"clear": True})
        return taken

    def messages(self, **parameters: object) -> list[dict[str, Any]]:
        """The messages, newest first; `sender`, `msisdn`, `reference`, `offset`, `limit` filter."""
        query = {"limit": 1000} | parameters
        messages: list[dict[str, Any]] = self._get("/sandbox/messages.json", **query)["messages"]
        return messages

    def reset(self) -> None:
        """Forget all messages and restore the faults of the start."""
        self._post("/sandbox/reset", {})

    def close(self) -> None:
        """Stop the sandbox and close its clients."""
        for client in self._clients:
            client.close()
        self._http.close()
        self.server.stop()

    def _get(self, path: str, **query: Any) -> Any:
        answer = self._http.get(self.url + path, params=query, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.post(self.url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def strict_sandbox(**options: Any) -> Iterator[RunningSandbox]:
    """A running sandbox with the `options` of `Sandbox`.

    At its end nothing may have violated the contract, but for what `take_violations` has returned.
    """
    server = Sandbox(**options)
    server.start()
    running = RunningSandbox(server)
    try:
        yield running
    finally:
        running.close()
    assert [violation.what for violation in server.calls.violations] == []


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """An empty sandbox; an indirect parameter holds the arguments of `Sandbox`."""
    with strict_sandbox(**getattr(request, "param", {})) as running:
        yield running
