"""The API key of a brand: set by administrators, stored encrypted, and never shown."""

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.models import Campaign
from campaigns.dispatch import evidence
from campaigns.dispatch.models import Evidence
from campaigns.gateway.key_in_use import using
from campaigns.ledger.models import BalanceReading, Channel
from campaigns.management.commands import prepare
from campaigns.reports.installation.metrics import installation_metrics
from campaigns.results.gateway_check import samples
from campaigns.results.money import corrections
from campaigns.shared.brands.scope import MAIN
from campaigns.team import accounts
from campaigns.team.brand_keys import in_use, storage
from campaigns.team.brand_keys.encryption import Unreadable, decrypt
from campaigns.team.models import AuditEntry, Brand, BrandKey, GatewayAccount, Role, User
from campaigns.team.pages.brands.middleware import ActForBrand
from tests.brand_keys import (
    ENCRYPTION_KEY,
    OWN_KEY,
    acting_in,
    give_account,
    give_key,
    make_brand,
    share,
)
from tests.reports.factories import make_user
from tests.sandbox_fixture import RunningSandbox, strict_sandbox
from viberdash.logs import RedactingFormatter

pytestmark = pytest.mark.django_db
PLAIN_KEY = "live_ab-cd-ef-02"  # unlike most keys, so that nothing but knowing it blanks it


@pytest.fixture
def toys(settings: Settings, sandbox: RunningSandbox) -> Brand:
    share(settings, sandbox)
    return make_brand()


@pytest.fixture
def other() -> Iterator[RunningSandbox]:
    with strict_sandbox() as running:
        yield running


@pytest.fixture
def boss() -> User:
    return make_user("boss", Role.ADMINISTRATOR)


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def address(brand: Brand, more: str = "") -> str:
    return f"/settings/brands/{brand.pk}/key{more}"


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def stored_texts() -> Iterator[str]:
    """Every row of every table."""
    for model in apps.get_models():
        yield from (str(row) for row in model._base_manager.values())


def test_key_is_stored_encrypted_and_never_shown(client: Client, boss: User, toys: Brand) -> None:
    answer = client.post(address(toys), {"api_key": f" {OWN_KEY}\n"}, follow=True)
    page = answer.content.decode()
    assert "The API key is set. It is not shown again." in page
    assert "Its own, a live key" in page
    assert "Nobody has said yet which account this key belongs to" in page
    assert f"by {boss}" in text_of(page)
    row = BrandKey.objects.get()
    assert (row.kind, row.set_by) == ("live", boss)
    assert decrypt(toys.pk, row.encrypted) == OWN_KEY
    last = AuditEntry.objects.latest("pk")
    assert (last.actor, last.subject, last.action) == (boss, f"brand:{toys.pk}", "API key set")
    assert last.detail == "live"
    assert [text for text in stored_texts() if OWN_KEY in text] == []
    for path in (address(toys), "/settings/brands/", "/b/toys/settings/", "/settings/status/"):
        assert OWN_KEY not in client.get(path).content.decode()
    admin = client.get(f"/admin/campaigns/brandkey/{toys.pk}/change/").content.decode()
    assert row.encrypted not in admin


def test_each_encryption_differs_and_serves_one_brand(toys: Brand) -> None:
    storage.store(None, toys, OWN_KEY)
    first = BrandKey.objects.get().encrypted
    storage.store(None, toys, OWN_KEY)
    assert BrandKey.objects.get().encrypted != first
    with pytest.raises(Unreadable):
        decrypt(MAIN, first)
    books = make_brand("Books")
    BrandKey.objects.create(brand=books, encrypted=first, kind="live", set_at=timezone.now())
    assert "can't be decrypted" in in_use.key_of_brand(books.pk).problem


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "This field is required."),
        ("live_with blank", "Copy the whole key from BSG"),
        ("live_1234…", "Copy the whole key from BSG"),
        ("live_цілий", "Copy the whole key from BSG"),
        ("live_" + "a" * 200, "at most 200 characters"),
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(
    client: Client, toys: Brand, key: str, message: str
) -> None:
    answer = client.post(address(toys), {"api_key": key})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert message in page
    assert not key or key not in page
    assert not BrandKey.objects.exists()


