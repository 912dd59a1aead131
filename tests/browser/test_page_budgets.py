"""What the main pages load, and how far they move while they do, in a real Chromium."""

from functools import cache

import brotli
import pytest
from playwright.sync_api import Page, Request, Route

from campaigns.models import User
from tests.browser import main_pages, page_budgets
from tests.browser.conftest import STILL, WIDTHS

PARSED = "() => document.readyState !== 'loading'"
PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length"
# Fonts are in use, no fragment is on its way, and nothing was loaded for as many milliseconds.
LOADED = f"""quiet => document.readyState === 'complete' && document.fonts.status === 'loaded'
    && ({STILL})()
    && performance.getEntriesByType('resource').every(
        ({{ responseEnd }}) => responseEnd && performance.now() - responseEnd > quiet)"""
QUIET_MS = 150
# All shifts since the page began: how far, and what moved.
SHIFTS = """() => new Promise(done => {
    const shifts = [];
    new PerformanceObserver(list => {
        for (const { value, sources, hadRecentInput } of list.getEntries())
            if (!hadRecentInput)
                shifts.push([value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 60))]);
    }).observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(shifts))));
})"""


class SlowNetwork:
    """Holds each file back until the page has nothing else to wait for: what can move the page does
    so in every run, as with the slowest of networks.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self._held: list[Route] = []
        self._let_in: set[str] = set()
        page.route("**/*", self._arrived)

    def _arrived(self, route: Route) -> None:
        kind = route.request.resource_type
        # the one script that pages wait for before they show anything
        if kind in self._let_in or route.request.url.endswith("/theme.js"):
            route.continue_()
        else:
            self._held.append(route)

    def open(self, address: str) -> None:
        """Go to `address`: first the page, then its styles, then, when it is painted, the rest."""
        self._let_in = {"document"}
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_function(PARSED, polling=10)
        self._let("stylesheet")
        self.page.wait_for_function(PAINTED, polling=10)
        self._let("script", "font", "image", "fetch", "xhr", "other")
        self.page.wait_for_function(LOADED, arg=QUIET_MS, polling=30)

    def _let(self, *kinds: str) -> None:
        self._let_in.update(kinds)
        held, self._held = self._held, []
        for route in held:
            self._arrived(route)


@cache
def served_bytes(url: str, body: bytes) -> int:
    """The size of a static file as WhiteNoise serves it in production."""
    if url.endswith(".woff2"):
        return len(body)
    return len(brotli.compress(body))


def size_of(request: Request) -> int:
    response = request.response()
    assert response
    if "/static/" in request.url:
        return served_bytes(request.url, response.body())
    return request.sizes()["responseBodySize"]


@pytest.fixture
def pages(person: User) -> dict[str, str]:
    return main_pages.fill(person)


def test_main_pages_keep_to_their_budgets(signed_in: Page, pages: dict[str, str]) -> None:
    requests: list[Request] = []
    signed_in.on("requestfinished", lambda request: requests.append(request))
    signed_in.set_default_timeout(30_000)  # each page is rendered for the first time
    network = SlowNetwork(signed_in)
    broken = []
    for width in (360, 1440):
        signed_in.set_viewport_size({"width": width, "height": WIDTHS[width]})
        for name, address in pages.items():
            requests.clear()
            network.open(address)
            shifts = signed_in.evaluate(SHIFTS)
            if (moved := sum(shift[0] for shift in shifts)) > page_budgets.LAYOUT_SHIFT:
                broken.append(f"{name}, {width} px: moved by {moved:.3f}: {shifts}")
            kilobytes = sum(map(size_of, requests)) / 1024
            if kilobytes > page_budgets.KILOBYTES[name]:
                files = {request.url: size_of(request) for request in requests}
                broken.append(f"{name}, {width} px: {kilobytes:.1f} KB: {files}")
    assert not broken, "\n".join(broken)
