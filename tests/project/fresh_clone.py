"""`make fresh-clone`: install and start what is committed, as somebody does who has just cloned it.

Clones into a folder that is deleted afterwards, runs `make run` there with an environment of its
own, and ends it once its health page answers. Exits with 1 where it does not.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from tests.chaos.installation import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900.0  # seconds, with the download of all packages
KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "PIP_INDEX_URL",
    "UV_INDEX_URL",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
)


def answers(address: str, server: "subprocess.Popen[bytes]") -> bool:
    """Whether the health page says that all is well, before `server` ends or PATIENCE is over."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(address, timeout=5).ok:
                return True
        except requests.RequestException:
            pass
        time.sleep(1)
    return False


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="viberdash-clone-") as folder:
        clone = Path(folder) / "viberdash"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        port = str(free_port(8300))
        env = {name: os.environ[name] for name in KEPT if name in os.environ}
        server = subprocess.Popen(
            ["make", "run", f"PORT={port}"], cwd=clone, env=env, start_new_session=True
        )
        try:
            works = answers(f"http://127.0.0.1:{port}/healthz", server)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGINT)
                server.wait(120)
    result = "answers" if works else "does not answer"
    print(f"A fresh clone {result} after {time.monotonic() - started:.0f} s")
    return int(not works)


if __name__ == "__main__":
    sys.exit(main())
