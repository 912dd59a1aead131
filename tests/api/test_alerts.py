"""Alerts by the API: whom the page tells, in its words."""

import pytest
from django.utils import timezone

from campaigns.models import Role
from campaigns.reports.alerts.kinds import kind_of
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.models import Brand
from campaigns.team.permissions import PERMISSIONS
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient, client_of
from tests.reports.alerts.test_pages import make_alert

pytestmark = pytest.mark.django_db


def test_each_is_told_their_own(api: ApiClient, api_of: MakeClient) -> None:
    toys = Brand.objects.create(name="Toys", slug="toys").pk
    disk = make_alert("disk", None, object="a:/data", detail={"free": 3})
    over = make_alert("campaign_paused", MAIN, told_end_at=timezone.now(), over_at=timezone.now())
    paused = make_alert("campaign_paused", MAIN, object="campaign:7", detail={"campaign": 7})
    theirs = make_alert("campaign_paused", toys)
    make_alert("campaign_paused", MAIN, told_start_at=None)  # not told yet
    boss = api_of(Role.ADMINISTRATOR)

    def ids(client: ApiClient, query: str = "") -> list[int]:
        return [row["id"] for row in client.get(f"alerts{query}").json()["items"]]

    assert ids(boss) == [theirs.pk, paused.pk, over.pk, disk.pk]
    assert ids(api) == [paused.pk, over.pk]
    assert ids(api, "?is_open=true") == [paused.pk]
    assert ids(api, "?is_open=false") == [over.pk]
    with acting_for(toys):
        in_toys = client_of(boss.token.owner, PERMISSIONS[Role.MARKETER])
    assert ids(in_toys) == [theirs.pk]
    assert api_of(Role.VIEWER).get("alerts").status_code == 403
    shown = api.get("alerts?is_open=true").json()["items"][0]
    kind = kind_of("campaign_paused")
    assert (shown["object"], shown["brand_id"], shown["is_open"]) == ("campaign:7", MAIN, True)
    assert (shown["text"], shown["what_to_do"]) == (
        kind.sentence(paused.detail),
        kind.what_to_do(paused.detail),
    )
    assert {row["severity"] for row in boss.get("alerts").json()["items"]} <= {
        "critical",
        "warning",
    }