def test_live_key_of_the_real_gateway_is_refused_while_debug_is_on(
    client: Client, settings: Settings, toys: Brand
) -> None:
    settings.BSG_API_URL = "https://api.bsg.world/rest"
    settings.DEBUG = True
    assert "DEBUG is on" in client.post(address(toys), {"api_key": OWN_KEY}).content.decode()
    settings.ALLOW_INSECURE = ["DEBUG"]
    assert client.post(address(toys), {"api_key": OWN_KEY}).status_code == 302


def test_no_session_stores_a_key(client: Client, toys: Brand) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.get(address(toys)).status_code == 302  # asks who it is before one types
        answer = client.post(address(toys), {"api_key": OWN_KEY})
        assert answer.status_code == 302
        assert "/confirm/" in answer.headers["Location"]
        assert OWN_KEY not in repr(dict(client.session))
    assert not BrandKey.objects.exists()


def test_without_encryption_keys_none_can_be_stored(
    client: Client, settings: Settings, toys: Brand
) -> None:
    settings.KEY_ENCRYPTION_KEYS = []
    page = text_of(client.get(address(toys)).content.decode())
    assert "No key can be stored, as KEY_ENCRYPTION_KEYS is not set" in page
    assert "BSG_API_KEY_TOYS" in page
    assert 'name="api_key"' not in page
    answer = client.post(address(toys), {"api_key": OWN_KEY}, follow=True)
    assert "The key can&#x27;t be set here." in answer.content.decode()
    with pytest.raises(storage.Refused, match="set KEY_ENCRYPTION_KEYS first"):
        storage.store(None, toys, OWN_KEY)
    assert not BrandKey.objects.exists()


def test_key_of_the_environment_leaves_no_form(
    client: Client, settings: Settings, toys: Brand
) -> None:
    settings.BRAND_API_KEYS = {"TOYS": OWN_KEY}
    page = client.get(address(toys)).content.decode()
    assert "The key is BSG_API_KEY_TOYS of the environment." in text_of(page)
    assert 'name="api_key"' not in page
    client.post(address(toys), {"api_key": PLAIN_KEY})
    assert not BrandKey.objects.exists()


def test_removed_key_gives_way_to_the_shared_one(client: Client, toys: Brand) -> None:
    storage.store(None, toys, OWN_KEY)
    page = client.post(address(toys, "/remove"), follow=True).content.decode()
    assert "The API key was removed." in page
    assert "Shared: BSG_API_KEY" in page
    assert not BrandKey.objects.exists()
    assert AuditEntry.objects.latest("pk").action == "API key removed"
    entries = AuditEntry.objects.count()
    client.post(address(toys, "/remove"))
    assert AuditEntry.objects.count() == entries


