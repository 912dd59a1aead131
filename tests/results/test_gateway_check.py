"""The check of the gateway: each step against the sandbox, the message to its end, the samples."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import Campaign, Sender
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import LedgerEntry, Purpose
from campaigns.management.commands import check_gateway
from campaigns.results import tasks
from campaigns.results.gateway_check import checks, following, samples, shapes
from campaigns.results.gateway_check.content import CheckRequest
from campaigns.results.models import GatewayCheck, StatusFileUse
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import asker
from campaigns.team import accounts, safe_mode
from campaigns.team.models import AuditEntry, Role
from tests.compose.factories import person, stop
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
with_account = pytest.mark.usefixtures("account")  # the sandbox, and this site's images
ADDRESS = "/settings/gateway/"
PHONE = "380671239002"  # reads the message
SOON = timedelta(seconds=60)
WITHOUT_MESSAGE = {
    "key": "passed", "balance": "passed", "prices": "passed", "sender": "passed",
    "picture": "passed", "message": "not_tried", "reports": "not_tried", "status": "not_tried",
    "files": "not_tried",
}  # fmt: skip


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """A web server that serves the stored images as this site does, at PUBLIC_BASE_URL."""
    settings.MEDIA_ROOT = tmp_path

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with default_storage.open(self.path.removeprefix("/media/")) as file:
                content = file.read()
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:  # reports come by `tasks.note` here
            self.send_error(503)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{server.server_port}"
    yield settings.PUBLIC_BASE_URL
    server.shutdown()
    server.server_close()


@pytest.fixture
def account(db: None, settings: Settings, sandbox: RunningSandbox, site: str) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    Sender.objects.create(name="Shop")


@pytest.fixture
def administrator(client: Client, account: None) -> Client:
    client.force_login(person(Role.ADMINISTRATOR))
    return client


def submit(client: Client, **values: Any) -> GatewayCheck:
    values = {"token": uuid.uuid4(), "sender": Sender.objects.get(name="Shop").pk} | values
    response = client.post(ADDRESS, values)
    assert response.status_code == 302, response.content.decode()
    return GatewayCheck.objects.get(pk=int(response.headers["Location"].split("/")[-2]))


def check_of(**request: Any) -> GatewayCheck:
    """A check as the page makes it."""
    asked = CheckRequest(**request)
    check, _is_new = checks.start(None, asked)
    findings = checks.run(check, asked)
    if asked.sends and findings.can_send:
        checks.send(check, asked, findings, None)
    return check


def states(check: GatewayCheck) -> dict[str, str]:
    check.refresh_from_db()
    return {step.key: step.state for step in following.current_steps(check)}


def text_of(check: GatewayCheck, key: str) -> str:
    [step] = [step for step in following.current_steps(check) if step.key == key]
    return f"{step.text} {step.next_step}"


def send_out(sandbox: RunningSandbox) -> None:
    """What workers do until the gateway has the message."""
    freeze(Campaign.objects.get(purpose=Purpose.TEST).pk, timezone.now() + SOON)
    BatchSender(sandbox.client(), 4, timezone.now() + SOON).run()


def end(sandbox: RunningSandbox, reference: str) -> None:
    """The message is read, a report says so, and workers ask for its status."""
    sandbox.settle()
    tasks.note([reference])
    asker.ask(sandbox.client(), 4, timezone.now() + SOON)
    tasks.follow_checks()


def test_every_step_passes_without_a_message(administrator: Client) -> None:
    check = submit(administrator)
    assert states(check) == WITHOUT_MESSAGE
    assert check.ended_at is not None
    assert "1,000,000.00 EUR. It may go 10.00 EUR below zero" in text_of(check, "balance")
    assert not Campaign.objects.exists()
    page = administrator.get(ADDRESS).content.decode()
    assert "Nothing is really sent." in page
    assert 'hx-trigger="every 2s"' not in page[page.index('id="gateway-steps"') :]


def test_message_is_charged_once_and_followed_to_its_end(
    administrator: Client, sandbox: RunningSandbox
) -> None:
    token = uuid.uuid4()
    check = submit(administrator, token=token, phone=f"+{PHONE}", send="on", sms_sender="Shop")
    assert states(check)["message"] == states(check)["reports"] == "running"
    assert "It waits for a worker" in text_of(check, "message")
    assert AuditEntry.objects.get(action="sent a message").subject == f"gatewaycheck:{check.pk}"
    send_out(sandbox)
    assert "Accepted. Charged: " in text_of(check, "message")
    assert submit(administrator, token=token, phone=f"+{PHONE}", send="on").pk == check.pk
    end(sandbox, check.reference)

    assert states(check) == dict.fromkeys(WITHOUT_MESSAGE, "passed")
    assert "files work by id and by window" in text_of(check, "files")
    assert StatusFileUse.objects.get().is_on
    assert check.ended_at is not None
    assert "Accepted → Sent → Delivered → Read." in text_of(check, "message")
    assert text_of(check, "status").startswith("By id: “Read”. By reference: “Read”.")
    assert len(sandbox.requests(path="/viber/create")) == 1
    [sent] = sandbox.messages()
    assert (sent["msisdn"], sent["sender"]) == (PHONE, "Shop")
    [entry] = LedgerEntry.objects.all()
    assert entry.purpose == Purpose.TEST
    assert entry.amount == Decimal(sandbox.bill()["spend"]["EUR"]["total"])
    assert differences() == []


def test_samples_hold_no_phone_no_key_no_id_and_no_balance(
    administrator: Client, sandbox: RunningSandbox
) -> None:
    check = submit(administrator, phone=f"+{PHONE}", send="on")
    send_out(sandbox)
    end(sandbox, check.reference)
    response = administrator.get(f"{ADDRESS}{check.pk}/samples")
    text, recipient = response.content.decode(), Recipient.objects.get()
    for secret in (PHONE, PHONE[3:], sandbox.key, recipient.gateway_id, check.reference, "1000000"):
        assert secret not in text
    kept = {sample["call"]: sample for sample in json.loads(text)["samples"]}
    assert sorted(kept) == [
        "GET /common/balance", "GET /sms/prices/0", "GET /viber/prices/0",
        "GET /viber/reference/{reference}", "GET /viber/{id}", "POST /viber/create",
        "POST /viber/price",
    ]  # fmt: skip
    assert kept["POST /viber/create"]["shape"] == [
        "shape A", "total_price: number", "error: number", "reference: string", "id: string",
        "price: number", "currency: string",
    ]  # fmt: skip
    assert "no total_price" in kept["GET /viber/{id}"]["shape"]
    assert "times 9999-99-99 99:99:99" in kept["GET /viber/{id}"]["shape"]
    assert len(json.loads(kept["GET /viber/prices/0"]["body"])["prices"]) == 3


def test_mask_keeps_the_shape() -> None:
    answer = (
        '{"id": "38067\\u0031", "to": ["380671239002", 380671239002], "amount": -12.5000000,'
        '"price": 0.06899999999999999, "errorDescription": "Phone +38 (067) 123-90-02 is wrong",'
        '"time_in": "2026-01-17 09:20:02", "status": "not-viber-user", "name": "Оля"}'
    )
    assert samples.mask(answer) == (
        '{"id": "999999", "to": ["999999999999", 999999999999], "amount": -99.9999999,'
        '"price": 0.06899999999999999, "errorDescription": "Phone +99 (999) 999-99-99 is wrong",'
        '"time_in": "2026-01-17 09:20:02", "status": "not-viber-user", "name": "xxx"}'
    )
    assert samples.mask("<p>380671239002</p>") == "<p>999999999999</p>"


def test_shapes_of_other_accounts_are_named() -> None:
    sent = '[{"error":"0","messages":[{"id":"1","price":"0.02","currency":"EUR"}]}]'
    assert shapes.of_answer("POST /viber/create", sent) == [
        "shape B", "id: string", "price: string", "currency: string",
    ]  # fmt: skip
    status = (
        '{"error":0,"id":380671239002,"msisdn":"380671239002","status":"READ","total_price":"1",'
        '"alt_route_messages":[]}'
    )
    assert shapes.of_answer("GET /viber/{id}", status) == [
        "error: number", "id: number", "msisdn: string", "total_price: string", "id is the phone",
        "no price", "alt_route_messages",
    ]  # fmt: skip


@with_account
@pytest.mark.parametrize(
    ("key", "faults", "step", "words"),
    [
        ("nobodys_key", {}, "key", "BSG does not accept the API key. (error 1: Invalid key)"),
        ("live_blocked", {}, "key", "BSG has blocked the account."),
        ("", {"http500": 100, "everywhere": 1}, "key", "does not answer. (HTTP 500)"),
        ("", {"html": 100, "everywhere": 1}, "key", "Something answered, but not like the gateway"),
    ],
)
def test_account_that_does_not_work_fails_at_its_key(
    sandbox: RunningSandbox,
    settings: Settings,
    key: str,
    faults: dict[str, float],
    step: str,
    words: str,
) -> None:
    settings.BSG_API_KEY = key or sandbox.key
    sandbox.faults(**faults)
    check = check_of(sender="Shop", msisdn=PHONE, sends=True)
    assert states(check) == dict.fromkeys(WITHOUT_MESSAGE, "not_tried") | {step: "failed"}
    assert words in text_of(check, step)
    assert not Campaign.objects.exists()


@with_account
def test_sender_that_is_not_registered_gets_no_message(sandbox: RunningSandbox) -> None:
    check = check_of(sender="Unregistered", msisdn=PHONE, sends=True)
    assert states(check) == WITHOUT_MESSAGE | {"sender": "failed"}
    assert "The sender is not registered at BSG. (error 45: " in text_of(check, "sender")
    assert "Ask BSG to register this sender" in text_of(check, "sender")
    assert text_of(check, "message") == "Fix the failed steps first. "
    assert not Campaign.objects.exists()


@with_account
def test_other_answer_at_the_image_address_fails(
    settings: Settings, sandbox: RunningSandbox
) -> None:
    settings.PUBLIC_BASE_URL = sandbox.url
    check = check_of(sender="Shop")
    assert states(check) == WITHOUT_MESSAGE | {"picture": "failed"}
    assert "HTTP 404" in text_of(check, "picture")
    settings.PUBLIC_BASE_URL = ""
    assert states(check_of(sender="Shop")) == WITHOUT_MESSAGE | {"picture": "warning"}


@with_account
@pytest.mark.parametrize(
    ("faults", "words", "sender"),
    [
        ({"error8_after": 0}, "BSG account is out of funds.", "passed"),
        ({"message_error": 45}, "The sender is not registered at BSG.", "failed"),
    ],
)
def test_message_that_is_refused_says_why(
    sandbox: RunningSandbox, faults: dict[str, int], words: str, sender: str
) -> None:
    sandbox.faults(**faults)
    check = check_of(sender="Shop", msisdn=PHONE, sends=True)
    send_out(sandbox)
    assert states(check) == WITHOUT_MESSAGE | {
        "sender": sender, "message": "failed", "reports": "running", "status": "running",
    }  # fmt: skip
    assert words in text_of(check, "message")
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        tasks.follow_checks()
    assert states(check) == WITHOUT_MESSAGE | {"sender": sender, "message": "failed"}
    assert [sample["call"] for sample in check.samples][-1] == samples.SEND
    assert not LedgerEntry.objects.exists()


@with_account
def test_only_key_and_balance_are_checked_until_it_is_known_whose_key_it_is(
    settings: Settings,
) -> None:
    accounts.load()
    settings.BSG_API_KEY = "live_another_key_0002"
    tried = {"key": "passed", "balance": "passed"}
    check = check_of(sender="Shop", msisdn=PHONE, sends=True)
    assert states(check) == dict.fromkeys(WITHOUT_MESSAGE, "not_tried") | tried
    assert "The key is new" in text_of(check, "prices")
    accounts.confirm_another(None)
    safe_mode.cache_state(safe=True)
    check = check_of(sender="Shop", msisdn=PHONE, sends=True)
    assert "Safe mode is on" in text_of(check, "prices")
    assert not Campaign.objects.exists()


@with_account
def test_phone_on_the_stop_list_is_not_kept_with_the_refusal(sandbox: RunningSandbox) -> None:
    stop(PHONE)
    check = check_of(sender="Shop", msisdn=PHONE, sends=True)
    assert states(check)["message"] == "failed"
    assert text_of(check, "message") == "This phone is on the stop list. "
    assert PHONE not in json.dumps(check.steps)
    assert sandbox.requests(path="/viber/create") == []


def test_newest_checks_are_kept() -> None:
    GatewayCheck.objects.bulk_create(GatewayCheck() for _ in range(checks.KEPT + 3))
    newest, _is_new = checks.start(None, CheckRequest())
    assert GatewayCheck.objects.count() == checks.KEPT
    assert GatewayCheck.objects.first() == newest


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MARKETER, Role.APPROVER])
def test_pages_are_for_administrators(client: Client, role: Role) -> None:
    check = GatewayCheck.objects.create(ended_at=timezone.now())
    client.force_login(person(role))
    for path in ("", f"{check.pk}/", f"{check.pk}/steps", f"{check.pk}/samples"):
        assert client.get(ADDRESS + path).status_code == 403
    assert client.post(ADDRESS, {"token": uuid.uuid4()}).status_code == 403
    assert GatewayCheck.objects.count() == 1


def test_message_needs_sender_and_phone(administrator: Client) -> None:
    response = administrator.post(ADDRESS, {"token": uuid.uuid4(), "send": "on", "phone": "12"})
    assert response.status_code == 422
    assert "Choose the sender of the message." in response.content.decode()
    assert "Too few digits" in response.content.decode()
    assert not GatewayCheck.objects.exists()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox) -> Callable[[], int]:
    """While the command waits, workers do the next thing; how often it has waited."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            send_out(sandbox)
        else:
            end(sandbox, GatewayCheck.objects.get().reference)

    monkeypatch.setattr(check_gateway, "sleep", sleep)
    return lambda: len(waits)


@with_account
def test_command_follows_the_message_and_writes_samples(
    worker: Callable[[], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "samples.json"
    options = ["--phone", PHONE, "--sender", "Shop", "--sms", "Shop", "--yes"]
    call_command("check_gateway", *options, "--samples", str(file))
    printed = capsys.readouterr().out
    assert "Passed: Prices. " in printed
    assert "The message costs at most: 0." in printed
    assert "No worker is running" in printed
    assert "Passed: Message to your phone. Accepted → Sent → Delivered → Read." in printed
    assert worker() == 2
    assert json.loads(file.read_text())["steps"]["status"] == "passed"


@with_account
def test_command_asks_first_and_fails_if_a_step_does(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    call_command("check_gateway", "--phone", PHONE, "--sender", "Shop")
    assert "Nothing was sent." in capsys.readouterr().out
    assert not Campaign.objects.exists()
    settings.BSG_API_KEY = "nobodys_key"
    with pytest.raises(CommandError, match=r"^Failed: Address and key\.$"):
        call_command("check_gateway")
    with pytest.raises(CommandError, match="Name the sender"):
        call_command("check_gateway", "--phone", PHONE)
