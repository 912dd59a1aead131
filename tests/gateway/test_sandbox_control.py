"""The sandbox's own addresses, its page, its delivery reports, and the command that runs it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import requests
from django.conf import settings

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.sandbox import Sandbox, callbacks
from campaigns.gateway.sandbox.control import refuse_visitor
from campaigns.gateway.sandbox.faults import Faults
from campaigns.gateway.types import SendRequest
from campaigns.management.commands.sandbox_gateway import Command
from tests.gateway.raw_server import answer, raw_server, read_request
from tests.gateway.requests_made import WHOLE, text_request, to_references
from tests.sandbox_fixture import KEY, RunningSandbox

WAIT = 20  # seconds within which a thing that must happen has happened


def post(sandbox: RunningSandbox, path: str, body: object) -> requests.Response:
    return requests.post(sandbox.url + path, json=body, timeout=10)


def test_requests_are_kept_as_they_came_without_the_key(sandbox: RunningSandbox) -> None:
    client = sandbox.client()
    client.send(to_references("a"))
    client.status_by_reference("a")
    calls_made = sandbox.requests()
    assert [(call["method"], call["path"]) for call in calls_made] == [
        ("POST", "/viber/create"),
        ("GET", "/viber/reference/a"),
    ]
    assert json.loads(calls_made[0]["body"])["messages"][0]["to"] == [
        {"msisdn": "380972920000", "reference": "a"}
    ]
    assert sandbox.requests(limit=1) == calls_made[1:]
    assert KEY not in json.dumps(calls_made)


def test_messages_are_paged_and_filtered(sandbox: RunningSandbox) -> None:
    sandbox.client().send(to_references(*"abcde"))
    assert [message["reference"] for message in sandbox.messages(limit=2)] == ["e", "d"]
    assert [message["reference"] for message in sandbox.messages(limit=2, offset=4)] == ["a"]
    assert [message["reference"] for message in sandbox.messages(msisdn="380972920002")] == ["c"]
    assert sandbox.messages(sender="Nobody") == []
    assert (
        requests.get(f"{sandbox.url}/sandbox/messages.json?offset=x&limit=-1", timeout=10).json()[
            "total"
        ]
        == 5
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/faults", {"nonsense": 1}),
        ("/sandbox/faults", {"lost": "often"}),
        ("/sandbox/faults", {"shape": "D"}),
        ("/sandbox/faults", []),
        ("/sandbox/advance", {"seconds": -1}),
        ("/sandbox/advance", {"seconds": None}),
        ("/sandbox/balance", {"amount": "much"}),
    ],
)
def test_control_rejects_invalid_bodies(sandbox: RunningSandbox, path: str, body: object) -> None:
    answered = post(sandbox, path, body)
    assert answered.status_code == 400
    assert answered.json()["message"]


def test_control_answers_404_for_other_addresses(sandbox: RunningSandbox) -> None:
    assert post(sandbox, "/sandbox/nothing", {}).status_code == 404
    assert requests.get(f"{sandbox.url}/nothing", timeout=10).status_code == 404


def visit(
    sandbox: RunningSandbox, method: str, path: str, **headers: str
) -> tuple[int, dict[str, str]]:
    """A call with the headers of a browser, whatever address it goes to."""
    answered = requests.request(method, sandbox.url + path, headers=headers, json={}, timeout=10)
    return answered.status_code, answered.json() if answered.status_code == 403 else {}


CONTROL = [
    ("GET", "/"),
    ("GET", "/sandbox/bill"),
    ("GET", "/sandbox/messages.json"),
    ("GET", "/sandbox/requests"),
    ("GET", "/sandbox/violations"),
    ("POST", "/sandbox/faults"),
    ("POST", "/sandbox/reset"),
    ("DELETE", "/nothing"),
]


@pytest.mark.parametrize(("method", "path"), CONTROL)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8090", "127.0.0.1.evil.example", "localhost.evil", "[", ""],
)
def test_a_foreign_name_for_this_machine_is_refused(
    sandbox: RunningSandbox, method: str, path: str, host: str
) -> None:
    assert visit(sandbox, method, path, Host=host) == (
        403,
        {"code": 403, "message": "the Host header must be the sandbox's own address", "errors": {}},
    )


@pytest.mark.parametrize(("method", "path"), CONTROL)
@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null", ""])
def test_a_page_of_another_site_is_refused(
    sandbox: RunningSandbox, method: str, path: str, origin: str
) -> None:
    sandbox.client().send(to_references("a"))
    assert visit(sandbox, method, path, Origin=origin) == (
        403,
        {
            "code": 403,
            "message": "the Origin header must be the sandbox's own address",
            "errors": {},
        },
    )
    assert sandbox.bill()["messages"] == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8090", "localhost", "LOCALHOST:1", "[::1]:8090", "10.0.0.1"]
)
def test_own_addresses_are_answered(sandbox: RunningSandbox, host: str) -> None:
    assert visit(sandbox, "POST", "/sandbox/faults", Host=host)[0] == 200
    assert visit(sandbox, "POST", "/sandbox/faults", Host=host, Origin=f"http://{host}")[0] == 200


def test_the_name_that_the_sandbox_listens_on_is_answered() -> None:
    assert refuse_visitor({"Host": "sandbox.lan:8090"}, "sandbox.lan") is None
    assert refuse_visitor({"Host": "sandbox.lan:8090"}, "127.0.0.1") is not None


def test_the_gateways_calls_are_not_for_browsers_and_take_any_host(sandbox: RunningSandbox) -> None:
    headers = {"Host": "gateway.example", "X-API-KEY": KEY}
    answered = requests.get(f"{sandbox.api_url}/common/balance", headers=headers, timeout=10)
    assert answered.json()["amount"] == "1000000"


def test_the_sandbox_listens_on_loopback_by_default() -> None:
    sandbox = Sandbox()
    assert sandbox.url.startswith("http://127.0.0.1:")
    sandbox.close()
    parser = Command().create_parser("manage.py", "sandbox_gateway")
    assert parser.parse_args([]).host == "127.0.0.1"


def test_reset_forgets_messages_and_requests(sandbox: RunningSandbox) -> None:
    sandbox.client().send(to_references("a"))
    sandbox.faults(lost=100)
    sandbox.reset()
    bill = sandbox.bill()
    assert (bill["messages"], bill["requests"], bill["spend"], sandbox.requests()) == (0, 0, {}, [])
    assert sandbox.client().send(to_references("a")).total_price is not None


def test_same_seed_gives_the_same_faults() -> None:
    def struck(seed: int) -> list[str]:
        faults = Faults(seed, {"lost": 30, "http500": "10"})
        return [faults.choose(is_create=True).name for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert set(struck(1)) == {"", "lost", "http500"}


def test_slow_calls_have_random_delays() -> None:
    faults = Faults(1, {"slow": 50, "slow_ms": 400})
    delays = [faults.choose(is_create=True).delay for _ in range(200)]
    assert 60 < sum(delay > 0 for delay in delays) < 140
    assert 0.1 < sum(delays) / sum(delay > 0 for delay in delays) < 0.3
    assert max(delays) <= 0.4


def test_page_shows_messages_and_bill_and_escapes_them(sandbox: RunningSandbox) -> None:
    evil = replace(
        WHOLE.messages[0],
        text="<script>alert(1)</script>\n2 & 3",
        scheduled_at=None,
        callback_url="",
    )
    sandbox.client().send(SendRequest((evil,)))
    page = requests.get(sandbox.url, timeout=10)
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n2 &amp; 3" in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert page.text.count("<article>") == 2
    assert "0.0460000" in page.text
    style = requests.get(f"{sandbox.url}/sandbox/page.css", timeout=10)
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"


def test_page_is_empty_and_paged(sandbox: RunningSandbox) -> None:
    assert "No messages yet" in requests.get(sandbox.url, timeout=10).text
    client = sandbox.client()
    client.send(to_references(*(f"a{k}" for k in range(50))))
    client.send(text_request(("40721000000", "last")))
    first = requests.get(sandbox.url, timeout=10).text
    assert (first.count("<article>"), "Older" in first, "Newer" in first) == (50, True, False)
    second = requests.get(f"{sandbox.url}/?offset=50", timeout=10).text
    assert (second.count("<article>"), "Older" in second, "Newer" in second) == (1, False, True)
    assert (
        requests.get(f"{sandbox.url}/?msisdn=40721000000", timeout=10).text.count("<article>") == 1
    )


def test_each_change_of_status_is_posted(sandbox: RunningSandbox) -> None:
    reports: Queue[bytes] = Queue()

    def take(connection: Any) -> None:
        reports.put(read_request(connection))
        connection.sendall(answer(b"", "Connection: close"))

    with raw_server(take) as receiver:
        message = replace(
            text_request(("380972929002", "a")).messages[0],
            callback_url=f"{receiver.url}/reports/x",
        )
        sandbox.client().send(SendRequest((message,)))
        reports_seen = []
        for _ in range(3):
            sandbox.advance(45)
            head, _gap, body = reports.get(timeout=WAIT).partition(b"\r\n\r\n")
            assert head.startswith(b"POST /rest/reports/x HTTP/1.1\r\n")
            reports_seen.append(json.loads(body))
            if reports_seen[-1]["status"] == "read":
                break
    assert reports_seen[-1]["status"] == "read"
    assert {message["reference"] for message in reports_seen} == {"a"}
    assert KEY.encode() not in head


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ({"reports_lost": 100}, []),
        ({"reports_doubled": 100}, ["sent", "sent", "delivered", "delivered", "read", "read"]),
        ({"reports_late": 100, "late_s": 3600}, []),
    ],
)
def test_faults_of_delivery_reports(
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, int],
    statuses: list[str],
) -> None:
    reports_seen: list[str] = []
    monkeypatch.setattr(
        callbacks, "post", lambda url, report: reports_seen.append(report["status"])
    )
    calls = sandbox.server.calls
    sandbox.faults(**fault)
    for status in ("sent", "delivered", "read"):
        calls._callbacks._post("http://here/", {"status": status})
    assert reports_seen == statuses
    assert len(calls._callbacks._late) == (3 if "late_s" in fault else 0)


@contextmanager
def command(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`manage.py sandbox_gateway` as a process, and the address that it prints."""
    environment = os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    process = subprocess.Popen(
        [
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "sandbox_gateway",
            "--port",
            "0",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout
    try:
        line = process.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, line
        yield process, address.group()
    finally:
        process.kill()
        process.communicate()


def test_command_needs_no_database_and_ends_at_sigterm() -> None:
    with command("--fault", "error5=100", "--latency", "1", "--pace", "2", "--seed", "3") as (
        process,
        url,
    ):
        client = Client(f"{url}/rest", KEY)
        refused = client.send(to_references("a")).refused_whole
        assert refused
        assert refused.code == 5
        process.send_signal(signal.SIGTERM)  # with the client's connection still open
        assert process.wait(WAIT) == 0
        client.close()
        assert process.stderr
        assert process.stderr.read() == ""


def test_command_restores_messages_after_sigkill(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    with command("--journal", journal) as (process, url):
        client = Client(f"{url}/rest", KEY)
        client.send(to_references("a", "b"))
        client.close()
        process.kill()
        process.wait(WAIT)
    with command("--journal", journal) as (_process, url):
        client = Client(f"{url}/rest", KEY)
        status = client.status_by_reference("b")
        assert status
        assert status.gateway_id == "470000002"
        client.close()


@pytest.mark.parametrize(
    "arguments",
    [("--fault", "nonsense=1"), ("--fault", "lost"), ("--pace", "0"), ("--balance", "x")],
)
def test_command_rejects_invalid_options(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "sandbox_gateway", "--port", "0", *arguments])
    assert ended.value.code != 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "error" in said.err.lower()
