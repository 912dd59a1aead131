"""Second factors: one-time codes, recovery codes, who needs one, and losing one."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from fido2.webauthn import AuthenticatorData
from pytest_django import Settings

from campaigns.models import AuditEntry, OutgoingMail, Role, User
from campaigns.team.models import Brand, Membership, SignInTry
from campaigns.team.sign_in import throttle
from tests.passkeys import Passkey, make_passkey

pytestmark = pytest.mark.django_db
PASSWORD = "long-and-odd-7"
FACTORS, APP, CODES = "/account/factors/", "/account/factors/app/", "/account/factors/codes/"
At = time_machine.travel


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """It stands still: a code is valid for 30 seconds, and the machine may be slow."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def code_of(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows, now or so many steps of 30 seconds later."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps)))


def sign_in(client: Client, password: str = PASSWORD, name: str = "olena") -> str:
    """Where user name and password lead, or else what the page says."""
    answer = client.post("/sign-in/", {"login": name, "password": password})
    return str(answer.headers.get("Location") or answer.content.decode())


def enter(client: Client, code: str, address: str = "/sign-in/code/") -> str:
    answer = client.post(address, {"code": code})
    return str(answer.headers.get("Location") or answer.content.decode())


def set_up(client: Client) -> str:
    """Set up an authenticator app, and return its secret."""
    page = client.get(APP).content.decode()
    match = re.search(r'id="secret"\s+value="([A-Z2-7]+)"', page)
    assert match
    assert enter(client, code_of(match[1]), APP) == CODES
    return match[1]


def codes_of(client: Client) -> list[str]:
    return re.findall(r"<code>(\d{8})</code>", client.get(CODES).content.decode())


def is_signed_in(client: Client) -> bool:
    return client.get("/session").json()["user"] is not None


def trail() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "detail"))


def has_factors(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user).exists())


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user(
        "olena", password=PASSWORD, email="olena@example.com", role=Role.APPROVER
    )


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def for_real(settings: Settings) -> Settings:
    """Messages can go out."""
    settings.IS_GATEWAY_HERE = False
    return settings


@pytest.fixture
def administrator(db: None) -> Callable[[str], Client]:
    def make(name: str) -> Client:
        user = User.objects.create_user(
            name,
            role=Role.ADMINISTRATOR,
            is_staff=True,
            is_superuser=True,
            email=f"{name}@a.example",
        )
        client = Client()
        client.force_login(user)
        return client

    return make


# An authenticator app


def test_app_is_set_up_told_and_asked_for_at_the_next_sign_in(
    signed_in: Client, person: User
) -> None:
    elsewhere = Client()
    elsewhere.force_login(person)
    secret = set_up(signed_in)
    assert is_signed_in(signed_in)
    assert not is_signed_in(elsewhere)
    assert trail() == [("authenticator app added", "")]
    told = OutgoingMail.objects.get()
    assert told.address == "olena@example.com"
    assert "For the user olena: authenticator app added." in told.body
    assert secret not in str(Authenticator.objects.values_list("data", flat=True))
    guest = Client()
    assert sign_in(guest) == "/sign-in/code/"
    assert not is_signed_in(guest)
    assert guest.get("/").status_code == 302
    assert enter(guest, code_of(secret)) == "/"
    assert is_signed_in(guest)


def test_wrong_code_is_counted_in_the_database_and_recorded(
    signed_in: Client, person: User
) -> None:
    secret = set_up(signed_in)
    guest = Client()
    sign_in(guest)
    before = len(trail())
    for _ in range(throttle.ACCOUNT_FREE):
        assert "This is not right. Try again." in enter(guest, "000000")
        cache.clear()  # as another process sees it
    failed = [("sign-in failed", "wrong code, from 127.0.0.1")] * throttle.ACCOUNT_FREE
    assert trail()[before:] == failed
    assert "Too many attempts. Try again in 2 seconds." in enter(guest, code_of(secret))
    # the right password forgets wrong passwords, but no wrong codes
    again = Client()
    assert sign_in(again) == "/sign-in/code/"
    assert "Too many attempts." in enter(again, code_of(secret))
    with At(timezone.now() + timedelta(seconds=10)):
        assert enter(again, code_of(secret)) == "/"


