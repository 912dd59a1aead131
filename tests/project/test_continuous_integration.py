"""What `.ci/run` and the tests say where PostgreSQL lets nobody in."""

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import platforms

FATAL = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"


@pytest.fixture
def closed_postgresql() -> Iterator[int]:
    """The port of a server that refuses every user."""

    def refuse() -> None:
        while True:
            try:
                client, _address = server.accept()
            except OSError:
                return
            with client:
                if client.recv(1024)[4:8] == struct.pack("!I", 80_877_103):  # asks for TLS
                    client.sendall(b"N")
                    client.recv(1024)
                client.sendall(b"E" + struct.pack("!I", len(FATAL) + 4) + FATAL)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_trouble_says_what_to_set(closed_postgresql: int) -> None:
    trouble = platforms.trouble(f"postgres://postgres@127.0.0.1:{closed_postgresql}/postgres")
    assert "password authentication failed" in trouble
    assert "Set TEST_DATABASE_URL=postgres://USER:PASSWORD@HOST:PORT/postgres" in trouble


def test_run_says_what_to_set_without_root(closed_postgresql: int, tmp_path: Path) -> None:
    """The function of `.ci/run`, with commands that stand for those of this machine."""
    script = Path(".ci/run").read_text(encoding="utf-8")
    begin = script.index("open_postgresql() {")
    function = script[begin : script.index("\n}\n", begin) + 3]
    function = function.replace(":5432/postgres',", f":{closed_postgresql}/postgres',")
    function = function.replace(".venv/bin/python", sys.executable)
    commands = {"make": "exit 0", "id": "echo 1000", "su": "echo asked for a password >&2; exit 1"}
    for name, body in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    result = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{function}\nopen_postgresql"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 1
    assert "Set TEST_DATABASE_URL=postgres://USER:PASSWORD@127.0.0.1:5432/postgres" in result.stderr
    assert "asked for a password" not in result.stderr
