"""The pages of a rehearsal: asked for on the review, marked everywhere, launched for real in one
click.
"""

import pytest
from django.test import Client

from campaigns.compose.editor.rehearsal import rehearse
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.team.models import Role
from tests.compose.factories import contact_list, draft, person, ukrainians

pytestmark = pytest.mark.django_db


@pytest.fixture
def original() -> Campaign:
    return draft(contact_list("A", ukrainians(3)), exclude=[contact_list("B", ukrainians(1))])


def over(rehearsal: Campaign, people: int = 2) -> Campaign:
    """`rehearsal` as it is when everybody in it was sent to."""
    lifecycle.complete_freeze(rehearsal.pk, people)
    lifecycle.finish(rehearsal.pk)
    rehearsal.refresh_from_db()
    return rehearsal


def test_review_rehearses_and_the_draft_stays_one(client: Client, original: Campaign) -> None:
    client.force_login(person())
    page = client.post(f"/campaigns/{original.pk}/rehearse", follow=True).content.decode()
    rehearsal = Campaign.objects.get(purpose=Purpose.REHEARSAL)
    assert (rehearsal.name, rehearsal.state, rehearsal.rehearsal_of) == (
        "Rehearsal: Spring", CampaignState.PREPARING, original,
    )  # fmt: skip
    assert list(rehearsal.exclude_lists.all()) == list(original.exclude_lists.all())
    assert 'class="striped"' in page
    assert "data-mark" in page
    assert f"/campaigns/{rehearsal.pk}/live" not in page  # not before its end
    assert (
        f"/campaigns/{rehearsal.pk}/"
        in client.get(f"/campaigns/{original.pk}/review").content.decode()
    )
    assert "Rehearsal: Spring" not in client.get("/campaigns/").content.decode()
    original.refresh_from_db()
    assert original.state == CampaignState.DRAFT


def test_one_click_launches_it_for_real(client: Client, original: Campaign) -> None:
    client.force_login(person())
    rehearsal = over(rehearse(original, None))
    live = f"/campaigns/{rehearsal.pk}/live"
    assert live in client.get(f"/campaigns/{rehearsal.pk}/").content.decode()
    assert client.post(live)["Location"] == f"/campaigns/{original.pk}/"
    original.refresh_from_db()
    assert (original.state, original.purpose) == (CampaignState.PREPARING, Purpose.CAMPAIGN)
    assert live not in client.get(f"/campaigns/{rehearsal.pk}/").content.decode()


def test_export_says_rehearsal(client: Client, original: Campaign) -> None:
    client.force_login(person())
    rehearsal = over(rehearse(original, None))
    result = client.get(f"/campaigns/{rehearsal.pk}/recipients.csv")
    assert f"rehearsal-{rehearsal.pk}-recipients" in result["Content-Disposition"]


@pytest.mark.parametrize("verb", ["rehearse", "live", "clear"])
def test_only_marketers_rehearse_launch_and_clear(
    client: Client, original: Campaign, verb: str
) -> None:
    rehearsal = over(rehearse(original, None))
    client.force_login(person(Role.VIEWER))
    pk = original.pk if verb == "rehearse" else rehearsal.pk
    assert client.post(f"/campaigns/{pk}/{verb}").status_code == 403
    assert Campaign.objects.count() == 2
    original.refresh_from_db()
    assert original.state == CampaignState.DRAFT


def test_rehearsal_is_not_rehearsed_and_campaign_is_not_launched_as_rehearsal(
    client: Client, original: Campaign
) -> None:
    client.force_login(person())
    rehearsal = over(rehearse(original, None))
    with pytest.raises(lifecycle.Refused, match="Only drafts can be rehearsed"):
        rehearse(rehearsal, None)
    assert client.post(f"/campaigns/{original.pk}/live").status_code == 404
    client.post(f"/campaigns/{original.pk}/clear")
    assert Campaign.objects.filter(pk=original.pk).exists()
