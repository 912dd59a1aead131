"""Tokens: made, shown once, limited, revoked; and what the trail says of them."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import ApiToken, AuditEntry, Role, User
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team import handover
from campaigns.team.audit import activity
from campaigns.team.models import ActorKind, AuditResult, Brand, Membership, SignInTry
from campaigns.team.pages import body_limits
from campaigns.team.permissions import Permission
from campaigns.team.sign_in import members, throttle
from campaigns.team.tokens import token_text, tokens
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient, client_of
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
P = Permission
FORM = {"name": "CRM", "scopes": ["view", "compose"], "days": "90", "addresses": "10.0.0.0/8"}


def test_a_token_is_shown_once_and_stored_as_a_hash(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    page = client.post("/settings/api/", FORM).content.decode()
    [text] = re.findall("vd_[A-Za-z0-9]{40}", page)
    token = ApiToken.objects.get()
    assert (token.hash, token.prefix) == (token_text.digest(text), text[:11])
    assert (token.name, token.scopes, token.addresses) == (
        "CRM",
        ["compose", "view"],
        ["10.0.0.0/8"],
    )
    assert token.expires_at is not None
    assert round((token.expires_at - timezone.now()) / timedelta(days=1)) == 90
    assert text not in client.get("/settings/api/").content.decode()
    [entry] = activity(token)
    assert (entry.actor, entry.action, entry.kind) == (user, "created", ActorKind.USER)
    assert entry.detail == f"{text[:11]}: compose, view"


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["operate"]},  # the role has it not
        {"scopes": []},
        {"name": ""},
        {"days": "366"},
        {"days": "0"},
        {"addresses": "example.com"},
        {"addresses": "10.0.0.1/8"},  # bits beyond the network
    ],
)
def test_a_token_that_does_not_fit_is_not_made(client: Client, change: dict[str, object]) -> None:
    client.force_login(make_user())
    assert client.post("/settings/api/", FORM | change).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_name_is_free_again_when_its_token_is_revoked(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    assert client.post("/settings/api/", FORM).status_code == 200
    assert client.post("/settings/api/", FORM).status_code == 422
    token = ApiToken.objects.get()
    client.post(f"/settings/api/{token.pk}/revoke")
    assert client.post("/settings/api/", FORM).status_code == 200
    assert [entry.action for entry in activity(token)] == ["revoked", "created"]


def test_tokens_for_ever_only_where_the_settings_allow_it(
    client: Client, settings: Settings
) -> None:
    settings.API_TOKEN_DAYS = 0
    client.force_login(make_user())
    assert client.post("/settings/api/", FORM | {"days": "0"}).status_code == 200
    assert ApiToken.objects.get().expires_at is None


def test_users_revoke_their_own_and_administrators_all(client: Client, api: ApiClient) -> None:
    client.force_login(make_user("other"))
    address = f"/settings/api/{api.token.pk}/revoke"
    assert client.post(address).status_code == 404
    assert api.get("lists").status_code == 200
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    assert api.token.prefix in client.get("/settings/api/").content.decode()
    assert client.post(address).status_code == 302
    answer = api.get("lists")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_an_expired_token_ends(api_of: MakeClient) -> None:
    api = api_of(expires_at=timezone.now() + timedelta(days=1))
    assert api.get("lists").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1)):
        assert api.get("lists").status_code == 401


def test_neither_a_session_nor_a_password_is_a_token(client: Client) -> None:
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    answer = client.get("/api/v1/lists")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    basic = {"Authorization": "Basic Ym9zczpzZWNyZXQtZW5vdWdoLTE="}
    assert client.get("/api/v1/lists", headers=basic).status_code == 401
    assert not client.get("/api/v1/lists").cookies


def test_a_token_does_what_scopes_and_role_both_allow(api_of: MakeClient) -> None:
    reads = api_of(scopes={P.VIEW, P.SEE_PHONES})
    assert reads.get("lists").status_code == 200
    assert reads.post("lists", {"name": "A"}).status_code == 403
    writes = api_of()
    assert writes.post("lists", {"name": "A"}).status_code == 201
    User.objects.filter(pk=writes.token.owner_id).update(role=Role.VIEWER)
    assert writes.post("lists", {"name": "B"}).status_code == 403
    User.objects.filter(pk=writes.token.owner_id).update(role="")
    assert writes.get("lists").status_code == 401


def test_the_scopes_limit_the_owner_alone(api_of: MakeClient) -> None:
    from campaigns.team.roles import has_permission, limited_to

    owner, other = make_user("owner"), make_user("other")
    with limited_to(owner, {P.VIEW}):
        assert not has_permission(owner, P.SEND)
        assert has_permission(other, P.SEND)
    assert has_permission(owner, P.SEND)


def test_a_token_acts_in_its_brand_alone(api_of: MakeClient) -> None:
    main = api_of(Role.ADMINISTRATOR)
    other = Brand.objects.create(name="Other", slug="other")
    with acting_for(other.pk):
        elsewhere = client_of(main.token.owner, [P.VIEW, P.EDIT_CONTACTS])
    made = elsewhere.post("lists", {"name": "Theirs"}).json()
    assert main.post("lists", {"name": "Ours"}).status_code == 201
    assert [row["name"] for row in main.get("lists").json()["items"]] == ["Ours"]
    assert [row["name"] for row in elsewhere.get("lists").json()["items"]] == ["Theirs"]
    assert main.get(f"lists/{made['id']}").status_code == 404
    below = main.client.get(
        "/b/other/api/v1/lists", headers={"Authorization": f"Bearer {main.text}"}
    )
    assert below.status_code in (302, 404)


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "198.51.100.1", 403),
        (["2001:db8::/32"], "2001:db8::1", 200),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", 200),
        (["203.0.113.0/24"], "2001:db8::1", 403),
    ],
)
def test_a_token_is_used_from_its_addresses(
    api_of: MakeClient, settings: Settings, networks: list[str], address: str, status: int
) -> None:
    settings.PROXY_COUNT = 1
    api = api_of(addresses=networks)
    # what stands before the last entry the client may have written itself
    answer = api.get("lists", X_Forwarded_For=f"203.0.113.9, {address}")
    assert answer.status_code == status
    assert answer.json().get("code") == ("wrong_address" if status == 403 else None)


def test_wrong_tokens_wait_and_keep_nobody_from_signing_in(api: ApiClient) -> None:
    wrong = {"Authorization": f"Bearer {token_text.new_text()}"}
    for _time in range(throttle.ADDRESS_LIMIT):
        assert api.client.get("/api/v1/lists", headers=wrong).status_code == 401
    answer = api.client.get("/api/v1/lists", headers=wrong)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_wrong_tokens")
    assert int(answer.headers["Retry-After"]) > 0
    assert SignInTry.objects.count() == throttle.ADDRESS_LIMIT
    assert api.get("lists").status_code == 200  # a right one is no try
    signed_in = api.client.post(
        "/sign-in/", {"login": api.token.owner.username, "password": "secret-enough-1"}
    )
    assert signed_in.status_code == 302


def test_the_last_use_is_noted_once_a_minute(api: ApiClient) -> None:
    start = timezone.now()
    for seconds, noted in ((0, 0), (30, 0), (61, 61)):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            api.get("lists")
        token = ApiToken.objects.get()
        assert token.last_used_at is not None
        assert round((token.last_used_at - start).total_seconds()) == noted


def test_the_trail_names_the_token(api: ApiClient) -> None:
    api.post("lists", {"name": "A"})
    entry = AuditEntry.objects.get(action="created", subject__startswith="contactlist:")
    assert (entry.kind, entry.actor, entry.session) == (
        ActorKind.TOKEN,
        api.token.owner,
        api.token.prefix,
    )
    assert (entry.address, entry.brand) == ("127.0.0.1", None)


def test_a_refusal_is_in_the_trail(api_of: MakeClient) -> None:
    api = api_of(Role.VIEWER)
    api.post("lists", {"name": "A"}, Idempotency_Key="k")
    entry = AuditEntry.objects.get(result=AuditResult.REFUSED)
    assert (entry.action, entry.session) == ("refused", api.token.prefix)


def test_a_closed_account_hands_its_tokens_on_or_ends_them(api_of: MakeClient) -> None:
    boss, taker = make_user("boss", Role.ADMINISTRATOR), make_user("taker")
    revoked, handed = api_of(), api_of()
    tokens.revoke(revoked.token, boss)
    owner = handed.token.owner
    assert [row.pk for work in handover.work_of(owner) for _kind, row in work.objects] == [
        handed.token.pk
    ]
    members.close(boss, owner.pk, {MAIN: taker.pk})
    handed.token.refresh_from_db()
    assert handed.token.owner == taker
    assert handed.get("lists").status_code == 200
    members.close(boss, taker.pk, {MAIN: None})
    assert handed.get("lists").status_code == 401
    handed.token.refresh_from_db()
    assert handed.token.revoked_at is not None


def test_large_bodies_with_tokens_from_here_alone(settings: Settings) -> None:
    text = token_text.new_text()
    path = "/api/v1/lists"
    assert body_limits.limit(path, "", f"Bearer {text}") == 4 << 20
    assert body_limits.limit(path, "", f"Bearer {text[:-1]}z") == 64 << 10
    assert body_limits.limit(path, "", "") == 64 << 10
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"
    assert body_limits.limit(path, "", f"Bearer {text}") == 4 << 20


def test_old_tokens_are_deleted(api: ApiClient) -> None:
    tokens.revoke(api.token, None)
    now = timezone.now()
    tokens.remove_old(now + timedelta(days=89))
    assert ApiToken.objects.count() == 1
    tokens.remove_old(now + timedelta(days=91))
    assert ApiToken.objects.count() == 0


def test_an_administrator_of_another_brand_sees_only_tokens_of_the_brand(
    client: Client, api: ApiClient
) -> None:
    other = Brand.objects.create(name="Other", slug="other")
    member = make_user("member")
    Membership.objects.create(user=member, brand=other, role=Role.MARKETER)
    client.force_login(member)
    assert api.token.prefix not in client.get("/b/other/settings/api/").content.decode()
