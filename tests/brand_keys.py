"""Brands with API keys of their own, each of an account at a sandbox of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.fernet import Fernet
from pytest_django import Settings

from campaigns.gateway.key_in_use import GatewayKey, using
from campaigns.shared.brands.scope import acting_for
from campaigns.team import accounts
from campaigns.team.brand_keys import in_use, storage
from campaigns.team.models import Brand
from tests.sandbox_fixture import KEY, RunningSandbox

OWN_KEY = "live_key_of_toys_0001"
ENCRYPTION_KEY = Fernet.generate_key().decode()


def share(settings: Settings, sandbox: RunningSandbox, key: str = KEY) -> None:
    """Let `sandbox` have the account of the environment's key, and let keys be stored."""
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, key
    settings.BRAND_API_URLS, settings.BRAND_API_KEYS = {}, {}
    settings.KEY_ENCRYPTION_KEYS = [ENCRYPTION_KEY]


def make_brand(name: str = "Toys") -> Brand:
    return Brand.objects.create(name=name, slug=name.lower())


def give_key(settings: Settings, brand: Brand, sandbox: RunningSandbox, key: str = OWN_KEY) -> None:
    """Store an API key for `brand`, whose account is at `sandbox`. Nobody says yet whose it is."""
    name = in_use.environment_name(brand.slug)
    settings.BRAND_API_URLS = settings.BRAND_API_URLS | {name: sandbox.api_url}
    storage.store(None, brand, key)
    accounts.forget()


def give_account(
    settings: Settings, brand: Brand, sandbox: RunningSandbox, key: str = OWN_KEY
) -> int:
    """Store a key and say that it belongs to an account of its own; return the account's id."""
    accounts.load()  # the first account is that of the environment
    give_key(settings, brand, sandbox, key)
    with using(in_use.key_of_brand(brand.pk)):
        return accounts.confirm_another(None, brand.name).pk


@contextmanager
def acting_in(brand: Brand) -> Iterator[GatewayKey]:
    """Act for `brand` with its key, as its pages do."""
    with acting_for(brand.pk), in_use.using_key_of(brand.pk) as key:
        yield key
