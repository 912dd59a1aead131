"""Which Chromium the browser tests drive."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

# The first is the same browser without windows, which takes half the processor.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


def find() -> str:
    """The path of one: $CHROMIUM, else one on the PATH, else Playwright's own; empty where there is
    none.
    """
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named) or ""
    if result := next(filter(None, map(shutil.which, NAMES)), None):
        return result
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else ""


def provide() -> str:
    """The path of one, fetched where there is none yet; empty where that fails, or where $CHROMIUM
    names none.
    """
    ways: list[Callable[[], None]] = (
        [] if os.environ.get("CHROMIUM") else [from_playwright, from_debian]
    )
    path = find()
    while not path and ways:
        ways.pop(0)()
        path = find()
    return path


def from_playwright() -> None:
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        stdin=subprocess.DEVNULL,
        check=False,
    )


def from_debian() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "-y", "-qq", "--no-install-recommends"]
        for text in (["update", "-qq"], [*install, NAMES[0]], [*install, NAMES[1]]):
            if not find():
                subprocess.run(["apt-get", *text], stdin=subprocess.DEVNULL, env=env, check=False)
