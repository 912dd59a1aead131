"""Pages that begin after the last row of the one before."""

import pytest
from django.db.models import F

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.shared.paging import read_merged, read_slice
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign(state=CampaignState.FINISHED)
    send(made, {("UA", "read"): 120})
    return made


def test_read_slice_walks_forwards_and_back_over_every_row_once(campaign: Campaign) -> None:
    rows = Recipient.objects.filter(campaign=campaign)
    pages, at = [], ""
    while True:
        page = read_slice(rows, "batch_number", at)
        pages.append([row.pk for row in page.rows])
        if not page.after:
            break
        at = page.after
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [pk for page_of in pages for pk in page_of] == list(
        rows.order_by("batch_number", "pk").values_list("pk", flat=True)
    )
    back = read_slice(rows, "batch_number", page.before)
    assert [row.pk for row in back.rows] == pages[1]
    first = read_slice(rows, "batch_number", back.before)
    assert ([row.pk for row in first.rows], first.before, bool(first.after)) == (pages[0], "", True)


def test_read_merged_walks_over_the_rows_of_all_parts_in_one_order(campaign: Campaign) -> None:
    rows = Recipient.objects.filter(campaign=campaign)
    third = F("pk") % 3
    parts = [rows.alias(third=third).filter(third=rest) for rest in range(3)]
    for at in (
        "",
        read_slice(rows, "batch_number", "").after,
        read_slice(rows, "batch_number", "b3.999999999").before,
    ):
        assert read_merged(parts, "batch_number", at) == read_slice(rows, "batch_number", at)
    assert not read_merged([], "batch_number", "")


def test_read_slice_of_few_rows_has_no_neighbours(campaign: Campaign) -> None:
    page = read_slice(
        Recipient.objects.filter(campaign=campaign, batch_number=3), "batch_number", ""
    )
    assert (len(page.rows), page.before, page.after) == (20, "", "")


def test_read_slice_of_exactly_one_page_has_no_next(campaign: Campaign) -> None:
    page = read_slice(
        Recipient.objects.filter(campaign=campaign, batch_number=1), "batch_number", ""
    )
    assert (len(page.rows), page.after) == (50, "")


@pytest.mark.parametrize("at", ["x", "a", "b1", "a1.", "a.1", "aone.two", "a1.2.3'", "a" * 400])
def test_read_slice_takes_malformed_positions_for_the_first_page(
    campaign: Campaign, at: str
) -> None:
    page = read_slice(Recipient.objects.filter(campaign=campaign), "batch_number", at)
    assert (page.rows[0].batch_number, page.before) == (1, "")


@pytest.mark.parametrize(
    "at", ["a99999999999999999999.1", "a1.99999999999999999999", "b-99999999999999999999.1"]
)
def test_read_slice_beyond_all_numbers_does_not_fail(campaign: Campaign, at: str) -> None:
    assert (
        len(read_slice(Recipient.objects.filter(campaign=campaign), "batch_number", at).rows) <= 50
    )
