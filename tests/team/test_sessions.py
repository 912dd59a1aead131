"""When sessions end by themselves, and ending them by hand."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from campaigns.models import AuditEntry, OutgoingMail, Role, User
from campaigns.team import tasks
from campaigns.team.sign_in.sessions import device_name

pytestmark = pytest.mark.django_db
PASSWORD = "long-and-odd-7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-10 08:00", tick=False) as clock:
        yield clock


@pytest.fixture
def olena(db: None) -> User:
    return User.objects.create_user("olena", password=PASSWORD, email="olena@example.com")


def sign_in(name: str = "olena", address: str = "192.0.2.1") -> Client:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=FIREFOX)
    answer = client.post("/sign-in/", {"login": name, "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/session").json()["user"] is not None


def last_entry() -> tuple[str, str]:
    entry = AuditEntry.objects.latest("pk")
    return entry.action, entry.detail


def test_idle_session_ends_after_60_minutes(olena: User, clock: time_machine.Traveller) -> None:
    client = sign_in()
    for _ in range(3):
        clock.shift(3600)
        assert client.get("/account/").status_code == 200
    clock.shift(3601)
    assert client.get("/account/").headers["Location"] == "/sign-in/?next=/account/"
    assert last_entry() == ("session ended", "idle")


def test_background_requests_and_the_session_s_own_address_keep_nothing_alive(
    olena: User, clock: time_machine.Traveller
) -> None:
    client = sign_in()
    for _ in range(3):
        clock.shift(1200)
        assert client.get("/account/", headers={"X-Background": "true"}).status_code == 200
        assert is_signed_in(client)
    clock.shift(1)
    assert not is_signed_in(client)


def test_session_ends_after_12_hours_whatever_is_done(
    olena: User, clock: time_machine.Traveller
) -> None:
    client = sign_in()
    for _ in range(24):
        clock.shift(1800)
        assert client.get("/account/").status_code == 200
    clock.shift(1)
    assert client.get("/account/").status_code == 302
    assert last_entry() == ("session ended", "too old")


def test_limits_are_settings(
    olena: User, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS = 5, 1
    client = sign_in()
    clock.shift(301)
    assert not is_signed_in(client)


def test_fragment_and_script_of_an_ended_session_get_what_they_understand(
    olena: User, clock: time_machine.Traveller
) -> None:
    fragment, script = sign_in(), sign_in()
    clock.shift(3601)
    answer = fragment.get("/account/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
    assert script.get("/account/", headers={"Accept": "application/json"}).status_code == 401


def test_activity_is_written_once_a_minute(olena: User, clock: time_machine.Traveller) -> None:
    client = sign_in()
    row = UserSession.objects.get()
    clock.shift(59)
    client.get("/account/")
    row.refresh_from_db()
    assert row.last_seen_at == row.created_at
    clock.shift(1)
    client.get("/account/", REMOTE_ADDR="192.0.2.7")
    row.refresh_from_db()
    assert (row.last_seen_at - row.created_at).total_seconds() == 60
    assert row.ip == "192.0.2.7"


def test_account_lists_the_sessions_and_ends_one(
    olena: User, clock: time_machine.Traveller
) -> None:
    here, there = sign_in(), sign_in(address="192.0.2.9")
    page = here.get("/account/").content.decode()
    assert re.findall(r"Firefox, Linux · ([\d.]+)", page) == ["192.0.2.1", "192.0.2.9"]
    assert page.count("this session") == 1
    other = UserSession.objects.get(ip="192.0.2.9")
    assert here.post(f"/account/sessions/{other.pk}/end").headers["Location"] == "/account/"
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert last_entry() == ("session ended", "by hand")


def test_nobody_ends_sessions_of_others(olena: User) -> None:
    User.objects.create_user("ivan", password=PASSWORD)
    here, there = sign_in(), sign_in("ivan")
    other = UserSession.objects.get(user__username="ivan")
    assert here.post(f"/account/sessions/{other.pk}/end").status_code == 404
    assert here.post("/account/sessions/end").status_code == 302
    assert is_signed_in(there)


def test_all_other_sessions_are_ended(olena: User) -> None:
    here, there, elsewhere = sign_in(), sign_in(), sign_in()
    assert here.post("/account/sessions/end").status_code == 302
    assert [is_signed_in(client) for client in (here, there, elsewhere)] == [True, False, False]
    assert last_entry() == ("sessions ended", "2 by hand")


def test_administrator_sees_and_ends_the_sessions_of_a_user(olena: User) -> None:
    boss = User.objects.create_user("boss", password=PASSWORD, role=Role.ADMINISTRATOR)
    here, there = sign_in("boss"), sign_in(address="192.0.2.9")
    assert "192.0.2.9" in here.get(f"/settings/team/{olena.pk}/").content.decode()
    page = here.post(f"/settings/team/{olena.pk}/sign-out", follow=True).content.decode()
    assert "olena is signed out everywhere." in page
    assert "192.0.2.9" not in re.sub(r"from 192\.0\.2\.9", "", page)
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    there = sign_in()
    assert there.post(f"/settings/team/{boss.pk}/sign-out").status_code == 403
    assert is_signed_in(here)


def test_ended_sessions_are_not_listed(olena: User, clock: time_machine.Traveller) -> None:
    sign_in(address="192.0.2.9")
    clock.shift(2 * 3600)
    page = sign_in().get("/account/").content.decode()
    assert re.findall(r"Firefox, Linux · ([\d.]+)", page) == ["192.0.2.1"]


def test_ended_sessions_are_deleted_in_the_end(olena: User, clock: time_machine.Traveller) -> None:
    sign_in()
    clock.shift(11 * 3600)
    client = sign_in()
    clock.shift(1800)
    tasks.prune()
    assert (UserSession.objects.count(), Session.objects.count()) == (2, 2)
    clock.shift(1801)
    tasks.prune()
    assert (UserSession.objects.count(), Session.objects.count()) == (1, 1)
    assert is_signed_in(client) is False  # idle


def save(client: Client, **fields: str) -> str:
    answer = client.post(
        "/account/", {"first_name": "Olena", "email": "olena@example.com"} | fields
    )
    return str(answer.headers.get("Location") or answer.content.decode())


def test_another_e_mail_address_needs_a_confirmation_after_some_time(
    olena: User, clock: time_machine.Traveller
) -> None:
    client = sign_in()
    clock.shift(11 * 60)
    assert save(client) == "/account/"  # the name alone does not
    assert save(client, email="new@example.com").startswith("/confirm/?next=%2Fconfirm%2Fgo-on")
    olena.refresh_from_db()
    assert (olena.first_name, olena.email) == ("Olena", "olena@example.com")
    client.post("/confirm/", {"password": PASSWORD})
    assert save(client, email="new@example.com") == "/account/"
    olena.refresh_from_db()
    assert olena.email == "new@example.com"
    assert last_entry() == ("e-mail changed", "email")
    mail = OutgoingMail.objects.get()
    assert mail.address == "olena@example.com"
    assert "The e-mail address of the user olena is now new@example.com." in mail.body


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/141.0 Safari/537.36 Edg/141.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/141.0 Mobile Safari", "Chrome, Android"),
        ("curl/8.0", ""),
    ],
)
def test_device_has_a_name(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
