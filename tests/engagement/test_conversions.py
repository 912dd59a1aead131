"""What a link passes on of who opened it, and what is stored of a conversion."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.compose.editor.campaign_file import READERS
from campaigns.compose.editor.drafts import duplicate
from campaigns.compose.editor.form import CampaignForm
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.engagement import conversions
from campaigns.engagement.conversions import OtherContentError, UnknownClickError, find_click
from campaigns.engagement.models import Conversion
from campaigns.engagement.targets import with_click
from campaigns.ledger.models import LedgerEntry
from campaigns.shared.brands.scope import MAIN
from campaigns.shared.changes.models import Change, WantedKind
from campaigns.team.models import Role, User
from tests.engagement.visits import SHOP, click, click_value, code, open_path, sent

pytestmark = pytest.mark.django_db
SOME = "4kT9mXcQ2vB"


def first() -> Recipient:
    return Recipient.objects.order_by("pk")[0]


def location(recipient: Recipient, number: int = 0) -> str:
    return open_path(f"/{code(recipient, number)}").headers["Location"]


@pytest.mark.parametrize(
    ("address", "marked"),
    [
        ("https://a.example", "https://a.example?vd_click=X"),
        ("https://a.example/", "https://a.example/?vd_click=X"),
        ("https://a.example/?a=1&b=2", "https://a.example/?a=1&b=2&vd_click=X"),
        ("https://a.example/#top", "https://a.example/?vd_click=X#top"),
        ("https://a.example/?a=1#top?x=1#y", "https://a.example/?a=1&vd_click=X#top?x=1#y"),
        ("https://a.example/?", "https://a.example/?vd_click=X"),
        ("https://a.example/?a=1&", "https://a.example/?a=1&vd_click=X"),
        ("https://a.example/?a=%23", "https://a.example/?a=%23&vd_click=X"),
    ],
)
def test_parameter_leaves_query_and_fragment(address: str, marked: str) -> None:
    assert with_click(address, "X") == marked


def test_links_pass_on_who_opened_them() -> None:
    """Each recipient and link another value, which opens no link and has nothing of the phone."""
    sent(2, track_conversions=True)
    one, two = Recipient.objects.order_by("pk")
    values = [parse_qs(urlsplit(location(each, number)).query)["vd_click"] for each, number in (
        (one, 0), (one, 1), (two, 0), (one, 0),
    )]  # fmt: skip
    assert values[0] == values[3] == [click_value(one)]
    assert len({value for [value] in values}) == 3
    assert open_path(f"/{click_value(one)}").status == 404
    assert code(one) != click_value(one)
    assert location(one, 2) == f"{SHOP}sms?vd_click={click_value(one, 2)}"


def test_links_pass_on_nothing_unless_the_campaign_says_so() -> None:
    sent(1)
    assert location(first()) == f"{SHOP}?utm_source=viber"
    with pytest.raises(UnknownClickError):
        find_click(click_value(first()))


def test_redirect_asks_no_more_and_writes_nothing() -> None:
    counts = []
    for is_on in (False, True):
        sent(1, track_conversions=is_on)
        path = f"/{code(Recipient.objects.order_by('-pk')[0])}"
        open_path(path)
        with CaptureQueriesContext(connection) as queries:
            assert open_path(path).status == 302
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert not Conversion.objects.exists()


def test_value_stands_for_its_recipient_and_link() -> None:
    campaign = sent(2, track_conversions=True)
    two = Recipient.objects.order_by("pk")[1]
    found = find_click(click_value(two, 1))
    assert (found.recipient, found.campaign, found.number) == (two, campaign, 1)


@pytest.mark.parametrize("value", ["", "x", SOME, SOME[:-1], f"{SOME}1", "0" * 11, "ї" * 11])
def test_what_is_no_value_is_unknown(value: str) -> None:
    sent(1, track_conversions=True)
    with pytest.raises(UnknownClickError):
        find_click(value)


def test_code_of_a_link_and_a_link_that_is_none_are_no_clicks() -> None:
    sent(1, track_conversions=True, text="Stop: {unsubscribe}")
    for value in (code(first()), click_value(first(), 3), click_value(first(), 15)):
        with pytest.raises(UnknownClickError):
            find_click(value)


def test_conversion_is_recorded_once() -> None:
    campaign = sent(1, track_conversions=True)
    found = find_click(click_value(first(), 1))
    entries = LedgerEntry.objects.count()
    made = conversions.record(found, "A-1", Decimal("12.5"), "EUR")
    assert conversions.record(found, "A-1", Decimal("12.50"), "EUR") == made
    [row] = Conversion.objects.all()
    assert (row.brand_id, row.campaign, row.recipient, row.number) == (MAIN, campaign, first(), 1)
    assert (row.conversion_id, row.value, row.currency) == ("A-1", Decimal("12.5"), "EUR")
    assert LedgerEntry.objects.count() == entries


@pytest.mark.parametrize(
    "content",
    [(Decimal("12.51"), "EUR"), (Decimal("12.5"), "USD"), (None, ""), (Decimal(0), "EUR")],
)
def test_other_content_with_the_same_id_is_refused(content: tuple[Decimal | None, str]) -> None:
    sent(1, track_conversions=True)
    found = find_click(click_value(first()))
    conversions.record(found, "A-1", Decimal("12.5"), "EUR")
    with pytest.raises(OtherContentError):
        conversions.record(found, "A-1", *content)
    with pytest.raises(OtherContentError):
        conversions.record(find_click(click_value(first(), 1)), "A-1", Decimal("12.5"), "EUR")
    assert Conversion.objects.get().value == Decimal("12.5")


def test_webhooks_are_told_once() -> None:
    WantedKind.objects.create(brand_id=MAIN, kind="message.converted")
    campaign = sent(1, track_conversions=True)
    found = find_click(click_value(first(), 2))
    for _again in range(2):
        conversions.record(found, "A-1", Decimal("0.1"), "EUR")
    [change] = Change.objects.all()
    assert (change.kind, change.object_id, change.messages) == (
        "message.converted", campaign.pk, [first().pk],
    )  # fmt: skip
    assert change.facts == {
        "conversion": {"id": "A-1", "value": "0.10", "currency": "EUR"}, "link": {"number": 2},
    }  # fmt: skip


def test_form_and_campaign_file_switch_it_on() -> None:
    typed = {"name": "A", "text": f"See {SHOP}", "sms_text": ""}
    for value, is_on in (({}, False), ({"track_conversions": "True"}, True)):
        form = CampaignForm({**typed, **value})
        form.is_valid()
        assert form.fill(Campaign()).track_conversions is is_on
    assert READERS["track_conversions"]("track_conversions", True) == {"track_conversions": "True"}
    copy = duplicate(
        sent(1, track_conversions=True), User.objects.create_user("m", role=Role.MARKETER)
    )
    assert copy.track_conversions


def test_clicks_are_stored_as_without_it() -> None:
    sent(1, track_conversions=True)
    assert click(first()).status == 302
    assert first().clicks.count() == 1
