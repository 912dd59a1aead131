"""Conversions that another system reports."""

from typing import Any

import pytest
from pytest_django import Settings

from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Conversion
from campaigns.models import Campaign, Role
from campaigns.shared.brands.scope import acting_for
from campaigns.team.models import Brand
from campaigns.team.permissions import PERMISSIONS, Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient, client_of
from tests.engagement import visits
from tests.engagement.visits import click_value, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def links(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LINK_BASE_URL, settings.LINK_HOST = f"https://{visits.HOST}", visits.HOST


@pytest.fixture
def campaign() -> Campaign:
    return sent(2, track_conversions=True)


@pytest.fixture
def shop(api_of: MakeClient) -> ApiClient:
    """A token that can report conversions and nothing else."""
    return api_of(Role.MARKETER, {Permission.REPORT_CONVERSIONS})


def order(place: int = 0, **values: Any) -> dict[str, Any]:
    recipient = Recipient.objects.order_by("pk")[place]
    return {"click": click_value(recipient), "id": "order-1", **values}


def errors(answer: Any) -> tuple[int, list[tuple[str, str]]]:
    problem = answer.json()
    return answer.status_code, [(each["field"], each["code"]) for each in problem["errors"]]


def test_order_is_recorded_once(shop: ApiClient, campaign: Campaign) -> None:
    body = order(value="129.9", currency="EUR")
    answer = shop.post("conversions", body)
    made = answer.json()
    assert answer.status_code == 201
    reported_at = made.pop("reported_at")
    assert made == {
        "id": "order-1", "click": body["click"], "campaign_id": campaign.pk,
        "recipient_id": Recipient.objects.order_by("pk")[0].pk, "link": 0,
        "value": {"amount": "129.90", "currency": "EUR"},
    }  # fmt: skip
    again = shop.post("conversions", body | {"value": "129.90"})
    assert (again.status_code, again.json()) == (201, made | {"reported_at": reported_at})
    other = shop.post("conversions", body | {"value": "129.91"})
    assert (other.status_code, other.json()["code"]) == (409, "conversion_id_reused")
    assert Conversion.objects.count() == 1


def test_value_is_optional(shop: ApiClient, campaign: Campaign) -> None:
    answer = shop.post("conversions", order())
    assert (answer.status_code, answer.json()["value"]) == (201, None)
    assert shop.post("conversions", order(value=None, currency=None)).status_code == 201


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"click": "4kT9mXcQ2vB"}, ("click", "not_found")),
        ({"click": "zzzzzzzzzzz"}, ("click", "not_found")),
        ({"click": "0OIl"}, ("click", "string_pattern_mismatch")),
        ({"click": "ї" * 11}, ("click", "string_pattern_mismatch")),
        ({"click": None}, ("click", "string_type")),
        ({"id": ""}, ("id", "string_pattern_mismatch")),
        ({"id": "a b"}, ("id", "string_pattern_mismatch")),
        ({"id": "a" * 101}, ("id", "string_pattern_mismatch")),
        ({"value": "5"}, ("currency", "missing")),
        ({"currency": "EUR"}, ("value", "missing")),
        ({"value": "-5", "currency": "EUR"}, ("value", "string_pattern_mismatch")),
        ({"value": "1.00000001", "currency": "EUR"}, ("value", "string_pattern_mismatch")),
        ({"value": "1e3", "currency": "EUR"}, ("value", "string_pattern_mismatch")),
        ({"value": 5, "currency": "EUR"}, ("value", "string_type")),
        ({"value": "5", "currency": "eur"}, ("currency", "string_pattern_mismatch")),
        ({"phone": "380971234567"}, ("phone", "extra_forbidden")),
    ],
)
def test_what_does_not_fit_is_named(
    shop: ApiClient, campaign: Campaign, values: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert errors(shop.post("conversions", order() | values)) == (422, [problem])
    assert not Conversion.objects.exists()


def test_click_of_a_campaign_that_does_not_track_conversions_is_unknown(shop: ApiClient) -> None:
    sent(1)
    assert errors(shop.post("conversions", order())) == (422, [("click", "not_found")])


def test_another_brand_finds_nothing(
    shop: ApiClient, api_of: MakeClient, campaign: Campaign
) -> None:
    """It may use the same ids for its own."""
    boss = api_of(Role.ADMINISTRATOR)
    toys = Brand.objects.create(name="Toys", slug="toys")
    with acting_for(toys.pk):
        other = client_of(boss.token.owner, PERMISSIONS[Role.ADMINISTRATOR])
    assert other.post("conversions", order()).status_code == 404
    assert not Conversion._base_manager.exists()
    body = order()
    Campaign.objects.filter(pk=campaign.pk).update(brand=toys)
    assert other.post("conversions", body).status_code == 201
    assert shop.post("conversions", body).status_code == 404
    assert Conversion._base_manager.get().brand_id == toys.pk


def test_token_needs_the_scope(api_of: MakeClient, campaign: Campaign) -> None:
    rest = PERMISSIONS[Role.MARKETER] - {Permission.REPORT_CONVERSIONS}
    assert api_of(Role.MARKETER, rest).post("conversions", order()).status_code == 403
    assert api_of(Role.VIEWER).post("conversions", order()).status_code == 403
    only = api_of(Role.MARKETER, {Permission.REPORT_CONVERSIONS})
    assert only.get("campaigns").status_code == 403
