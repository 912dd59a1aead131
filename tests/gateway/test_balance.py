"""The balance that pages show: asked for once a minute, and read from the cache as it was."""

from decimal import Decimal

import pytest
from django.core.cache import cache
from pytest_django import Settings

from campaigns.gateway import balance
from campaigns.gateway.types import Balance
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.services
THEIRS = Balance(Decimal(1_000_000), "EUR", Decimal(10))


@pytest.fixture(autouse=True)
def _account(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    cache.clear()


def test_balance_is_the_same_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = balance.load_balance()
    assert asked.balance == THEIRS
    monkeypatch.delattr(balance, "_request")  # nothing is asked for any more
    assert balance.load_balance() == asked


def test_failure_is_kept_too(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"  # where nobody answers
    failed = balance.load_balance()
    assert (failed.balance, bool(failed.failure)) == (None, True)
    monkeypatch.delattr(balance, "_request")
    assert balance.load_balance() == failed


@pytest.mark.parametrize("written", ["text", 5, {"amount": "x"}, [1], {"at": None, "failure": ""}])
def test_something_else_in_the_cache_is_asked_for_anew(written: object) -> None:
    cache.set(balance._key(), written)
    assert balance.load_balance().balance == THEIRS
