"""Syslog gets each entry in order, at least once, and holds up nothing when it is not there."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.models import AuditLink, AuditProgress
from campaigns.team.audit import job, syslog
from tests.team.audit.trail import enter

pytestmark = pytest.mark.django_db
WAIT = 10.0  # seconds until a test that hangs fails


class Server:
    """A syslog server over TCP. `resets`: of so many connections it reads some bytes only."""

    def __init__(self, resets: int = 0) -> None:
        self.resets, self.received = resets, [b""]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(WAIT)
        self.address = f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            with connection:
                if self.resets:
                    self.resets -= 1
                    connection.recv(10)
                    linger = struct.pack("ii", 1, 0)  # what is not read is reset
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    continue
                while data := connection.recv(65536):
                    self.received[-1] += data
                self.received.append(b"")

    def close(self) -> None:
        self._socket.close()

    def messages(self) -> list[dict[str, Any]]:
        lines = b"".join(self.received).decode().splitlines()
        return [json.loads(line.removeprefix("<86>viberdash: ")) for line in lines]


@contextmanager
def server(settings: Settings, resets: int = 0) -> Iterator[Server]:
    running = Server(resets)
    settings.AUDIT_SYSLOG = running.address
    try:
        yield running
    finally:
        running.close()


def streamed() -> int:
    return AuditProgress.objects.get().streamed


def test_entries_arrive_in_the_order_of_the_chain(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "BATCH", 2)
    entries = enter(5)
    with server(settings) as running:
        job.follow()
        job.follow()  # nothing new
        messages = running.messages()
    links = AuditLink.objects.order_by("pk").values_list("position", "entry_id", "hash")
    assert [(each["position"], each["id"], each["hash"]) for each in messages] == list(links)
    assert messages[4]["subject"] == entries[4].subject
    assert streamed() == 5


def test_interrupted_connection_is_repeated(settings: Settings) -> None:
    enter(400)
    with server(settings, resets=1) as running:
        job.follow()
        assert (running.messages(), streamed()) == ([], 0)
        job.follow()
        assert [each["position"] for each in running.messages()] == [*range(1, 401)]


def test_server_that_is_not_there_loses_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.AUDIT_SYSLOG = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    enter(3)
    job.follow()
    assert (AuditLink.objects.count(), streamed()) == (3, 0)
    assert "could not be sent" in caplog.text
    with server(settings) as running:
        job.follow()
        assert len(running.messages()) == 3


def test_datagrams(settings: Settings, tmp_path: Path) -> None:
    enter(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(WAIT)
        settings.AUDIT_SYSLOG = f"udp://127.0.0.1:{udp.getsockname()[1]}"
        job.follow()
        assert udp.recv(65536).startswith(b'<86>viberdash: {"position":1,"hash":"')
    enter(1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
        local.bind(str(tmp_path / "log"))
        local.settimeout(WAIT)
        settings.AUDIT_SYSLOG = f"unix:{tmp_path / 'log'}"
        job.follow()
        assert b'"position":2' in local.recv(65536)
    enter(1)
    job.follow()  # nobody listens any more
    assert streamed() == 2
