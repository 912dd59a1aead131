"""Signing in and out, and choosing a password: with a link, or because it has to be changed."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import AuditEntry, OutgoingMail, Role, User
from campaigns.team.sign_in.links import link_for

pytestmark = pytest.mark.django_db
PASSWORD = "long-and-odd-7"
NEW = "other-and-odd-8"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user(
        "olena", password=PASSWORD, email="Olena@Example.com", role=Role.MARKETER
    )


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def enter(client: Client, name: str = "olena", password: str = PASSWORD, **more: str) -> str:
    """Sign in. Where that leads, or else what the page says."""
    answer = client.post("/sign-in/", {"login": name, "password": password}, **more)  # type: ignore[arg-type]
    return str(answer.headers.get("Location") or answer.content.decode())


def is_signed_in(client: Client) -> bool:
    return client.get("/session").json()["user"] is not None


def trail() -> list[tuple[str, str, str]]:
    """Subject, action and detail of what was recorded, oldest first."""
    entries = AuditEntry.objects.order_by("pk")
    return [(entry.subject, entry.action, entry.detail) for entry in entries]


# Signing in


def test_sign_in_leads_where_it_was_asked_for(client: Client, person: User) -> None:
    fields = {"login": "olena", "password": PASSWORD}
    answer = client.post("/sign-in/?next=/account/", fields)
    assert answer.headers["Location"] == "/account/"
    assert client.session["_auth_user_id"] == str(person.pk)
    assert trail() == [(f"user:{person.pk}", "signed in", "from 127.0.0.1")]


def test_sign_in_never_leads_to_another_site(client: Client, person: User) -> None:
    fields = {"login": "olena", "password": PASSWORD}
    answer = client.post("/sign-in/?next=https://example.com/", fields)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("olena", "wrong"), ("nobody", PASSWORD)])
def test_sign_in_refusal_is_the_same_for_name_and_password(
    client: Client, person: User, name: str, password: str
) -> None:
    assert "Wrong user name or password." in enter(client, name, password)
    assert not is_signed_in(client)
    subject = f"user:{person.pk}" if name == "olena" else "user:unknown"
    assert trail() == [(subject, "sign-in failed", "from 127.0.0.1")]


def test_what_an_unknown_user_typed_is_not_recorded(client: Client, db: None) -> None:
    enter(client, "my-secret-password", "x")
    assert "secret" not in str(trail())


def test_user_names_ignore_case_unless_two_differ_in_it_alone(client: Client, person: User) -> None:
    assert enter(client, "OLENA") == "/"
    client.post("/sign-out/")
    other = User.objects.create_user("Olena", password=NEW)
    assert enter(client, "Olena", NEW) == "/"
    assert client.session["_auth_user_id"] == str(other.pk)
    client.post("/sign-out/")
    assert enter(client, "olena") == "/"
    assert client.session["_auth_user_id"] == str(person.pk)


def test_sign_in_says_that_the_account_is_closed_only_to_who_knows_the_password(
    client: Client, person: User
) -> None:
    User.objects.update(is_active=False)
    assert "Wrong user name or password." in enter(client, password="wrong")
    assert enter(client) == "/sign-in/closed/"
    assert "This account is closed" in client.get("/sign-in/closed/").content.decode()
    assert not is_signed_in(client)


def test_sign_in_leads_on_who_is_signed_in_already(signed_in: Client) -> None:
    assert signed_in.get("/sign-in/").headers["Location"] == "/"


def test_sign_out_takes_a_post(signed_in: Client, person: User) -> None:
    assert signed_in.get("/sign-out/").status_code == 405
    assert signed_in.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert not is_signed_in(signed_in)
    assert trail() == [(f"user:{person.pk}", "signed out", "")]


@pytest.mark.parametrize("address", ["/signup/", "/sign-up/", "/accounts/signup/"])
def test_nobody_signs_up(signed_in: Client, address: str) -> None:
    assert signed_in.get(address).status_code == 404


# Changing the password


def change(client: Client, old: str = PASSWORD, new: str = NEW) -> str:
    fields = {"oldpassword": old, "password1": new, "password2": new}
    answer = client.post("/account/password/", fields)
    return str(answer.headers.get("Location") or answer.content.decode())


def test_password_change_ends_the_other_sessions(signed_in: Client, person: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(person)
    assert change(signed_in) == "/account/"
    person.refresh_from_db()
    assert person.check_password(NEW)
    assert is_signed_in(signed_in)
    assert not is_signed_in(elsewhere)
    assert "Password changed." in signed_in.get("/account/").content.decode()
    assert trail() == [(f"user:{person.pk}", "password changed", "")]


def test_password_change_refuses_the_wrong_old_one_and_counts_it(
    signed_in: Client, person: User
) -> None:
    for _ in range(5):
        assert "This is not your current password." in change(signed_in, old="x")
    assert "Too many attempts. Try again in 2 seconds." in change(signed_in)
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_first_administrator_changes_the_password_before_anything_else(
    signed_in: Client, person: User
) -> None:
    User.objects.update(must_change_password=True)
    for address in ("/", "/campaigns/", "/account/", "/settings/", "/admin/"):
        assert signed_in.get(address, follow=False).headers["Location"] == "/account/password/"
    assert signed_in.post("/settings/gateway-check").status_code == 302
    fragment = signed_in.get("/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Refresh"]) == (204, "true")
    assert signed_in.get("/", headers={"Accept": "application/json"}).status_code == 403
    assert "Choose your own password" in signed_in.get("/account/password/").content.decode()
    assert is_signed_in(signed_in)
    assert change(signed_in) == "/account/"
    assert signed_in.get("/account/").status_code == 200


# Links


@pytest.fixture
def mail_server_set(settings: Settings) -> None:
    settings.EMAIL_BACKEND = SMTP
    settings.PUBLIC_BASE_URL = "https://viber.example.com"


def path_of(text: str) -> str:
    found = re.search(r"https?://[^/]+(/password/\S+)", text)
    assert found is not None, text
    return found[1]


def ask(client: Client, address: str) -> str:
    answer = client.post("/password/forgotten/", {"email": address}, follow=True)
    assert answer.redirect_chain == [("/password/sent/", 302)]
    return answer.content.decode()


def choose(client: Client, path: str, new: str = NEW) -> str:
    """Follow a link and choose a password. What the last page says."""
    page = client.get(path, follow=True)
    if not page.redirect_chain:
        return page.content.decode()
    address = page.redirect_chain[-1][0]
    answer = client.post(address, {"password1": new, "password2": new}, follow=True)
    return answer.content.decode()


@pytest.mark.usefixtures("mail_server_set")
def test_forgotten_password_is_chosen_anew_by_a_link(client: Client, person: User) -> None:
    ask(client, "olena@EXAMPLE.com")
    mail = OutgoingMail.objects.get()
    assert (mail.address, mail.subject) == (
        "Olena@example.com",
        "Choose a new password for ViberDash",
    )
    assert "https://viber.example.com/password/" in mail.body
    assert "Your password is set" in choose(client, path_of(mail.body))
    person.refresh_from_db()
    assert person.check_password(NEW)
    assert [(action, detail) for _subject, action, detail in trail()] == [
        ("password link requested", "from 127.0.0.1"),
        ("password chosen by link", ""),
    ]


@pytest.mark.usefixtures("mail_server_set")
def test_answer_is_the_same_for_unknown_and_closed_accounts(client: Client, person: User) -> None:
    known = ask(client, "olena@example.com")
    assert OutgoingMail.objects.count() == 1
    assert ask(client, "nobody@example.com") == known
    User.objects.update(is_active=False)
    assert ask(client, "olena@example.com") == known
    assert OutgoingMail.objects.count() == 1


@pytest.mark.usefixtures("mail_server_set")
def test_address_that_only_looks_like_the_stored_one_gets_nothing(
    client: Client, person: User
) -> None:
    User.objects.update(email="mike@example.com")
    ask(client, "mıke@example.com")  # a dotless i
    assert not OutgoingMail.objects.exists()


def test_link_works_once_and_ends_all_sessions(client: Client, person: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(person)
    link, other = link_for(person), link_for(person)
    assert "Your password is set" in choose(client, path_of(link))
    assert not is_signed_in(elsewhere)
    for used in (link, other):
        assert "This link is not valid" in choose(Client(), path_of(used), "third-and-odd-9")
    person.refresh_from_db()
    assert person.check_password(NEW)


def test_of_two_forms_of_one_link_only_the_first_counts(client: Client, person: User) -> None:
    path = path_of(link_for(person))
    second = Client()
    address = second.get(path, follow=True).redirect_chain[-1][0]
    assert "Your password is set" in choose(client, path)
    late = {"password1": "third-and-odd-9", "password2": "third-and-odd-9"}
    assert "This link is not valid" in second.post(address, late, follow=True).content.decode()
    person.refresh_from_db()
    assert person.check_password(NEW)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda user: User.objects.update(is_active=False),
        lambda user: User.objects.update(sign_in_version=1),
        lambda user: User.objects.update(email="other@example.com"),
        lambda user: User.objects.update(last_login=timezone.now()),
    ],
)
def test_link_ends_with_what_it_was_made_for(
    client: Client, person: User, spoil: Callable[[User], None]
) -> None:
    link = link_for(person)
    spoil(person)
    assert "This link is not valid" in choose(client, path_of(link))


def test_link_of_another_account_or_with_a_changed_key_is_refused(
    client: Client, person: User
) -> None:
    other = User.objects.create_user("ivan", password=PASSWORD)
    pieces = path_of(link_for(person)).split("/")
    mine = path_of(link_for(other)).split("/")[2]
    for path in (
        f"/password/{mine}/{pieces[3]}/",
        f"/password/{pieces[2]}/{pieces[3]}0/",
        f"/password/{'z' * 30}/x-y/",
        "/password/1/set-password/",
    ):
        assert "This link is not valid" in choose(client, path)


def test_link_is_valid_for_24_hours(client: Client, person: User) -> None:
    with time_machine.travel("2026-03-10 12:00", tick=False) as clock:
        link = path_of(link_for(person))
        clock.shift(timedelta(hours=24))
        assert client.get(link).status_code == 302
        clock.shift(1)
        assert "This link is not valid" in client.get(link).content.decode()


def test_without_a_mail_server_the_page_names_the_command(client: Client, db: None) -> None:
    page = client.get("/password/forgotten/").content.decode()
    assert "manage.py password_link" in page
    assert "E-mail me a link" not in page


def test_command_prints_a_link(
    client: Client, person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("password_link", "olena")
    assert "Your password is set" in choose(client, path_of(capsys.readouterr().out))
    assert trail()[0] == (
        f"user:{person.pk}",
        "password link made",
        "with manage.py password_link",
    )
    with pytest.raises(CommandError, match="There is no user “nobody”"):
        call_command("password_link", "nobody")
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="The account is closed"):
        call_command("password_link", "olena")
