"""A real Chromium against the site: `page`, `signed_in`, `console`, `look`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from pytest_django import Settings

from campaigns.models import Role, User
from campaigns.team.sign_in import sessions
from tests import chromium
from tests.sandbox_fixture import KEY

# Playwright's loop runs in the thread of the tests, where Django would refuse the database for
# being asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {360: 740, 768: 1024, 1440: 900}  # and the height that goes with it
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
QUIET = ("log", "info", "debug", "verbose")
# No request of htmx is under way, none of its classes is about to go, and nothing moves or fades.
STILL = (
    "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, .htmx-added')"
)
STILL += " && document.getAnimations().every(one => one.playState !== 'running')"
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
AXE = (
    "async rules => ({ violations: (await axe.run({ resultTypes: ['violations'], ...rules"
    " })).violations })"
)
# Looks that differ in nothing that is checked are for pictures only. A page in the dark, and a wide
# one, differ from a narrow one in the light in colours and places alone.
RULES: dict[tuple[int, Scheme], dict[str, object] | None] = {
    (360, "light"): {},
    (768, "light"): None,
    (1440, "dark"): {"runOnly": ["color-contrast", "link-in-text-block"]},
}
LOOKS = (
    [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
    if os.environ.get("SCREENSHOTS")
    else list(RULES)
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if not path:
        pytest.fail(
            "No Chromium: set CHROMIUM to one, install it, or run: playwright install chromium",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Console:
    """What a page complained about: errors, warnings, violations of the Content-Security-Policy,
    failed requests.

    The test fails on any of it at its end. `allow("404")` is for pages that are meant to be
    missing.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._allowed: list[str] = []

    def allow(self, part: str) -> None:
        self._allowed.append(part)

    def watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._complain(f"uncaught: {error}"))
        page.on("requestfailed", self._failed)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in QUIET:
            self._complain(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        # a fragment that was on its way when the page was left is no failure
        if request.failure != "net::ERR_ABORTED":
            self._complain(f"failed: {request.url} {request.failure}")

    def _complain(self, text: str) -> None:
        if not any(part in text for part in self._allowed):
            self.complaints.append(text)

    def check(self) -> None:
        assert not self.complaints, "The page complained:\n" + "\n".join(self.complaints)


@pytest.fixture
def console() -> Iterator[Console]:
    console = Console()
    yield console
    console.check()


@pytest.fixture
def nowhere(settings: Settings) -> str:
    """A gateway that nobody answers at. A test that wants one sets BSG_API_URL to the address of a
    `sandbox`.
    """
    address = "http://127.0.0.1:9/rest"
    settings.BSG_API_URL, settings.BSG_API_KEY = address, KEY
    return address


@pytest.fixture
def page(browser: Browser, live_server: object, console: Console, nowhere: str) -> Iterator[Page]:
    """A page of nobody in particular, at the live server's address: page.goto("/sign-in/")."""
    context = browser.new_context(
        base_url=str(live_server), reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    console.watch(page)
    yield page
    context.close()


@pytest.fixture
def person(transactional_db: None) -> User:
    """Who is signed in: an administrator. Change the role and save for another."""
    return User.objects.create_user(
        "olena",
        password="long-and-odd-7",
        first_name="Olena",
        last_name="Koval",
        role=Role.ADMINISTRATOR,
        is_staff=True,
    )


def sign_in(page: Page, user: User, address: str) -> None:
    """By a session's cookie: what signing in looks like is tested once, in test_foundation.py."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[sessions.SINCE] = session[sessions.SEEN] = timezone.now().timestamp()
    session.create()
    page.context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": str(session.session_key),
                "url": address,
                "httpOnly": True,
            }
        ]
    )


def sign_out(page: Page) -> None:
    """As if the session had ended. What the page still asked for would be told to load it anew, and
    that would stop the next `goto`.
    """
    page.goto("about:blank")
    page.context.clear_cookies()


@pytest.fixture
def signed_in(page: Page, person: User, live_server: object) -> Page:
    """`page`, signed in as `person`."""
    sign_in(page, person, str(live_server))
    return page


Look = Callable[[Page, str], None]


def _accessible(page: Page, where: str, rules: dict[str, object]) -> None:
    # half a megabyte of script: once a page, not once a look
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    result = AxeResults(page.evaluate(AXE, rules))
    assert result.violations_count == 0, f"{where}: {result.generate_report()}"


def _fits(page: Page, where: str) -> None:
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, f"{where}: the page is {wide} px wider than the screen"


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        # hiding the caret would put a style into the page, which its Content-Security-Policy says
        # no to when htmx swaps
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True, caret="initial")


@pytest.fixture
def look() -> Look:
    """look(page, name): as it stands now, at three widths, light and dark: axe finds nothing,
    nothing is cut off.

    Where the folder SCREENSHOTS is set, pictures of each width in the light and in the dark go
    there.
    """

    def at_all_sizes(page: Page, name: str) -> None:
        page.wait_for_load_state("networkidle")
        before = page.viewport_size
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            where = f"{name}-{width}-{scheme}"
            page.wait_for_function(
                "wanted => (document.documentElement.dataset.bsTheme ?? wanted) === wanted",
                arg=scheme,
            )
            page.wait_for_function(STILL)
            page.evaluate(PAINTED)
            _picture(page, where)
            _fits(page, where)
            if (rules := RULES.get((width, scheme))) is not None:
                _accessible(page, where, rules)
        if before:
            page.set_viewport_size(before)

    return at_all_sizes