def test_pages_of_the_brand_ask_whose_key_it_is(
    client: Client, settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    accounts.load()
    give_key(settings, toys, other)
    assert "Whose key is it?" not in client.get("/settings/").content.decode()
    page = client.get("/b/toys/settings/").content.decode()
    assert "The API key of this brand is new" in text_of(page)
    assert other.api_url in page
    found = re.search(r'name="key" value="(\w+)"', page)
    assert found
    client.post("/settings/confirm-account", {"account": "another", "key": found[1]})
    assert GatewayAccount.objects.count() == 1  # of the shared key: that one is known
    client.post("/b/toys/settings/confirm-account", {"account": "another", "key": found[1]})
    newer = GatewayAccount.objects.latest("pk")
    assert GatewayAccount.objects.count() == 2
    assert newer.base_url == other.api_url
    page = client.get("/b/toys/settings/").content.decode()
    assert newer.name in page
    assert newer.name in client.get(address(toys)).content.decode()
    assert accounts.load().is_first


def test_balance_of_each_brand_is_that_of_its_account(
    client: Client, settings: Settings, sandbox: RunningSandbox, other: RunningSandbox, toys: Brand
) -> None:
    give_account(settings, toys, other)
    sandbox.fund("11.5")
    other.fund("22.25")
    assert "11.50" in client.get("/balance").content.decode()
    assert "22.25" in client.get("/b/toys/balance").content.decode()
    assert len(sandbox.requests()) == len(other.requests()) == 1


def test_key_that_cannot_be_read_is_told_everywhere(
    client: Client, settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    give_account(settings, toys, other)
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    text = "The API key of the brand “Toys” can&#x27;t be decrypted"
    for path in ("/b/toys/", "/b/toys/campaigns/", address(toys), "/settings/status/"):
        assert text in client.get(path).content.decode(), path
    assert text not in client.get("/").content.decode()
    with acting_in(toys):
        assert accounts.load().problem
        assert not accounts.load().is_new_key
        with pytest.raises(corrections.CorrectionRefused):
            corrections.enter_correction(
                User.objects.get(), Channel.VIBER, None, Decimal(1),
                "EUR", "",
            )  # fmt: skip
    assert other.requests() == []
    with pytest.raises(CommandError, match="can't be decrypted"):
        call_command("confirm_account", "--brand", "toys", "--another", "X")


def test_status_and_metrics_name_each_account(
    client: Client, settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    own_account = give_account(settings, toys, other)
    now = timezone.now()
    for account_id, amount in ((accounts.load().known[0].pk, 5), (own_account, 7)):
        BalanceReading.objects.create(
            hour=now, at=now, amount=amount, currency="EUR", entered=0, account_id=account_id
        )
    page = text_of(client.get("/settings/status/").content.decode())
    assert "Gateway: Sandbox" in page
    assert "Balance: Toys – Toys" in page
    lines = installation_metrics().decode().splitlines()
    assert 'viberdash_balance{account="Sandbox",currency="EUR"} 5.0' in lines
    assert 'viberdash_balance{account="Toys",currency="EUR"} 7.0' in lines


def test_known_keys_are_blanked_in_logs_evidence_and_samples(toys: Brand) -> None:
    storage.store(None, toys, PLAIN_KEY)
    campaign = Campaign.objects.create(name="Autumn")
    evidence.save(
        [Evidence(campaign=campaign, batch_number=1, what="x", body=f"{{'key': '{PLAIN_KEY}'}}")]
    )
    assert Evidence.objects.get().body == "{'key': '•••'}"
    assert PLAIN_KEY not in samples.mask(f'{{"message": "{PLAIN_KEY}"}}')
    record = logging.LogRecord("x", logging.INFO, "x", 1, f"with {PLAIN_KEY}", (), None)
    assert PLAIN_KEY not in RedactingFormatter().format(record)
    assert PLAIN_KEY not in repr(in_use.key_of_brand(toys.pk))


def test_keys_are_encrypted_again_with_the_first(settings: Settings, toys: Brand) -> None:
    storage.store(None, toys, OWN_KEY)
    newer = Fernet.generate_key().decode()
    settings.KEY_ENCRYPTION_KEYS = [newer, ENCRYPTION_KEY]
    [line] = prepare.encrypt_keys()
    assert line == "API keys encrypted anew with the first of KEY_ENCRYPTION_KEYS: 1."
    assert list(prepare.encrypt_keys()) == []
    settings.KEY_ENCRYPTION_KEYS = [newer]
    assert in_use.key_of_brand(toys.pk).secret == OWN_KEY
    before = BrandKey.objects.get().encrypted
    for keys in ([ENCRYPTION_KEY], []):
        settings.KEY_ENCRYPTION_KEYS = keys
        assert [line.partition(": ")[2] for line in prepare.encrypt_keys()] == ["toys."]
        assert BrandKey.objects.get().encrypted == before


def test_command_decides_for_a_brand(
    settings: Settings, other: RunningSandbox, toys: Brand
) -> None:
    accounts.load()
    give_key(settings, toys, other)
    output = StringIO()
    call_command("confirm_account", "--brand", "toys", stdout=output)
    assert "The key in use is new" in output.getvalue()
    call_command("confirm_account", "--brand", "toys", "--another", "Agency", stdout=output)
    with using(in_use.key_of_brand(toys.pk)):
        current = accounts.load().current
    assert current is not None
    assert current.name == "Agency"
    assert accounts.load().is_first


def test_without_keys_of_brands_a_page_asks_for_brands_once(
    boss: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    class Request:
        user, path_info = boss, "/"
        META = {"brand": ""}

    def view(_request: object) -> None:
        assert accounts.cached().known == ()

    with django_assert_num_queries(1):
        ActForBrand(view)(Request())  # type: ignore[arg-type]
