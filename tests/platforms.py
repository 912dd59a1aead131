"""Where the tests run: SQLite, and again on PostgreSQL and Redis. Loaded before Django's settings
(pyproject.toml).

`python -m tests` starts one pytest with workers side by side, told apart by TEST_PLATFORM: `pages`
and `more-pages` run what drives a browser, `processes` what starts a whole installation and mostly
waits for it, `rest` everything else, all on SQLite; `services` and `services-processes` run again
what touches the database or the queue, on whatever of PostgreSQL and Redis answers. Where none
answers, two workers share everything as `sqlite`. Without TEST_PLATFORM, as in `python -m pytest
tests/ledger`, the tests run once, on DATABASE_URL or SQLite.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

POSTGRESQL = os.environ.get("TEST_DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/postgres"
# the last one: the tests empty it
REDIS = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/15"
PLATFORM = os.environ.get("TEST_PLATFORM", "")
if PLATFORM == "services-processes":  # beside `services`, whose cache it must not empty
    REDIS = f"{REDIS.rpartition('/')[0]}/{(int(REDIS.rpartition('/')[2]) or 16) - 1}"
SERVICES = {"DATABASE_URL": POSTGRESQL, "REDIS_URL": REDIS}
REQUIRED = os.environ.get("REQUIRE_SERVICES", "") not in ("", "0")
WALKS_EVERYWHERE = "FUZZ_EXAMPLES" in os.environ  # `make fuzz`
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_reset_sequences"}


def trouble(address: str) -> str:
    """Why the tests cannot use the service at `address`; empty when they can."""
    try:
        if address.startswith("redis"):
            redis.from_url(address, socket_connect_timeout=3).ping()
            return ""
        with psycopg.connect(address, connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            return "" if row and row[0] else f"its user may not create a database. {hint(address)}"
    except (psycopg.Error, redis.RedisError) as error:
        return f"{str(error).strip().partition(chr(10))[0]}. {hint(address)}"


def hint(address: str) -> str:
    """What to set where another service than that at `address` is to be used."""
    if address.startswith("redis"):
        return "Set TEST_REDIS_URL=redis://:PASSWORD@HOST:PORT/15"
    return "Set TEST_DATABASE_URL=postgres://USER:PASSWORD@HOST:PORT/postgres, a user with CREATEDB"


def missing() -> dict[str, str]:
    """The services that the tests cannot use, by name and address, and why."""
    result = {
        f"{name} at {place(url)}": trouble(url)
        for name, url in (("PostgreSQL", POSTGRESQL), ("Redis", REDIS))
    }
    return {name: why for name, why in result.items() if why}


def place(address: str) -> str:
    """Host and port of an address, without its password."""
    return urlsplit(address).netloc.rpartition("@")[2]


def set_environment() -> None:
    """No setting of the installation reaches a test, and no test can reach the real gateway."""
    usual = {
        "DEBUG": "true",
        "SECRET_KEY": "tests",
        "BSG_API_KEY": "live_tests",
        "BSG_API_URL": "http://127.0.0.1:9/rest",
        "STATE_FILE": f"{tempfile.gettempdir()}/viberdash-tests-{os.getpid()}/state.json",
    }
    os.environ |= {"ENV_FILE": os.devnull} | usual
    if PLATFORM.startswith("services"):
        os.environ |= {name: url for name, url in SERVICES.items() if not trouble(url)}
    elif PLATFORM:
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)


set_environment()


def needs_services(item: pytest.Item) -> bool:
    """Whether a test may end differently on other services: it touches the database or the queue,
    not the browser.
    """
    if item.get_closest_marker("browser"):
        return False
    if item.get_closest_marker("walk") and not WALKS_EVERYWHERE:
        return False
    if item.get_closest_marker("services") or item.get_closest_marker("django_db"):
        return True
    return not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def runs_on_services_alone(item: pytest.Item) -> bool:
    """Whether a test that is marked `once` leaves SQLite out, as all services answer."""
    is_once = item.get_closest_marker("once") is not None and not WALKS_EVERYWHERE
    return is_once and not os.environ.get("TESTS_NOT_RUN")


def drives_a_browser(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is not None


def starts_processes(item: pytest.Item) -> bool:
    return item.get_closest_marker("processes") is not None


def drives_pages(item: pytest.Item, first: bool) -> bool:
    """Of the files that drive a browser about one half, by their names."""
    return (
        drives_a_browser(item)
        and not starts_processes(item)
        and (item.path.name < "test_control") is first
    )


PARTS: dict[str, Callable[[pytest.Item], bool]] = {
    "pages": lambda item: drives_pages(item, first=True),
    "more-pages": lambda item: drives_pages(item, first=False),
    "processes": starts_processes,
    "rest": lambda item: (
        not drives_a_browser(item)
        and not starts_processes(item)
        and not runs_on_services_alone(item)
    ),
    "services": lambda item: needs_services(item) and not starts_processes(item),
    "services-processes": lambda item: needs_services(item) and starts_processes(item),
}


def has_nothing(file: Path) -> bool:
    """Whether this worker has nothing to do in a file of tests: then it need not be read."""
    browser = file.parent.name == "browser"
    if PLATFORM in ("pages", "more-pages"):
        return not browser
    if PLATFORM in ("processes", "services-processes"):
        return "mark.processes" not in file.read_text(encoding="utf-8")
    return bool(PARTS.get(PLATFORM)) and browser


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    is_tests = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if is_tests and has_nothing(collection_path) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (is_ours := PARTS.get(PLATFORM)):
        return
    config.hook.pytest_deselected(items=[item for item in items if not is_ours(item)])
    items[:] = [item for item in items if is_ours(item)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say in the summary where a test failed."""
    node = getattr(report, "node", None)
    if node is not None and node.gateway.spec.env.get("TEST_PLATFORM", "").startswith("services"):
        name = report.nodeid
        report.nodeid = f"{name[:-1]} @services]" if name.endswith("]") else f"{name} @services"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in filter(None, os.environ.get("TESTS_NOT_RUN", "").splitlines()):
        terminalreporter.section(f"NOT RUN on {line}", sep="!", red=True, bold=True)
