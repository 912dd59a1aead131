"""The frequency cap, consent and proposals for the stop list by the API."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.compose.models import FrequencyCap
from campaigns.contacts.lists.models import StopProposal
from campaigns.models import AuditEntry, Campaign, CampaignState, Role, StopListEntry
from campaigns.team.models import Brand
from campaigns.team.permissions import Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
AT = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.fixture
def boss(api_of: MakeClient) -> ApiClient:
    return api_of(Role.ADMINISTRATOR)


def test_the_cap_of_the_brand_is_set_and_removed(boss: ApiClient, api: ApiClient) -> None:
    assert api.get("frequency-cap").json() == {"frequency_cap": None}
    cap = {"messages": 3, "days": 7}
    assert boss.put("frequency-cap", cap).json() == {"frequency_cap": cap}
    assert api.get("me").json()["brand"]["frequency_cap"] == cap
    for wrong in ({"messages": 0, "days": 7}, {"messages": 3}, {"messages": "3", "days": 7}):
        assert boss.put("frequency-cap", wrong).status_code == 422
    assert api.put("frequency-cap", cap).status_code == 403
    assert boss.delete("frequency-cap").status_code == 204
    assert boss.delete("frequency-cap").status_code == 404
    assert not FrequencyCap.objects.exists()
    entries = AuditEntry.objects.filter(subject__startswith="frequencycap:").order_by("pk")
    assert list(entries.values_list("action", flat=True)) == ["set", "removed"]


@pytest.mark.parametrize(
    ("body", "columns", "shown"),
    [
        ({"cap": "own", "messages": 2, "days": 3}, (2, 3), {"messages": 2, "days": 3}),
        ({"cap": "none"}, (0, None), None),
        ({"cap": "brand"}, (None, None), {"messages": 1, "days": 7}),
    ],
)
def test_a_draft_gets_a_cap_of_its_own(
    boss: ApiClient, body: dict[str, object], columns: object, shown: object
) -> None:
    draft = make_campaign(promotional=True)
    address = f"campaigns/{draft.pk}/frequency-cap"
    refused = boss.put(address, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    FrequencyCap.objects.create(messages=1, days=7)
    assert boss.put(address, body).json()["frequency_cap"] == shown
    saved = Campaign.objects.get(pk=draft.pk)
    assert (saved.cap_messages, saved.cap_days) == columns


def test_a_cap_of_a_draft_is_refused_where_it_says_nothing(boss: ApiClient, api: ApiClient) -> None:
    FrequencyCap.objects.create(messages=1, days=7)
    draft = make_campaign(promotional=True)
    address = f"campaigns/{draft.pk}/frequency-cap"
    for wrong in ({"cap": "own"}, {"cap": "none", "messages": 3, "days": 1}, {"cap": "other"}):
        assert boss.put(address, wrong).status_code == 422
    assert api.put(address, {"cap": "none"}).status_code == 403
    sent = make_campaign("Sent", CampaignState.FINISHED, promotional=True)
    assert boss.put(f"campaigns/{sent.pk}/frequency-cap", {"cap": "none"}).status_code == 409


def test_consent_can_be_required(boss: ApiClient, api: ApiClient) -> None:
    name = "promotional_needs_consent"
    assert api.get("consent-setting").json() == {name: False}
    assert boss.put("consent-setting", {name: True}).json() == {name: True}
    assert Brand.objects.get().promotional_needs_consent
    assert api.get("me").json()["brand"][name]
    assert boss.put("consent-setting", {name: "yes"}).status_code == 422
    assert api.put("consent-setting", {name: False}).status_code == 403


@pytest.fixture
def proposals() -> list[StopProposal]:
    campaign = make_campaign(state=CampaignState.FINISHED)
    return [
        StopProposal.objects.create(
            msisdn=f"38097123450{digit}", failures=3, status="not_viber_user", campaign=campaign,
            last_at=AT, proposed_at=AT + timedelta(hours=1), checked_at=AT,
        )
        for digit in range(3)
    ]  # fmt: skip


def test_proposals_are_listed_accepted_and_dismissed(
    api: ApiClient, proposals: list[StopProposal]
) -> None:
    first, second, third = (proposal.pk for proposal in proposals)
    items = api.get("stop-list-proposals").json()["items"]
    assert [item["id"] for item in items] == [third, second, first]
    assert items[0] == {
        "id": third, "phone": "+380971234502", "person_id": items[0]["person_id"], "failures": 3,
        "status": "not_viber_user", "reason": "Does not use Viber, 3 messages in a row",
        "campaign_id": proposals[0].campaign_id, "last_at": "2027-06-01T00:00:00Z",
        "proposed_at": "2027-06-01T01:00:00Z",
    }  # fmt: skip
    assert api.post("stop-list-proposals/accept", {"ids": [first]}).json() == {"decided": 1}
    assert api.post("stop-list-proposals/accept", {"ids": [first]}).json() == {"decided": 0}
    assert api.post("stop-list-proposals/dismiss", {"ids": [second]}).json() == {"decided": 1}
    assert StopListEntry.objects.get().msisdn == "380971234500"
    assert [item["id"] for item in api.get("stop-list-proposals").json()["items"]] == [third]


def test_phones_of_proposals_are_masked(api_of: MakeClient, proposals: list[StopProposal]) -> None:
    api = api_of(Role.MARKETER, {Permission.VIEW, Permission.EDIT_STOP_LIST})
    assert "3809712345" not in api.get("stop-list-proposals").content.decode()
    assert api_of(Role.VIEWER).get("stop-list-proposals").status_code == 403


def test_the_number_of_failures_is_set(boss: ApiClient, api: ApiClient) -> None:
    address = "stop-list-proposals/setting"
    assert api.get(address).json() == {"failures": 3}
    assert boss.put(address, {"failures": 0}).json() == {"failures": 0}
    assert boss.put(address, {"failures": 51}).status_code == 422
    assert api.put(address, {"failures": 5}).status_code == 403
