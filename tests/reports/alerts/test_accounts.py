"""Alerts about the account of a brand that has an API key of its own."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import AccountRate
from campaigns.gateway.key_in_use import using
from campaigns.ledger.models import BalanceReading
from campaigns.reports.alerts.kinds import kind_of
from campaigns.reports.alerts.open_alerts import url_of
from campaigns.team import accounts
from campaigns.team.alerts.models import Alert
from campaigns.team.brand_keys.in_use import key_of_brand
from campaigns.team.models import Brand, GatewayAccount, OutgoingMail, Role
from tests.brand_keys import OWN_KEY, make_brand
from tests.reports.alerts.conftest import START, Site
from tests.reports.factories import make_campaign, make_user

NOTHING: tuple[list[str], list[str]] = ([], [])


@pytest.fixture
def toys(site: Site, settings: Settings) -> Brand:
    """A brand whose key is not known yet, beside that of the environment, which is."""
    settings.BRAND_API_URLS, settings.BRAND_API_KEYS = {}, {}
    accounts.forget()
    accounts.load()
    settings.BRAND_API_KEYS = {"TOYS": OWN_KEY}
    return make_brand()


def account_of(brand: Brand) -> GatewayAccount:
    with using(key_of_brand(brand.pk)):
        return accounts.confirm_another(None, brand.name)


def read_balance(account: GatewayAccount, amount: str) -> None:
    BalanceReading.objects.create(
        hour=START, at=START, amount=Decimal(amount), currency="EUR", account=account, entered=0
    )


def alert() -> Alert:
    return Alert._base_manager.get(told_end_at=None)


def test_key_that_is_not_known(site: Site, toys: Brand) -> None:
    name = f"new_key brand:{toys.pk}"
    assert [site.look(minute) for minute in (0, 3, 5)] == [NOTHING, NOTHING, ([name], [])]
    assert kind_of("new_key").sentence(alert().detail) == (
        "Brand “Toys”: The gateway's address or API key has changed, so nothing is sent or asked."
    )
    account_of(toys)
    assert [site.look(minute) for minute in (6, 11)] == [NOTHING, ([], [name])]


def test_balance_of_each_account(site: Site, toys: Brand, settings: Settings) -> None:
    settings.BALANCE_ALERT = {"EUR": Decimal(50)}
    make_user("boss", Role.ADMINISTRATOR, email="boss@example.com")
    read_balance(GatewayAccount.objects.get(), "100")
    own = account_of(toys)
    read_balance(own, "12.3")
    name = f"balance EUR brand:{toys.pk}"
    assert site.look(0) == ([name], [])
    told = alert()
    assert kind_of("balance").sentence(told.detail) == (
        "Brand “Toys”: 12.30 EUR left: nothing was spent in the last 7 days."
    )
    assert (told.brand, url_of(told)) == (toys, "/b/toys/spend/")
    assert [mail.address for mail in OutgoingMail.objects.all()] == ["boss@example.com"]
    BalanceReading.objects.filter(account=own).update(amount=Decimal(60))
    assert site.look(1) == ([], [name])


def test_account_that_two_keys_have_is_named_once(
    site: Site, toys: Brand, settings: Settings
) -> None:
    settings.BALANCE_ALERT = {"EUR": Decimal(50)}
    shared = GatewayAccount.objects.get()
    with using(key_of_brand(toys.pk)):
        accounts.confirm_same(None, shared.pk)
    read_balance(shared, "1")
    assert site.look(0) == (["balance EUR"], [])
    assert alert().brand is None


def test_gateway_is_silent_for_the_campaigns_of_the_account(site: Site, toys: Brand) -> None:
    own = account_of(toys)
    AccountRate.objects.create(pk=own.pk, at=START, success_at=START, failures=2)
    make_campaign("Of the environment's account", CampaignState.SENDING)
    assert [site.look(minute) for minute in (0, 6)] == [NOTHING, NOTHING]
    make_campaign("Theirs", CampaignState.SENDING, brand=toys)
    name = f"gateway brand:{toys.pk}"
    assert [site.look(minute) for minute in (7, 9, 12)] == [NOTHING, NOTHING, ([name], [])]
    AccountRate.objects.update(failures=0, success_at=START + timedelta(minutes=13))
    assert [site.look(minute) for minute in (13, 18)] == [NOTHING, ([], [name])]
