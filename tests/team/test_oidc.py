"""Signing in with an OpenID Connect provider, a real one over a socket."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from allauth.mfa.models import Authenticator
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialAccount
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import AuditEntry, OutgoingMail, Role, User
from campaigns.shared.brands.scope import MAIN
from campaigns.team.brands import roles_of
from campaigns.team.models import Brand, Membership
from campaigns.team.sign_in.links import link_for
from tests.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.passkeys import make_passkey

pytestmark = pytest.mark.django_db
PASSWORD = "long-and-odd-7"
REFUSED = "Company did not sign you in."


@pytest.fixture
def provider(oidc_provider: OidcProvider, settings: Settings) -> OidcProvider:
    settings.OIDC_ISSUER = oidc_provider.issuer
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    settings.OIDC_NAME = "Company"
    settings.OIDC_GROUPS = {"marketing": "marketer", "it": "administrator", "guests": "viewer"}
    oidc_provider.claims |= {"groups": ["marketing"], "preferred_username": "olena"}
    return oidc_provider


def begin(client: Client, address: str = "/sign-in/oidc/") -> str:
    """To the provider, whose user agrees; return the address to which the browser comes back."""
    there = client.get(address).headers["Location"]
    back = requests.get(there, allow_redirects=False, timeout=5).headers["Location"]
    parts = urlsplit(back)
    assert (parts.scheme, parts.netloc, parts.path) == (
        "http", "testserver", "/sign-in/oidc/callback/",
    )  # fmt: skip
    return f"{parts.path}?{parts.query}"


def sign_in(client: Client, address: str = "/sign-in/oidc/") -> str:
    """Where signing in leads, or else what the page says."""
    answer = client.get(begin(client, address))
    return str(answer.headers.get("Location") or answer.content.decode())


def who(client: Client) -> int | None:
    user: int | None = client.get("/session").json()["user"]
    return user


def last_entry() -> tuple[str, str]:
    entry = AuditEntry.objects.latest("pk")
    return entry.action, entry.detail


# The flow


def test_sign_in_with_pkce_state_and_nonce_creates_an_account_with_the_role_of_the_group(
    provider: OidcProvider, client: Client
) -> None:
    provider.claims |= {
        "groups": ["guests", "marketing", "others"], "given_name": "Ol\0ena",
        "family_name": "Koval", "locale": "\0",
        "email": "olena@example.com", "email_verified": True,
    }  # fmt: skip
    assert "Sign in with Company" in client.get("/sign-in/").content.decode()
    there = client.get("/sign-in/oidc/?next=/spend/&scope=admin&auth_params=redirect_uri%3Dx")
    asked = {
        name: values[0] for name, values in parse_qs(urlsplit(there["Location"]).query).items()
    }
    assert asked.pop("redirect_uri") == "http://testserver/sign-in/oidc/callback/"
    assert set(asked.pop("scope").split()) == {"openid", "profile", "email"}
    assert min(len(asked.pop(name)) for name in ("state", "nonce", "code_challenge")) >= 16
    assert asked == {
        "client_id": CLIENT, "response_type": "code", "code_challenge_method": "S256",
    }  # fmt: skip
    assert sign_in(client, "/sign-in/oidc/?next=/spend/") == "/spend/"
    user = User.objects.get()
    assert who(client) == user.pk
    assert (user.username, user.get_full_name(), user.email) == (
        "olena", "Olena Koval", "olena@example.com",
    )  # fmt: skip
    assert (user.role, user.is_staff, user.has_usable_password()) == (Role.MARKETER, False, False)
    assert SocialAccount.objects.values_list("provider", "uid").get() == (
        provider.issuer, "248289761001",
    )  # fmt: skip
    assert len(provider.token_requests[-1]["code_verifier"]) >= 43
    assert "client_secret" not in provider.token_requests[-1]  # in the header
    assert sign_in(Client()) == "/"
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "that of another sign-in"),
        ({"nonce": None}, "that of another sign-in"),
        ({"iss": "https://other.example.com"}, "InvalidIssuerError"),
        ({"iss": None}, "MissingRequiredClaimError"),
        ({"aud": "other"}, "InvalidAudienceError"),
        ({"aud": [CLIENT, "other"]}, "not for this client alone"),
        ({"azp": "other"}, "not for this client alone"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"exp": 1_700_000_000}, "ExpiredSignatureError"),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"iat": 4_000_000_000}, "ImmatureSignatureError"),
        ({"sub": None}, "MissingRequiredClaimError"),
        ({"sub": ""}, "names no user"),
        ({"sub": "a\0"}, "names no user"),
        ({"sub": "a" * 192}, "names no user"),
        ({"sub": 5}, "InvalidSubjectError"),
    ],
)
def test_id_token_is_checked(
    provider: OidcProvider, client: Client, claims: dict[str, Any], said: str
) -> None:
    provider.claims |= claims
    assert REFUSED in sign_in(client)
    assert (who(client), User.objects.count()) == (None, 0)
    action, detail = last_entry()
    assert (action, said in detail) == ("sign-in failed", True), detail


def with_another_key(provider: OidcProvider) -> None:
    provider.signs_with = provider.other_key


def without_signature(provider: OidcProvider) -> None:
    provider.signs_with, provider.algorithm = None, "none"


def with_the_client_secret(provider: OidcProvider) -> None:
    provider.signs_with, provider.algorithm = SECRET * 3, "HS256"


def without_id_token(provider: OidcProvider) -> None:
    provider.token_answer = {"id_token": None}


def as_another_issuer(provider: OidcProvider) -> None:
    provider.discovery = {"issuer": f"{provider.issuer}/"}


def without_tls(provider: OidcProvider) -> None:
    provider.discovery = {"jwks_uri": "ftp://127.0.0.1/keys"}


def without_keys(provider: OidcProvider) -> None:
    provider.keys = lambda: {"keys": "none"}  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_another_key, "not valid: InvalidSignatureError"),
        (without_signature, "not valid: InvalidAlgorithmError"),
        (with_the_client_secret, "not valid: InvalidAlgorithmError"),
        (without_id_token, "there is no ID token"),
        (without_keys, "not valid: PyJWKSetError"),
    ],
)
def test_answers_that_prove_nothing_are_refused(
    provider: OidcProvider, client: Client, change: Callable[[OidcProvider], None], said: str
) -> None:
    change(provider)
    assert REFUSED in sign_in(client)
    assert (who(client), User.objects.count()) == (None, 0)
    assert said in last_entry()[1]


@pytest.mark.parametrize("change", [as_another_issuer, without_tls])
def test_description_of_another_issuer_is_refused(
    provider: OidcProvider, client: Client, change: Callable[[OidcProvider], None]
) -> None:
    change(provider)
    assert REFUSED in client.get("/sign-in/oidc/").content.decode()


def test_provider_that_does_not_answer_is_said_so(
    provider: OidcProvider, client: Client, settings: Settings
) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert REFUSED in client.get("/sign-in/oidc/").content.decode()


def test_state_counts_once_in_the_browser_where_the_sign_in_began(
    provider: OidcProvider, client: Client
) -> None:
    back = begin(client)
    assert client.get(back).headers["Location"] == "/"
    client.post("/sign-out/")
    assert REFUSED in client.get(back).content.decode()
    assert REFUSED in Client().get(begin(client)).content.decode()
    assert who(client) is None


def test_code_of_another_sign_in_is_refused(provider: OidcProvider, client: Client) -> None:
    """An attacker's code in the victim's browser: the PKCE verifier does not fit."""
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    code = parse_qs(urlsplit(begin(Client())).query)["code"][0]
    answer = client.get("/sign-in/oidc/callback/", {"state": state, "code": code})
    assert REFUSED in answer.content.decode()


def test_sign_in_without_a_pkce_verifier_is_refused(provider: OidcProvider, client: Client) -> None:
    back = begin(client)
    session = client.session
    for state, _at, _provider in session[statekit.STATES_SESSION_KEY].values():
        del state["pkce_code_verifier"]
    session.save()
    assert REFUSED in client.get(back).content.decode()
    assert provider.token_requests == []
    assert "no PKCE verifier" in last_entry()[1]


def test_addresses_are_not_there_without_a_provider(client: Client) -> None:
    assert "sign-in/oidc" not in client.get("/sign-in/").content.decode()
    for address in ("/sign-in/oidc/", "/sign-in/oidc/callback/?code=x&state=y"):
        assert client.get(address).status_code == 404


# Which account


def test_user_with_the_same_e_mail_and_name_is_somebody_else(
    provider: OidcProvider, client: Client
) -> None:
    boss = User.objects.create_user(
        "Olena", password=PASSWORD, email="boss@example.com", role=Role.ADMINISTRATOR
    )
    provider.claims |= {"email": "boss@example.com", "email_verified": True}
    assert sign_in(client) == "/"
    assert who(client) != boss.pk
    assert User.objects.get(pk=who(client) or 0).username == "olena-2"
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


def test_unverified_e_mail_is_not_stored(provider: OidcProvider, client: Client) -> None:
    provider.claims |= {"email": "olena@example.com"}
    sign_in(client)
    assert User.objects.get().email == ""


@pytest.mark.parametrize("groups", [None, [], ["others"], "others", {"it": 1}, [["it"]]])
def test_who_is_in_no_mapped_group_is_refused(
    provider: OidcProvider, client: Client, groups: Any
) -> None:
    provider.claims["groups"] = groups
    assert "None of your groups may use ViberDash." in sign_in(client)
    assert User.objects.count() == 0


def test_another_role_and_no_group_at_all_end_the_other_sessions(
    provider: OidcProvider, client: Client
) -> None:
    User.objects.create_user("boss", password=PASSWORD, role=Role.ADMINISTRATOR)
    sign_in(client)
    provider.claims["groups"] = "it"
    again = Client()
    assert sign_in(again) == "/"
    user = User.objects.get(username="olena")
    assert (user.role, user.is_staff, user.is_superuser) == (Role.ADMINISTRATOR, True, True)
    assert (who(client), who(again)) == (None, user.pk)
    entry = AuditEntry.objects.get(action="role changed")
    assert entry.detail == "marketer to administrator, by groups"
    provider.claims["groups"] = []
    assert "None of your groups" in sign_in(Client())
    assert who(again) is None


def test_groups_say_the_role_in_the_first_brand_alone(
    provider: OidcProvider, client: Client
) -> None:
    sign_in(client)
    other = Brand.objects.create(name="Other", slug="other")
    Membership.objects.create(user=User.objects.get(), brand=other, role=Role.APPROVER)
    provider.claims["groups"] = "guests"
    again = Client()
    assert sign_in(again) == "/"
    assert roles_of(User.objects.get()) == {MAIN: Role.VIEWER, other.pk: Role.APPROVER}
    detail = AuditEntry.objects.get(action="role changed").detail
    assert detail == "main: marketer, other: approver to main: viewer, other: approver, by groups"
    # the address that is registered at the provider, from the page of another brand too
    there = again.get("/b/other/confirm/oidc/").headers["Location"]
    back = parse_qs(urlsplit(there).query)["redirect_uri"]
    assert back == ["http://testserver/sign-in/oidc/callback/"]


def test_last_administrator_is_not_demoted(provider: OidcProvider, client: Client) -> None:
    provider.claims["groups"] = ["it"]
    sign_in(client)
    provider.claims["groups"] = ["marketing"]
    assert sign_in(Client()) == "/"
    user = User.objects.get()
    assert user.role == Role.ADMINISTRATOR
    kept = AuditEntry.objects.get(action="role kept")
    assert kept.detail == "the last administrator; by groups: marketer"
    User.objects.create_user("boss", password=PASSWORD, role=Role.ADMINISTRATOR)
    sign_in(Client())
    user.refresh_from_db()
    assert user.role == Role.MARKETER


def test_closed_account_stays_closed(provider: OidcProvider, client: Client) -> None:
    sign_in(client)
    User.objects.update(is_active=False)
    assert sign_in(Client()) == "/sign-in/closed/"


# An account that is there


def follow(client: Client, user: User) -> str:
    """Open a link to choose a password, and begin at its page; where that leads."""
    page = client.get(link_for(user).removeprefix("http://localhost:8000"), follow=True)
    assert "Or sign in with Company from now on." in page.content.decode()
    return sign_in(client, f"/sign-in/oidc/?link={page.request['PATH_INFO'].split('/')[2]}")


def test_invited_user_is_linked_at_the_invitation(
    provider: OidcProvider, client: Client, settings: Settings
) -> None:
    settings.OIDC_GROUPS = {}
    assert "Ask an administrator for an invitation." in sign_in(client)
    invited = User(username="new", email="new@example.com", role=Role.APPROVER)
    invited.set_unusable_password()
    invited.save()
    assert follow(client, invited) == "/"
    assert who(client) == invited.pk
    invited.refresh_from_db()
    assert invited.role == Role.APPROVER
    assert "now signs in with Company" in OutgoingMail.objects.get().body
    assert sign_in(Client()) == "/"


def test_linked_account_has_no_password_and_gets_no_link(
    provider: OidcProvider, client: Client, settings: Settings
) -> None:
    settings.SENDS_MAIL = True
    user = User.objects.create_user("ivan", password=PASSWORD, email="ivan@example.com")
    elsewhere = Client()
    elsewhere.force_login(user)
    link = link_for(user).removeprefix("http://localhost:8000")
    assert follow(client, user) == "/"
    assert who(elsewhere) is None
    assert "This link is not valid" in Client().get(link, follow=True).content.decode()
    OutgoingMail.objects.all().delete()
    Client().post("/password/forgotten/", {"email": "ivan@example.com"})
    assert not OutgoingMail.objects.exists()
    with pytest.raises(CommandError, match="it uses Company"):
        call_command("password_link", "ivan")
    assert client.get("/account/password/").headers["Location"] == "/account/"
    # nor does a passkey go past the provider
    passkey, guest = make_passkey(User.objects.get()), Client(SERVER_NAME="localhost")
    options = guest.get("/sign-in/passkey/", headers={"Accept": "application/json"}).json()
    answer = json.dumps(passkey.sign(options["request_options"]))
    assert guest.post("/sign-in/passkey/", {"credential": answer})["Location"] == "/sign-in/"
    assert Authenticator.objects.exists()


def test_link_of_before_and_user_who_is_linked_already(
    provider: OidcProvider, client: Client
) -> None:
    sign_in(client)
    ivan = User.objects.create_user("ivan", password=PASSWORD)
    other = Client()
    assert follow(other, ivan) == "/"  # whose `sub` has an account already: that one
    assert who(other) == User.objects.get(username="olena").pk
    ivan.refresh_from_db()
    assert ivan.check_password(PASSWORD)
    provider.claims["sub"] = "another"
    guest = Client()
    page = guest.get(link_for(ivan).removeprefix("http://localhost:8000"), follow=True)
    uid = page.request["PATH_INFO"].split("/")[2]
    back = begin(guest, f"/sign-in/oidc/?link={uid}")
    User.objects.filter(pk=ivan.pk).update(sign_in_version=5)
    assert "The link is not valid any more." in guest.get(back).content.decode()


# The account that stays


def test_only_the_break_glass_account_keeps_its_password(
    provider: OidcProvider, client: Client, settings: Settings
) -> None:
    settings.OIDC_ONLY, settings.BREAK_GLASS_USER = True, "glass"
    settings.OIDC_GROUPS = {}
    for name in ("glass", "ivan"):
        User.objects.create_user(name, password=PASSWORD, role=Role.ADMINISTRATOR)
    for password in (PASSWORD, "wrong"):
        answer = client.post("/sign-in/", {"login": "ivan", "password": password})
        assert "Sign in with Company." in answer.content.decode()
    answer = client.post("/sign-in/", {"login": "Glass", "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    glass = User.objects.get(username="glass")
    boss = Client()
    boss.force_login(User.objects.get(username="ivan"))
    for step in ("close", "role"):
        boss.post(f"/settings/team/{glass.pk}/{step}", {"role": "viewer"})
    glass.refresh_from_db()
    assert (glass.role, glass.is_active) == (Role.ADMINISTRATOR, True)
    guest = Client()
    page = guest.get(link_for(glass).removeprefix("http://localhost:8000"), follow=True)
    assert "Or sign in with Company" not in page.content.decode()
    uid = page.request["PATH_INFO"].split("/")[2]
    assert "This account keeps its password." in sign_in(guest, f"/sign-in/oidc/?link={uid}")


# Factors and confirmations


def test_old_sign_in_at_the_provider_has_to_be_confirmed(
    provider: OidcProvider, client: Client
) -> None:
    provider.claims |= {"groups": ["it"], "auth_time": int(time.time()) - 11 * 60}
    sign_in(client)
    fields = {"currency": "EUR", "amount": "5"}
    asked = client.post("/settings/approval/", fields).headers["Location"]
    del provider.claims["auth_time"]
    assert sign_in(client, asked).startswith("/confirm/go-on/")
    assert client.post("/settings/approval/", fields)["Location"] == "/settings/approval/"


def test_sign_ins_that_are_begun_are_limited(provider: OidcProvider, client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        codes = [client.get("/sign-in/oidc/").status_code for _ in range(61)]
    assert codes == [302] * 60 + [429]


def test_provider_asks_for_factors_and_confirms(
    provider: OidcProvider, client: Client, settings: Settings
) -> None:
    settings.IS_GATEWAY_HERE = False
    provider.claims["groups"] = ["it"]
    sign_in(client)
    assert client.get("/settings/team/").status_code == 200  # no factor of our own
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        asked = client.post("/settings/approval/", {"currency": "EUR", "amount": "5"})
        confirm = asked.headers["Location"]
        assert confirm.startswith("/confirm/oidc/?next=")
        there = parse_qs(urlsplit(client.get(confirm).headers["Location"]).query)
        assert (there["prompt"], there["max_age"]) == (["login"], ["0"])
        provider.claims["auth_time"] = 1_700_000_000
        assert "did not confirm that it is you" in sign_in(client, confirm)
        del provider.claims["auth_time"]
        provider.claims["sub"] = "another"
        assert "did not confirm that it is you" in sign_in(client, confirm)
        provider.claims["sub"] = "248289761001"
        target = sign_in(client, confirm)
        assert target.startswith("/confirm/go-on/")
        assert 'action="/settings/approval/"' in client.get(target).content.decode()
