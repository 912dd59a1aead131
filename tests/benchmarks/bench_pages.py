"""Pages a second and their 95th percentile at the web server, against a page of the same site with
nothing on it; the bytes of each, compressed and not; how long the main pages block a slow phone.

An installation on SQLite with WEB_WORKERS=2: 50 campaigns, lists and segments, a list of 1,000
contacts. Each page is asked for in turn with the empty one, so that whatever else the machine does
meets both. A page blocks by what its tasks take beyond 50 ms each, in a Chromium with an empty
cache and a processor that is SLOWER times as slow: the median of some visits. Prints ratios and
fails nothing. How pages grow with millions of recipients is what `make bench-reports` measures.
"""

import argparse
import gzip
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles

from playwright.sync_api import CDPSession, Page, ViewportSize, sync_playwright

from tests import chromium
from tests.benchmarks.bench_reports_flood import ROOT, free_port, prepare, server
from tests.benchmarks.bench_web import GUNICORN, settings
from tests.browser.page_budgets import BLOCKING_MS, SLOWER

TARGET = 0.5  # of the empty page's rate
CLIENTS = 2  # at once: as many as there are processors
REQUESTS, ROUNDS = 40, 5  # of each page in a round
EMPTY = "/empty"
PAGES = (
    "/", "/campaigns/", "/contacts/", "/contacts/1/", "/contacts/people/", "/contacts/stop-list/",
    "/contacts/segments/", "/contacts/imports/", "/campaigns/new", "/campaigns/1/",
    "/campaigns/calendar", "/spend/", "/settings/", "/settings/team/",
)  # fmt: skip
ROWS = """
from campaigns.models import Campaign, CampaignState, Contact, ContactList, Segment, StopListEntry
ContactList.objects.bulk_create(ContactList(name=f"List {n}", fields=["name"]) for n in range(50))
phones = [f"3809712{n:05}" for n in range(1000)]
Contact.objects.bulk_create(
    Contact(list_id=1, msisdn=phone, country="UA", fields={"name": "Олена"}) for phone in phones)
StopListEntry.objects.bulk_create(StopListEntry(msisdn=phone) for phone in phones)
Segment.objects.bulk_create(Segment(name=f"Segment {n}") for n in range(50))
states = [CampaignState.DRAFT, CampaignState.CANCELLED]
Campaign.objects.bulk_create(
    Campaign(name=f"Campaign {n}", text="Hello", state=states[n % 2]) for n in range(50))
"""

FILL = """
import json
from campaigns.models import User
from tests.browser import main_pages
print(json.dumps(main_pages.fill(User.objects.get())))
"""
PHONE = ViewportSize(width=360, height=740)
# tasks of more than 50 ms since the page began, also those before this was asked
BLOCKED = """() => new Promise(done => {
    let blocked = 0;
    new PerformanceObserver(list => {
        for (const task of list.getEntries()) blocked += task.duration - 50;
    }).observe({ type: 'longtask', buffered: true });
    setTimeout(() => done(blocked), 200);
})"""


def seconds_of(port: int, page: str, cookie: str, times: int) -> list[float]:
    """How long each of `times` requests took, one after the other on one connection each."""
    took = []
    for _ in range(times):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        start = time.perf_counter()
        headers = {"Host": "localhost", "Cookie": f"sessionid={cookie}", "Accept-Encoding": "gzip"}
        connection.request("GET", page, headers=headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - start)
        connection.close()
        assert answer.status == 200, (page, answer.status)
    return took


def round_of(port: int, page: str, cookie: str) -> tuple[float, list[float]]:
    """Pages a second with CLIENTS at once, and how long each took."""
    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        shares = [
            clients.submit(seconds_of, port, page, cookie, REQUESTS // CLIENTS)
            for _ in range(CLIENTS)
        ]
        took = [second for share in shares for second in share.result()]
    return len(took) / (time.perf_counter() - start), took


def bytes_of(port: int, page: str, cookie: str) -> tuple[int, int]:
    """What the page has as sent, and as read."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Host": "localhost", "Cookie": f"sessionid={cookie}", "Accept-Encoding": "gzip"}
    connection.request("GET", page, headers=headers)
    sent = connection.getresponse().read()
    connection.close()
    return len(sent), len(gzip.decompress(sent))


def measure(rounds: int) -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = settings(folder) | {"PORT": str(port)}
        cookie, _path = prepare(environment)
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", ROWS]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        application = (*GUNICORN, "tests.benchmarks.empty_page:application")
        with server(*application, environment=environment, port=port):
            print(f"{'page':<26}{'a second':>10}{'of empty':>10}{'p95, empty':>18}{'bytes':>20}")
            for page in PAGES:
                say(port, page, cookie, rounds)
            say_blocking(port, environment, cookie, rounds)


def say(port: int, page: str, cookie: str, rounds: int) -> None:
    """Measure a page in turn with the empty one, and print its line."""
    seconds_of(port, page, cookie, 5)  # fills caches
    rates, ratios, took, empty_took = [], [], [], []
    for _ in range(rounds):
        empty_rate, empty_seconds = round_of(port, EMPTY, cookie)
        rate, seconds = round_of(port, page, cookie)
        rates.append(rate)
        ratios.append(rate / empty_rate)
        took += seconds
        empty_took += empty_seconds
    sent, read = bytes_of(port, page, cookie)
    p95, empty_p95 = (quantiles(times, n=20)[-1] * 1000 for times in (took, empty_took))
    print(
        f"{page:<26}{median(rates):>10.1f}{median(ratios):>10.2f}{p95:>9.0f},{empty_p95:>5.0f} ms"
        f"{sent:>9,} of {read:,}{'' if median(ratios) >= TARGET else '  below'}",
        flush=True,
    )


def say_blocking(port: int, environment: dict[str, str], cookie: str, rounds: int) -> None:
    """Print how long each of the main pages blocks a slow phone."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", FILL]
    told = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    address = f"http://localhost:{port}"
    print(f"\n{'page on a slow phone':<26}{'blocked':>10}{'of ' + str(BLOCKING_MS) + ' ms':>12}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        context = browser.new_context(base_url=address, viewport=PHONE)
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
        page = context.new_page()
        phone = context.new_cdp_session(page)
        phone.send("Network.setCacheDisabled", {"cacheDisabled": True})
        for name, path in json.loads(told.stdout).items():
            blocked = median(blocked_ms(page, phone, path) for _ in range(rounds))
            ratio = blocked / BLOCKING_MS
            print(f"{name:<26}{blocked:>7.0f} ms{ratio:>12.2f}{'  above' if ratio > 1 else ''}")
        browser.close()


def blocked_ms(page: Page, phone: CDPSession, path: str) -> float:
    phone.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(path, wait_until="networkidle")
    phone.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return float(page.evaluate(BLOCKED))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    measure(asked.rounds)


if __name__ == "__main__":
    main()