def test_code_is_accepted_once_over_all_processes(signed_in: Client, person: User) -> None:
    secret = set_up(signed_in)
    code = code_of(secret)
    for answer in ("/", "This is not right."):
        guest = Client()
        sign_in(guest)
        assert answer in enter(guest, code)
        cache.clear()


def test_code_of_the_step_before_and_after_counts_and_no_other(
    signed_in: Client, person: User
) -> None:
    with At(timezone.now(), tick=False):
        secret = set_up(signed_in)
        for steps, answer in ((-2, "not right"), (2, "not right"), (-1, "/"), (1, "/")):
            guest = Client()
            sign_in(guest)
            assert answer in enter(guest, code_of(secret, steps))


def test_app_is_not_set_up_with_a_wrong_code(signed_in: Client, person: User) -> None:
    signed_in.get(APP)
    assert "This is not right." in enter(signed_in, "000000", APP)
    assert not has_factors(person)


def test_removing_the_app_ends_other_sessions_and_drops_the_codes(
    signed_in: Client, person: User
) -> None:
    secret = set_up(signed_in)
    elsewhere = Client()
    sign_in(elsewhere)
    enter(elsewhere, code_of(secret))
    assert signed_in.get("/account/factors/app/remove").status_code == 405
    assert signed_in.post("/account/factors/app/remove").headers["Location"] == FACTORS
    assert not has_factors(person)
    assert is_signed_in(signed_in)
    assert not is_signed_in(elsewhere)
    assert ("authenticator app removed", "") in trail()
    assert OutgoingMail.objects.count() == 2
    assert sign_in(Client()) == "/"


def test_changes_ask_again_who_it_is_some_time_after_the_sign_in(
    signed_in: Client, person: User
) -> None:
    secret = set_up(signed_in)
    with At(timezone.now() + timedelta(minutes=11)):
        for address in (APP.replace("app/", "passkey/"), CODES, f"{CODES}download"):
            assert signed_in.get(address).headers["Location"].startswith("/confirm/?next=")
        answer = signed_in.post("/account/factors/app/remove")
        assert answer.headers["Location"].startswith("/confirm/")
        assert has_factors(person)
        assert (
            "This is not your password."
            in signed_in.post("/confirm/", {"password": "wrong"}).content.decode()
        )
        answer = signed_in.post(f"/confirm/code/?next={CODES}", {"code": code_of(secret)})
        assert answer.headers["Location"] == CODES
        assert len(codes_of(signed_in)) == 10


# Recovery codes


def test_recovery_code_signs_in_once(signed_in: Client, person: User) -> None:
    set_up(signed_in)
    codes = codes_of(signed_in)
    assert len(set(codes)) == 10
    first, second = Client(), Client()
    sign_in(first)
    assert enter(first, codes[0]) == "/"
    sign_in(second)
    assert "This is not right." in enter(second, codes[0])
    assert enter(second, codes[1]) == "/"
    assert codes_of(signed_in) == codes[2:]
    assert trail().count(("recovery code used", "")) == 2
    assert "For the user olena: recovery code used." in OutgoingMail.objects.latest("pk").body
    stored = str(Authenticator.objects.values_list("data", flat=True))
    assert codes[2] not in stored


def test_recovery_codes_are_downloaded_and_renewed(signed_in: Client, person: User) -> None:
    set_up(signed_in)
    codes = codes_of(signed_in)
    file = signed_in.get(f"{CODES}download")
    assert 'filename="recovery-codes.txt"' in file.headers["Content-Disposition"]
    assert file.content.decode().split("\n\n")[1].split() == codes
    assert trail()[-1] == ("exported", "recovery codes")
    assert signed_in.post(f"{CODES}renew").headers["Location"] == CODES
    assert set(codes).isdisjoint(codes_of(signed_in))
    assert trail()[-1] == ("recovery codes renewed", "")
    assert "recovery codes renewed" in OutgoingMail.objects.latest("pk").body


