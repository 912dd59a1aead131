import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Evidence
from campaigns.reports.campaign.unusual_responses import SHOWN_CHARACTERS, format_responses
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
BODY = (
    '{"result":[{"reference":"12345678901234567890123456789012","msisdn":"380671234567",'
    '"price":0.2300000,"id":7}]}'
)


def kept(body: str, what: str = "Refused: 5 Server error") -> Evidence:
    return Evidence(
        campaign_id=1, batch_number=3, what=what, http_status=500, body=body, at=timezone.now()
    )


def test_json_is_shown_line_by_line_with_its_decimals() -> None:
    [response] = format_responses([kept(BODY)], masked=False)
    assert response.body.splitlines()[2:7] == [
        "    {",
        '      "reference": "12345678901234567890123456789012",',
        '      "msisdn": "380671234567",',
        '      "price": 0.2300000,',
        '      "id": 7',
    ]


def test_answer_that_is_no_json_is_shown_unchanged() -> None:
    [response] = format_responses([kept("<html>Bad gateway")], masked=False)
    assert (response.body, response.hidden) == ("<html>Bad gateway", 0)


def test_a_long_answer_is_cut() -> None:
    [response] = format_responses([kept("x" * (SHOWN_CHARACTERS + 7))], masked=False)
    assert (len(response.body), response.hidden) == (SHOWN_CHARACTERS, 7)


def test_phones_are_masked_for_those_who_must_not_see_them() -> None:
    [response] = format_responses([kept(BODY, what="+380671234567 is not valid")], masked=True)
    assert '"msisdn": "3806•••67"' in response.body
    assert "380671234567" not in response.body
    assert response.description == "+3806•••67 is not valid"
    assert "12345678901234567890123456789012" in response.body  # a reference is no phone


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign("Autumn", CampaignState.SENDING)


def test_page_masks_for_viewers_and_goes_by_pages(
    campaign: Campaign, marketer: Client, viewer: Client
) -> None:
    Evidence.objects.bulk_create(
        Evidence(
            campaign=campaign,
            batch_number=number,
            what=f"Answer {number}",
            body=f"+38067{number:07d}",
        )
        for number in range(60)
    )
    first = marketer.get(f"/campaigns/{campaign.pk}/?tab=activity").content.decode()
    assert "Answer 59" in first
    assert "Answer 9<" not in first
    assert "+380670000059" in first
    second = viewer.get(f"/campaigns/{campaign.pk}/?tab=activity&answers=2").content.decode()
    assert "+3806•••09" in second
    assert "+38067000" not in second
    assert "51–60 of 60" in second
    assert "tab=activity" in second[second.index('id="answers"') :]
