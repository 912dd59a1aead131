"""Limits on wrong passwords: by client, by account and over all, for all processes together."""

import threading
from collections.abc import Iterator

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import OutgoingMail, User
from campaigns.team import tasks
from campaigns.team.models import SignInTry
from campaigns.team.sign_in import client as clients
from campaigns.team.sign_in import throttle

pytestmark = pytest.mark.django_db
PASSWORD = "long-and-odd-7"
WRONG = "Wrong user name or password."


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-10 12:00", tick=False) as clock:
        yield clock


@pytest.fixture
def olena(db: None) -> User:
    return User.objects.create_user("olena", password=PASSWORD, email="olena@example.com")


def enter(client: Client, name: str, password: str, address: str = "192.0.2.1") -> str:
    """What the page says, or where it leads."""
    fields = {"login": name, "password": password}
    answer = client.post("/sign-in/", fields, REMOTE_ADDR=address)
    if "Location" in answer.headers:
        return answer.headers["Location"]
    page = answer.content.decode()
    return WRONG if WRONG in page else page[page.index("Too many") :].partition("<")[0].strip()


def test_each_wrong_password_for_an_account_waits_longer(
    olena: User, clock: time_machine.Traveller
) -> None:
    waits = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    for number in range(5):
        assert enter(Client(), "olena", "wrong", f"192.0.2.{number}") == WRONG
    for number, wait in enumerate(waits):
        address = f"192.0.2.{100 + number}"
        assert enter(Client(), "olena", PASSWORD, address).startswith("Too many attempts.")
        clock.shift(wait - 1)
        assert enter(Client(), "OLENA", PASSWORD, address).startswith("Too many attempts.")
        clock.shift(1)
        if number < len(waits) - 1:
            assert enter(Client(), "olena", "wrong", address) == WRONG
    assert enter(Client(), "olena", PASSWORD, "192.0.2.250") == "/"


def test_refused_try_says_how_long_and_does_not_count(
    olena: User, clock: time_machine.Traveller
) -> None:
    for _ in range(5):
        enter(Client(), "olena", "wrong")
    for _ in range(10):
        said = enter(Client(), "olena", PASSWORD)
        assert said == "Too many attempts. Try again in 2 seconds."
    assert SignInTry.objects.count() == 5
    clock.shift(2)
    assert enter(Client(), "olena", PASSWORD) == "/"


def test_device_that_signed_in_before_is_not_shut_out(
    olena: User, clock: time_machine.Traveller
) -> None:
    own = Client()
    assert enter(own, "olena", PASSWORD) == "/"
    own.post("/sign-out/")
    for number in range(15):
        enter(Client(), "olena", "wrong", f"192.0.2.{number}")
        clock.shift(20)
    assert enter(Client(), "olena", PASSWORD, "192.0.2.99").startswith("Too many attempts.")
    assert enter(own, "olena", PASSWORD) == "/"


def test_device_that_signed_in_before_waits_for_its_own_wrong_passwords(
    olena: User, clock: time_machine.Traveller
) -> None:
    own = Client()
    enter(own, "olena", PASSWORD)
    own.post("/sign-out/")
    for _ in range(5):
        assert enter(own, "olena", "wrong") == WRONG
    assert enter(own, "olena", PASSWORD) == "Too many attempts. Try again in 2 seconds."
    clock.shift(2)
    assert enter(own, "olena", PASSWORD) == "/"
    assert not SignInTry.objects.exists()


def test_device_of_one_account_or_with_a_changed_cookie_is_not_that_of_another(
    olena: User, clock: time_machine.Traveller
) -> None:
    User.objects.create_user("ivan", password=PASSWORD)
    own = Client()
    enter(own, "ivan", PASSWORD)
    own.post("/sign-out/")
    forged = Client()
    name = settings.DEVICE_COOKIE_NAME
    forged.cookies[name] = own.cookies[name].value + "x"
    for number in range(5):
        enter(Client(), "olena", "wrong", f"192.0.2.{number}")
    for device in (own, forged):
        assert enter(device, "olena", PASSWORD, "192.0.2.9").startswith("Too many attempts.")


def test_one_client_tries_20_names(olena: User, clock: time_machine.Traveller) -> None:
    for number in range(20):
        assert enter(Client(), f"name{number}", "wrong") == WRONG
    said = enter(Client(), "olena", PASSWORD)
    assert said == "Too many attempts. Try again in 15 minutes."
    assert enter(Client(), "olena", PASSWORD, "192.0.2.2") == "/"
    clock.shift(15 * 60)
    assert enter(Client(), "olena", PASSWORD) == "/"


def test_right_password_forgets_only_its_own_account(
    olena: User, clock: time_machine.Traveller
) -> None:
    for number in range(19):
        enter(Client(), f"name{number}", "wrong")
    assert enter(Client(), "olena", PASSWORD) == "/"
    assert enter(Client(), "name", "wrong") == WRONG
    assert enter(Client(), "olena", PASSWORD).startswith("Too many attempts.")


def test_all_clients_together_try_500(olena: User, clock: time_machine.Traveller) -> None:
    own = Client()
    enter(own, "olena", PASSWORD)
    own.post("/sign-out/")
    SignInTry.objects.bulk_create(
        SignInTry(at=timezone.now(), address=f"a{number}", account=f"b{number}", device="")
        for number in range(500)
    )
    assert enter(Client(), "olena", PASSWORD) == "Too many attempts. Try again in 15 minutes."
    assert enter(own, "olena", PASSWORD) == "/"


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_time_do_not_pass_together() -> None:
    """As by several web processes: each thread has a connection of its own."""
    begin, passed = threading.Barrier(12), []

    def act(number: int) -> None:
        request = RequestFactory().get("/", REMOTE_ADDR=f"192.0.2.{number}")
        begin.wait()
        try:
            throttle.begin(request, "olena")
            passed.append(number)
        except throttle.MustWait:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) <= 5
    assert SignInTry.objects.count() == len(passed)


def test_links_are_limited_the_same_way_for_known_and_unknown_addresses(
    olena: User, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.SENDS_MAIL = True
    for number, email in enumerate(("olena@example.com", "nobody@example.com")):
        for turn in range(6):
            answer = Client().post(
                "/password/forgotten/",
                {"email": email},
                REMOTE_ADDR=f"192.0.2.{10 * number + turn}",
            )
            assert answer.status_code == (302 if turn < 5 else 200)
        assert "Too many attempts. Try again in 15 minutes." in answer.content.decode()
    assert OutgoingMail.objects.count() == 5


def test_names_are_not_stored(clock: time_machine.Traveller) -> None:
    enter(Client(), "my-secret-password", "wrong")
    row = SignInTry.objects.get()
    assert (row.address, len(row.account), row.device) == ("192.0.2.1", 32, "")
    assert "secret" not in row.account
    clock.shift(3601)
    tasks.prune()
    assert not SignInTry.objects.exists()


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first one is the client's own
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),  # not through both proxies
        (1, "nonsense", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_client_address(settings: Settings, count: int, forwarded: str, address: str) -> None:
    settings.PROXY_COUNT = count
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert clients.client_address(request) == address


def test_ipv6_client_is_its_network() -> None:
    assert clients.network("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert clients.network("192.0.2.1") == "192.0.2.1"
