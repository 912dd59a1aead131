"""Links of variants: each leads where its own variant says, in the test and after it."""

from typing import Any

import pytest
from pytest_django import Settings

from campaigns.compose.models import Campaign
from campaigns.dispatch import variants
from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement import conversions
from campaigns.engagement.targets import LinkTargets
from campaigns.reports.campaign.clicks import load_figures
from campaigns.reports.campaign.progress import load_progress
from campaigns.results.variants.figures import load_figures as variant_figures
from tests.dispatch.test_variants import launched, other
from tests.engagement.visits import HOST, SHOP, click, code

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(settings: Settings) -> Campaign:
    settings.LINK_BASE_URL, settings.LINK_HOST = f"https://{HOST}", HOST
    texts: dict[str, Any] = {
        "text": f"A {SHOP}a STOP", "variants": [other(f"B {SHOP}b1 {SHOP}b2")]
    }  # fmt: skip
    return launched(letters="AB", **texts)


def of(letter: str) -> Recipient:
    batch = Batch.objects.filter(variant=letter)[0]
    return Recipient.objects.filter(batch_number=batch.number)[0]


def test_a_code_leads_where_the_variant_of_its_recipient_says(campaign: Campaign) -> None:
    rest, targets = of(""), LinkTargets()
    found = {letter: targets.find(code(of(letter))) for letter in "AB"}
    assert {letter: link and link.address for letter, link in found.items()} == {
        "A": f"{SHOP}a", "B": f"{SHOP}b1"
    }  # fmt: skip
    assert targets.find(code(of("A"), 1)) is None
    second = targets.find(code(of("B"), 1))
    assert second is not None
    assert second.address == f"{SHOP}b2"
    variants.decide(campaign.pk, "B", None, "")
    link = LinkTargets().find(code(rest, 1))
    assert link is not None
    assert link.address == f"{SHOP}b2"


def test_clicks_are_counted_by_the_link_of_each_variant(campaign: Campaign) -> None:
    Batch.objects.update(first_sent_at="2026-01-01T00:00Z")
    for letter, number in (("A", 0), ("B", 0), ("B", 1), ("B", 1)):
        assert click(of(letter), number).status == 302
    figures = load_figures(campaign, load_progress(campaign).counts)
    assert [(each.label, each.detail, each.clicks) for each in figures.links] == [
        ("A: Text", f"{SHOP}a", 1), ("B: Text", f"{SHOP}b1", 1), ("B: Text", f"{SHOP}b2", 2),
    ]  # fmt: skip


def test_conversions_are_counted_by_variant_and_decide(campaign: Campaign) -> None:
    Campaign.objects.update(track_conversions=True, decision_measure="conversion")
    campaign.refresh_from_db()
    for letter, number in (("A", 0), ("B", 1)):
        link = LinkTargets().find(code(of(letter), number))
        assert link is not None
        value = link.address.partition("vd_click=")[2]
        conversions.record(conversions.find_click(value), f"order {letter}")
    figures = variant_figures(campaign)
    assert {letter: figures[letter].converted for letter in "AB"} == {"A": 1, "B": 1}
    assert figures["B"].rate("conversion").hits == 1
    assert figures["B"].clicked == 0
