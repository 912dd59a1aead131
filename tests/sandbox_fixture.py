"""`sandbox`: the sandbox gateway on a free port, for any test; `pytest_plugins =
["tests.sandbox_fixture"]`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.sandbox import Sandbox

KEY = "live_sandbox_key_0001"


class RunningSandbox:
    """A sandbox under way, asked over its control addresses as anybody outside could.

    `url` is its page, `api_url` what BSG_API_URL should be, `key` one that it accepts.
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
        """A client of this sandbox; closed with it."""
        client = Client(self.api_url, api_key, **options)
        self._clients.append(client)
        return client

    def bill(self, sender: str = "") -> dict[str, Any]:
        """Counts and exact sums: messages, phones, doubled_phones, statuses, sms_statuses, spend,
        requests, refused.
        """
        bill: dict[str, Any] = self._get("/sandbox/bill", sender=sender)
        return bill

    def faults(self, **faults: object) -> dict[str, Any]:
        """Puts exactly these faults in force; none at all without arguments."""
        in_force: dict[str, Any] = self._post("/sandbox/faults", {"clear": True} | faults)
        return in_force

    def advance(self, seconds: float) -> None:
        """Moves the lives of all messages on."""
        self._post("/sandbox/advance", {"seconds": seconds})

    def settle(self) -> None:
        """Moves the lives of all messages to their ends."""
        self._post("/sandbox/advance", {"settle": True})

    def fund(self, amount: object) -> None:
        """What the account holds from now on, in EUR."""
        self._post("/sandbox/balance", {"amount": str(amount)})

    def requests(self, limit: int = 1000, path: str = "") -> list[dict[str, Any]]:
        """The calls under /rest as they came, the newest last: at, method, path, source, body (the
        raw text).
        """
        found: list[dict[str, Any]] = self._get("/sandbox/requests", limit=limit)["requests"]
        return [one for one in found if not path or one["path"] == path]

    def messages(self, **asked: object) -> list[dict[str, Any]]:
        """The messages, the newest first; `sender`, `msisdn`, `reference`, `offset`, `limit`
        choose.
        """
        found: list[dict[str, Any]] = self._get(
            "/sandbox/messages.json", **({"limit": 1000} | asked)
        )["messages"]
        return found

    def reset(self) -> None:
        """Forgets all messages; the faults are those of the start."""
        self._post("/sandbox/reset", {})

    def close(self) -> None:
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


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """A sandbox of its own, with no messages, no faults and no latency; an indirect parameter says
    otherwise.
    """
    server = Sandbox(**getattr(request, "param", {}))
    server.start()
    running = RunningSandbox(server)
    yield running
    running.close()
