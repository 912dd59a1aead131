"""Whose key this installation uses: recorded at first, asked for when it changes."""

import logging
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.gateway.environment import Environment, key_fingerprint
from campaigns.team import accounts
from campaigns.team.models import AccountKey, AuditEntry, GatewayAccount, Role, User

pytestmark = pytest.mark.django_db
LIVE = "https://api.bsg.world/rest"


@pytest.fixture(autouse=True)
def live(settings: Settings) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = LIVE, "live_secret_1"


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("confirm_account", *arguments, stdout=output)
    return output.getvalue()


def new_key(settings: Settings) -> GatewayAccount:
    """The first account is recorded, and the key has changed since."""
    account = accounts.load().current
    assert account
    settings.BSG_API_KEY = "live_secret_2"
    accounts.cache_state(accounts.load())
    return account


def test_first_account_is_recorded_without_asking(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    known = accounts.load()
    assert known.current == GatewayAccount.objects.get()
    assert (known.is_new_key, known.is_only_one, known.is_first) == (False, True, True)
    assert known.current.name == "BSG account 1"
    assert (known.current.environment, known.current.base_url) == (Environment.LIVE, LIVE)
    with django_assert_num_queries(1):
        accounts.load()


def test_no_key_is_stored() -> None:
    accounts.load()
    [key] = AccountKey.objects.all()
    assert len(key.fingerprint) == 64
    rows = [*GatewayAccount.objects.values(), *AccountKey.objects.values()]
    assert "live_secret_1" not in repr([*rows, *AuditEntry.objects.values()])


@pytest.mark.parametrize(
    ("address", "key", "name", "environment"),
    [
        (LIVE, "live_2", "BSG account 2", Environment.LIVE),
        (LIVE, "test_1", "Test key", Environment.TEST),
        ("http://127.0.0.1:8090/rest", "live_secret_1", "Sandbox", Environment.SANDBOX),
    ],
)
def test_other_addresses_and_keys_are_new(
    settings: Settings, address: str, key: str, name: str, environment: Environment
) -> None:
    accounts.load()
    settings.BSG_API_URL, settings.BSG_API_KEY = address, key
    assert accounts.load().is_new_key
    account = accounts.confirm_another(None)
    assert (account.name, account.environment) == (name, environment)
    assert accounts.load().current == account
    settings.BSG_API_URL, settings.BSG_API_KEY = LIVE + "/", "live_secret_1"
    assert accounts.load().is_first


def test_new_key_is_logged_once(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    accounts.load()
    settings.BSG_API_KEY = "live_never_seen_before"
    with caplog.at_level(logging.WARNING):
        accounts.load()
        accounts.load()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "live_never" not in caplog.text


def test_first_choice_counts(settings: Settings) -> None:
    account = new_key(settings)
    assert accounts.confirm_same(None, account.pk) == account
    assert accounts.confirm_another(None, "Agency") == account
    assert GatewayAccount.objects.count() == 1


def test_key_of_another_environment_is_not_one_of_the_same_account(settings: Settings) -> None:
    account = accounts.load().current
    assert account
    settings.BSG_API_KEY = "test_1"
    assert accounts.load().same_environment() == []
    with pytest.raises(GatewayAccount.DoesNotExist):
        accounts.confirm_same(None, account.pk)


@pytest.mark.parametrize("role", [Role.MARKETER, Role.ADMINISTRATOR])
def test_pages_ask_whose_key_it_is(client: Client, settings: Settings, role: Role) -> None:
    account = new_key(settings)
    client.force_login(User.objects.create_user("ann", role=role))
    page = client.get("/settings/").content.decode()
    assert "Whose key is it?" in page
    assert ('value="another"' in page) == (role == Role.ADMINISTRATOR)
    choice = {"account": account.pk, "key": key_fingerprint()[:12]}
    response = client.post(reverse("confirm-account"), choice)
    assert response.status_code == (302 if role == Role.ADMINISTRATOR else 403)
    assert accounts.load().is_new_key == (role == Role.MARKETER)


def test_page_records_the_choice_of_another_account(client: Client, settings: Settings) -> None:
    new_key(settings)
    boss = User.objects.create_user("boss", role=Role.ADMINISTRATOR)
    client.force_login(boss)
    choice = {"account": "another", "key": key_fingerprint()[:12]}
    page = client.post(reverse("confirm-account"), choice, follow=True).content.decode()
    assert "The account in use is “BSG account 2”." in page
    assert "Whose key is it?" not in page
    last = AuditEntry.objects.latest("pk")
    assert (last.actor, last.action) == (boss, "key added")


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"account": "another", "key": "of another day"}, "changed again"),
        ({"account": "99"}, "Choose an account."),
        ({"account": "all"}, "Choose an account."),
        ({"account": "²"}, "Choose an account."),
        ({"account": "9" * 30}, "Choose an account."),
    ],
)
def test_page_refuses_what_it_did_not_offer(
    client: Client, settings: Settings, choice: dict[str, str], text: str
) -> None:
    new_key(settings)
    client.force_login(User.objects.create_user("boss", role=Role.ADMINISTRATOR))
    given = {"key": key_fingerprint()[:12]} | choice
    page = client.post(reverse("confirm-account"), given, follow=True).content.decode()
    assert text in page
    assert accounts.load().is_new_key
    assert client.get(reverse("confirm-account")).status_code == 405


def test_pages_name_the_account_where_there_are_several(client: Client, settings: Settings) -> None:
    client.force_login(User.objects.create_user("ann"))
    accounts.cache_state(accounts.load())
    assert "BSG account 1" not in client.get("/").content.decode()
    new_key(settings)
    accounts.confirm_another(None, "Agency")
    assert "Agency" in client.get("/").content.decode()


def test_command_shows_and_decides(settings: Settings) -> None:
    account = new_key(settings)
    listed = command()
    assert f"{account.pk}  BSG account 1, BSG, {LIVE}\n" in listed
    assert "The key in use is new" in listed
    with pytest.raises(CommandError, match="There is no account 99"):
        command("--same", "99")
    assert command("--same", str(account.pk)) == "The account in use is BSG account 1.\n"
    with pytest.raises(CommandError, match="known already"):
        command("--another", "Agency")
    settings.BSG_API_KEY = "live_secret_3"
    assert command("--another", "Agency") == "The account in use is Agency.\n"
    assert "Agency, BSG, https://api.bsg.world/rest (in use)" in command()
