"""Whatever a request holds: no address answers with a server error, and no exception leaves it.

Each address is asked by an administrator or a marketer, for rows in every state, with values that
pages and forms offer and some hostile ones instead. What a request does is undone before the next.

`make test` tries a few requests at each address, the same each time: on PostgreSQL where it
answers, as it refuses more than SQLite, on which test_nonsense.py asks. `make fuzz` tries many
others on each database, and the addresses of the admin too.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from pytest_django import Settings

from campaigns.contacts.people.person_ids import id_of
from campaigns.models import Role
from tests.addresses.hostile import texts, uploads
from tests.addresses.known_values import Known, learn
from tests.addresses.requests import Files, Site, Values
from tests.addresses.routes import Route, every_route
from tests.addresses.rows import PHONE, make_rows
from tests.reports.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]
IS_LONG = "FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))  # requests to each address by each method
LIMITS = limits(
    max_examples=EXAMPLES,
    derandomize=not IS_LONG,
    phases=[Phase.generate],  # the first failure is told, not the smallest: that takes minutes
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
IDS_LEARNED = 20 if IS_LONG else 1  # rows of each address for which it is asked what it reads
HOSTILE = (0, 1, 2, 4)  # values of a request; or a third of them
OFTEN = 0.9
TRACEBACK = 8  # last entries
METHODS = ("get", "post")  # pages first, which offer the values of forms
PATH_VALUES = ("0", "9" * 30, "x", "\0", "\ud800", "..", "²", "x" * 300, "380970000009", "-")
HEADERS: tuple[dict[str, str], ...] = ({}, {"HX-Request": "true"}, {"Accept": "application/json"})


@pytest.fixture
def site(settings: Settings, tmp_path: Path, plain_rendering: None) -> Site:
    """The gateway is out of reach, and files go to a folder of their own."""
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    settings.UPLOAD_ROOT, settings.MEDIA_ROOT = tmp_path / "uploads", str(tmp_path / "media")
    settings.STATE_FILE = tmp_path / "state.json"
    boss = make_user("boss", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    clients = [Client(), Client()]
    for client, user in zip(clients, (boss, make_user()), strict=True):
        client.force_login(user)
    return Site(clients, make_rows(boss))


@dataclass(frozen=True)
class Request:
    """A request to try; its representation says all of it."""

    method: str
    url: str
    values: Values
    files: Files
    headers: dict[str, str]
    user: int  # 0: the administrator, 1: the marketer


@st.composite
def requests(draw: st.DrawFn, site: Site, route: Route, known: Known, method: str) -> Request:
    """A request as the pages of the site make them, with some values replaced."""
    pick = random.Random(draw(st.integers(0, 2**32)))
    names = sorted(known.names)
    values = {
        name: [pick.choice(sorted(site.offered[name]))]
        for name in names
        if site.offered.get(name) and pick.random() < OFTEN
    }
    files: Files = {}
    for name in sorted(known.files) if method == "post" else ():
        if pick.random() < OFTEN:
            files[name] = draw(st.lists(uploads(), min_size=1, max_size=2))
    count = pick.choice((*HOSTILE, len(names) // 3))
    for name in pick.sample(names, min(count, len(names))):
        values[name] = draw(st.lists(texts(site.kinds.get(name, "")), max_size=3))
        if method == "post" and pick.random() > OFTEN:
            files[name] = [draw(uploads())]
    if pick.random() > OFTEN:
        values[draw(texts())] = [draw(texts())]
    arguments = {}
    for name in route.arguments:
        usual = [id_of(PHONE)] if name == "msisdn" else [str(pk) for pk in known.ids]
        arguments[name] = pick.choice(usual if pick.random() < OFTEN else PATH_VALUES)
    return Request(
        method, route.url(arguments), values, files, pick.choice(HEADERS), pick.choice((0, 0, 1))
    )


def failures(site: Site, route: Route, known: Known, method: str) -> Iterator[str]:
    """What is wrong with `route`: a request that fails, and where."""

    @given(requests(site, route, known, method))
    @LIMITS
    def no_server_error(request: Request) -> None:
        answer = site.request(
            request.method, request.url, request.values, request.files, request.headers,
            user=request.user, follow=request.method == "post",
        )  # fmt: skip
        is_expected = answer.status_code == 503 and route.path == "readyz"  # no worker runs
        assert answer.status_code < 500 or is_expected, answer.status_code

    try:
        no_server_error()
    except Exception as error:  # noqa: BLE001 - all addresses are tried before the test fails
        yield "\n".join([*format_exception(error)[-TRACEBACK:], *getattr(error, "__notes__", ())])


def test_no_request_ends_in_a_server_error(site: Site) -> None:
    failed: list[str] = []
    routes = [route for route in every_route() if IS_LONG or not route.is_admin]
    for method in METHODS:
        known = [(route, learn(site, route, method, IDS_LEARNED)) for route in routes]
        for route, what in known:
            if what.ids and (what.names or route.arguments):  # else it was asked for all there is
                failed += failures(site, route, what, method)
    assert not failed, f"{len(failed)} addresses:\n\n" + "\n\n".join(failed)
