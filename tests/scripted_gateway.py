"""The fixture `gateway`: a gateway on a free port whose answers a test writes."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from campaigns.gateway.bsg.client import Client

Reply = tuple[int, Any]  # HTTP status, and what becomes JSON; bytes are sent as they are
NOT_FOUND: Reply = (200, {"error": 40, "errorDescription": "Message not found"})


class ScriptedGateway:
    """Answers sends by `on_send`, which gets the recipients, and questions by `on_question`.

    By default it accepts everybody at 0.05 EUR and finds whom it accepted. `sends` has the phones
    of each send, `questions` the references asked for.
    """

    def __init__(self) -> None:
        self.on_send: Callable[[list[dict[str, str]]], Reply] = self.accept
        self.on_question: Callable[[str], Reply] = self.find
        self.accepted: dict[str, str] = {}  # reference -> phone
        self.sends: list[list[str]] = []
        self.questions: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes

            def do_GET(self) -> None:
                reference = self.path.rpartition("/")[2]
                gateway.questions.append(reference)
                self.reply(*gateway.on_question(reference))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                to = [address for message in body["messages"] for address in message["to"]]
                gateway.sends.append([address["msisdn"] for address in to])
                self.reply(*gateway.on_send(to))

            do_PUT = do_POST  # noqa: N815

            def reply(self, status: int, answer: Any) -> None:
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.client = Client(
            f"http://127.0.0.1:{self._server.server_port}/rest", "live_scripted_0001"
        )

    def accept(self, to: list[dict[str, str]]) -> Reply:
        """Accept everybody, as a gateway does that has had no request with these references."""
        return 200, {"result": [self.entry(address) for address in to], "currency": "EUR"}

    def entry(self, address: dict[str, str], error: int = 0) -> dict[str, Any]:
        """The entry of one recipient: accepted, or refused with `error`."""
        reference = address["reference"]
        if error:
            return {"error": error, "errorDescription": "no", "reference": reference}
        self.accepted[reference] = address["msisdn"]
        return {
            "error": 0, "reference": reference, "id": f"id{reference}", "price": 0.05,
            "currency": "EUR",
        }  # fmt: skip

    def find(self, reference: str) -> Reply:
        """The status of a message that was accepted."""
        if reference not in self.accepted:
            return NOT_FOUND
        return 200, {
            "error": 0, "id": f"id{reference}", "msisdn": self.accepted[reference],
            "reference": reference, "status": "sent", "price": 0.05, "currency": "EUR",
        }  # fmt: skip

    def close(self) -> None:
        self.client.close()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    running = ScriptedGateway()
    yield running
    running.close()