def test_secrets_outlive_a_new_secret_key_with_the_former_as_fallback(
    signed_in: Client, person: User, settings: Settings
) -> None:
    former = settings.SECRET_KEY
    secret = set_up(signed_in)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [former]
    guest = Client()
    sign_in(guest)
    assert enter(guest, code_of(secret)) == "/"
    settings.SECRET_KEY_FALLBACKS = []  # the secret was encrypted anew as it was used
    guest = Client()
    sign_in(guest)
    assert enter(guest, code_of(secret, 1)) == "/"
    settings.SECRET_KEY = "a third one"
    guest = Client()
    sign_in(guest)
    assert "the secret key of this installation has changed" in enter(guest, code_of(secret))
    guest.force_login(User.objects.get())
    assert guest.get(CODES).headers["Location"] == FACTORS


# Who needs one


@pytest.mark.parametrize(
    ("role", "everybody", "leads_to"),
    [
        (Role.MARKETER, False, None),
        (Role.MARKETER, True, FACTORS),
        (Role.APPROVER, False, FACTORS),
        (Role.ADMINISTRATOR, False, FACTORS),
    ],
)
def test_who_needs_a_factor_can_do_nothing_else_first(
    for_real: Settings, client: Client, person: User, role: Role, everybody: bool, leads_to: str
) -> None:
    """Also who was signed in before the upgrade."""
    for_real.REQUIRE_SECOND_FACTOR = everybody
    User.objects.update(role=role)
    client.force_login(person)
    assert client.get("/campaigns/").headers.get("Location") == leads_to
    if not leads_to:
        return
    assert client.get("/admin/").headers["Location"] == leads_to
    refused = client.post("/account/", headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()) == (
        403, {"message": "Set up your second factor first."},
    )  # fmt: skip
    assert client.get("/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "Set up a second factor" in client.get(FACTORS).content.decode()
    set_up(client)
    assert client.get("/campaigns/").status_code == 200
    assert client.post("/sign-out/").status_code == 302


def test_approver_of_another_brand_needs_a_factor_everywhere(
    for_real: Settings, client: Client, person: User
) -> None:
    User.objects.update(role=Role.VIEWER)
    client.force_login(person)
    assert client.get("/campaigns/").status_code == 200
    other = Brand.objects.create(name="Other", slug="other")
    Membership.objects.create(user=person, brand=other, role=Role.APPROVER)
    assert client.get("/campaigns/").headers["Location"] == FACTORS
    assert client.get("/b/other/campaigns/").headers["Location"] == f"/b/other{FACTORS}"


def test_nobody_needs_a_factor_with_the_sandbox(signed_in: Client, settings: Settings) -> None:
    assert settings.IS_GATEWAY_HERE
    assert signed_in.get("/campaigns/").status_code == 200


# Passwords


def change_password(client: Client, new: str, old: str = PASSWORD) -> str:
    fields = {"oldpassword": old, "password1": new, "password2": new}
    answer = client.post("/account/password/", fields)
    return str(answer.headers.get("Location") or answer.content.decode())


def test_password_may_be_shorter_beside_a_factor_and_is_changed_without_it(
    signed_in: Client, person: User
) -> None:
    assert "Use at least 15 characters." in change_password(signed_in, "twelve-odd-1")
    assert "At least 15 characters" in signed_in.get("/account/password/").content.decode()
    set_up(signed_in)
    assert "At least 12 characters" in signed_in.get("/account/password/").content.decode()
    assert "Use at least 12 characters." in change_password(signed_in, "eleven-odd1")
    assert change_password(signed_in, "twelve-odd-1") == "/account/"
    signed_in.post("/account/factors/app/remove")
    assert signed_in.get("/campaigns/").headers["Location"] == "/account/password/"
    page = signed_in.get("/account/password/").content.decode()
    assert "too short to protect it alone" in page
    assert signed_in.get(APP).status_code == 200  # the other way out
    assert "Use at least 15" in change_password(signed_in, "another-odd-1", "twelve-odd-1")
    assert change_password(signed_in, "violet lamp under", "twelve-odd-1") == "/account/"
    assert signed_in.get("/campaigns/").status_code == 200


# A lost factor


def test_two_administrators_reset_a_factor(
    signed_in: Client, person: User, administrator: Callable[[str], Client]
) -> None:
    set_up(signed_in)
    OutgoingMail.objects.all().delete()
    first, second = administrator("first"), administrator("second")
    page, steps = f"/settings/team/{person.pk}/", f"/settings/team/{person.pk}/factor"
    assert "Ask to remove it" in first.get(page).content.decode()
    first.post(f"{steps}/ask")
    assert OutgoingMail.objects.get().address == "second@a.example"
    assert "Remove it" not in first.get(page).content.decode()
    answer = first.post(f"{steps}/confirm", follow=True).content.decode()
    assert "Another administrator has to confirm this." in answer
    assert has_factors(person)
    second.post(f"{steps}/confirm")
    assert not has_factors(person)
    assert not is_signed_in(signed_in)
    entries = AuditEntry.objects.filter(action__startswith="second factor").order_by("pk")
    assert [(str(entry.actor), entry.action, entry.detail) for entry in entries] == [
        ("first", "second factor: reset asked for", ""),
        ("second", "second factor reset", "asked for by first"),
    ]
    assert "second factor reset" in OutgoingMail.objects.get(address="olena@example.com").body
    assert sign_in(Client()) == "/"
    assert first.post(f"{steps}/nonsense").status_code == 404


def test_reset_needs_others_who_still_want_it(
    administrator: Callable[[str], Client], person: User
) -> None:
    first, second = administrator("first"), administrator("second")
    boss = User.objects.get(username="first")
    set_up(first)
    first.force_login(User.objects.get(username="first"))
    steps = f"/settings/team/{boss.pk}/factor"
    first.post(f"{steps}/ask")  # not for oneself
    assert "Nobody asks for this" in second.post(f"{steps}/confirm", follow=True).content.decode()
    second.post(f"{steps}/ask")
    refused = first.post(f"{steps}/confirm", follow=True).content.decode()
    assert "Other administrators have to decide this." in refused
    third = administrator("third")
    third.post(f"{steps}/withdraw")
    assert "Nobody asks for this" in third.post(f"{steps}/confirm", follow=True).content.decode()
    second.post(f"{steps}/ask")
    with At(timezone.now() + timedelta(hours=25)):
        late = Client()
        late.force_login(User.objects.get(username="third"))
        assert "Nobody asks for this" in late.post(f"{steps}/confirm", follow=True).content.decode()
    User.objects.filter(username="second").update(is_active=False)
    assert "Nobody asks for this" in third.post(f"{steps}/confirm", follow=True).content.decode()
    assert has_factors(boss)
    viewer = Client()
    viewer.force_login(person)
    assert viewer.post(f"{steps}/ask").status_code == 403


def test_command_resets_a_factor(signed_in: Client, person: User) -> None:
    with pytest.raises(CommandError, match=r"There is no user “nobody”\."):
        call_command("reset_factor", "nobody")
    with pytest.raises(CommandError, match=r"no second factor"):
        call_command("reset_factor", "olena")
    set_up(signed_in)
    call_command("reset_factor", "olena", verbosity=0)
    assert not has_factors(person)
    assert not is_signed_in(signed_in)
    assert trail()[-1] == ("second factor reset", "with manage.py reset_factor")


# Passkeys, besides what the browser shows


def challenge(client: Client) -> dict[str, Any]:
    """What the script of the sign-in page gets."""
    answer = client.get("/sign-in/passkey/", headers={"Accept": "application/json"})
    options: dict[str, Any] = answer.json()["request_options"]
    return options


def present(client: Client, answer: dict[str, Any]) -> str:
    fields = {"credential": json.dumps(answer)}
    return str(client.post("/sign-in/passkey/", fields).headers["Location"])


def test_passkey_signs_in_alone_with_the_challenge_that_was_given_and_once(person: User) -> None:
    passkey, guest = make_passkey(person), Client(SERVER_NAME="localhost")
    other = User.objects.create_user("ivan", password=PASSWORD)
    elsewhere = Passkey(person, origin="http://localhost.example.com")
    elsewhere.key = passkey.key
    without_finger = passkey.sign(challenge(guest), flags=AuthenticatorData.FLAG.UP)
    assert present(guest, without_finger) == "/sign-in/"
    assert present(guest, elsewhere.sign(challenge(guest))) == "/sign-in/"
    assert present(guest, Passkey(person).sign(challenge(guest))) == "/sign-in/"  # another key
    of_other = passkey.sign(challenge(guest))
    of_other["response"]["userHandle"] = Passkey(other).user_handle
    assert present(guest, of_other) == "/sign-in/"
    stale = passkey.sign(challenge(guest))
    challenge(guest)
    assert present(guest, stale) == "/sign-in/"
    assert not is_signed_in(guest)
    assert SignInTry.objects.count() == 5
    right = passkey.sign(challenge(guest))
    assert present(guest, right) == "/"
    assert is_signed_in(guest)
    guest.post("/sign-out/")
    assert present(guest, right) == "/sign-in/"
    person.is_active = False
    person.save()
    assert present(guest, passkey.sign(challenge(guest))) == "/sign-in/closed/"


def test_passkey_of_another_user_is_no_second_factor(person: User) -> None:
    make_passkey(person)
    ivan = make_passkey(User.objects.create_user("ivan", password=PASSWORD))
    guest = Client(SERVER_NAME="localhost")
    sign_in(guest)
    page = guest.get("/sign-in/code/").content.decode()
    match = re.search(r'id="passkey-options" type="application/json">(.*?)</script>', page)
    assert match
    answer = json.dumps(ivan.sign(json.loads(match[1])))
    assert guest.post("/sign-in/code/", {"credential": answer}).status_code == 200
    assert not is_signed_in(guest)


@pytest.mark.parametrize(
    "answer", ["", "5", "[]", "{}", '{"response": 1}', "[" * 9_000, "x" * 40_000]
)
def test_nonsense_is_no_passkey(signed_in: Client, person: User, answer: str) -> None:
    signed_in.get("/account/factors/passkey/")
    page = signed_in.post("/account/factors/passkey/", {"credential": answer})
    assert page.status_code == 200
    set_up(signed_in)
    guest = Client()
    challenge = guest.get("/sign-in/passkey/", headers={"Accept": "application/json"}).json()
    assert challenge["request_options"]["publicKey"]["userVerification"] == "required"
    assert (
        guest.post("/sign-in/passkey/", {"credential": answer}).headers["Location"] == "/sign-in/"
    )
    sign_in(guest)
    assert guest.post("/sign-in/code/", {"credential": answer}).status_code == 200
    assert not is_signed_in(guest)


@pytest.mark.parametrize(
    ("host", "is_secure", "works"),
    [
        ("localhost:8000", False, True),
        ("viber.example.com", True, True),
        ("viber.example.com", False, False),
        ("127.0.0.1:8000", False, False),
        ("10.0.0.5", True, False),
        ("[::1]:8000", True, False),
    ],
)
def test_passkeys_are_offered_where_browsers_allow_them(
    client: Client, settings: Settings, host: str, is_secure: bool, works: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page = client.get("/sign-in/", headers={"Host": host}, secure=is_secure).content.decode()
    assert ("Sign in with a passkey" in page) is works
