"""The table of recipients: filters, search, reasons, files."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Recipient
from campaigns.reports.campaign import recipients as people
from campaigns.reports.campaign.reasons import STATES_WITH_REASONS, count_reasons
from campaigns.reports.shared.delivery_counts import load_delivery_counts
from tests.reports.factories import FATES, make_campaign, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign(state=CampaignState.SENDING)
    send(made, {("UA", fate): number for number, fate in enumerate(FATES, start=1)})
    return made


@pytest.mark.parametrize("key", [*people.FILTERS, *people.GROUPS])
def test_each_filter_finds_as_many_as_the_tally_says(campaign: Campaign, key: str) -> None:
    outcome = load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk]
    chosen = people.read_query({"state": key}, masked=False)
    result = people.filter_recipients(campaign, chosen)
    assert (result.count(), result.exists()) == (people.count_recipients(outcome, chosen), True)
    assert list(people.load_page(campaign, chosen, outcome, "").rows) == list(
        result.order_by("batch_number", "pk")
    )


def test_the_filters_leave_nobody_out(campaign: Campaign) -> None:
    result = [
        people.filter_recipients(campaign, people.RecipientQuery(state)).count()
        for state in people.FILTERS.values()
    ]
    assert sum(result) == campaign.audience == Recipient.objects.filter(campaign=campaign).count()


def test_search_finds_any_part_of_a_phone(campaign: Campaign) -> None:
    result = people.filter_recipients(
        campaign, people.read_query({"phone": "67-000-00 07"}, masked=False)
    )
    assert [person.msisdn for person in result] == ["380670000007"]
    assert (
        people.filter_recipients(
            campaign, people.read_query({"phone": "0091"}, masked=False)
        ).count()
        == 1
    )
    dialled = people.read_query({"phone": "0038067000 0007"}, masked=False)
    assert people.filter_recipients(campaign, dialled).count() == 1


@pytest.mark.parametrize(
    "query",
    [
        {"state": "happy"},
        {"phone": "abc\0"},
        {"phone": "%"},
        {"country": "\0"},
        {"why": "0.opt_out"},
        {"state": "read", "country": "Ukraine"},
    ],
)
def test_filter_that_cannot_be_read_selects_nobody(
    campaign: Campaign, query: dict[str, str]
) -> None:
    outcome = load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk]
    chosen = people.read_query(query, masked=False)
    assert people.filter_recipients(campaign, chosen).count() == 0
    assert people.count_recipients(outcome, chosen) == 0
    assert list(people.load_page(campaign, chosen, outcome, "").rows) == []
    assert list(people.export_rows(campaign, chosen, masked=False)) == []


@pytest.mark.parametrize(
    ("fate", "text"),
    [
        ("queued", ""),
        ("accepted", "Not yet known"),
        ("sent", "Sent, not delivered yet"),
        ("delivered", ""),
        ("read", ""),
        ("sms", "Not reached within the validity period; SMS sent"),
        ("sms_delivered", "Does not use Viber; SMS delivered"),
        ("not_delivered", "Could not be delivered"),
        ("refused", "BSG does not accept this phone number. Error 41."),
        ("unresolved", "Unknown whether the gateway accepted the message."),
        ("cancelled", "The campaign was cancelled before their turn."),
        ("stopped", "Added to the stop list after the launch."),
    ],
)
def test_reason(fate: str, text: str) -> None:
    made = FATES[fate]
    person = Recipient(
        send_state=made.send_state,
        delivery_state=made.delivery_state,
        status=made.status,
        error_code=made.error_code,
        reason=made.reason,
    )
    assert people.reason_text(person) == text


def test_undocumented_reason_is_kept() -> None:
    assert people.reason_text(Recipient(send_state="accepted", status="teleported")) == "teleported"
    assert people.reason_text(Recipient(send_state="refused", error_code=777)) == (
        "BSG refused the message with an undocumented error. Error 777."
    )


def test_viber_price_is_the_newest_that_was_named() -> None:
    assert people.viber_price(Recipient(charged=Decimal("0.2"))) == Decimal("0.2")
    assert people.viber_price(Recipient(charged=Decimal("0.2"), viber_price=Decimal(0))) == 0
    assert people.viber_price(Recipient()) is None


def test_export_has_everybody_once_in_order_over_many_reads(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "EXPORT_ROWS", 50)
    with CaptureQueriesContext(connection) as queries:
        rows = list(people.export_rows(campaign, people.RecipientQuery(), masked=False))
    # the last batch, one read for each of the two batches and what lies beyond, and the names of
    # the recipients of each batch
    assert len(queries) == 6
    assert [row[0] for row in rows] == list(
        Recipient.objects.filter(campaign=campaign)
        .order_by("batch_number", "pk")
        .values_list("msisdn", flat=True)
    )
    assert len(rows[0]) == len(people.EXPORT_COLUMNS)


def test_export_keeps_the_filter_and_masks_for_viewers(campaign: Campaign) -> None:
    [row] = people.export_rows(
        campaign, people.read_query({"state": "queued"}, masked=False), masked=True
    )
    assert (row[0], row[2]) == ("3806•••01", "Queued")


def test_export_of_nobody_is_empty() -> None:
    assert list(people.export_rows(make_campaign(), people.RecipientQuery(), masked=False)) == []


@pytest.mark.parametrize("state", people.FILTERS)
def test_each_reason_selects_the_people_it_counts(campaign: Campaign, state: str) -> None:
    outcome = load_delivery_counts({campaign.pk: campaign.audience})[campaign.pk]
    shares = count_reasons(outcome, state)
    for share in shares:
        chosen = people.read_query({"state": state, "why": share.key}, masked=False)
        result = people.filter_recipients(campaign, chosen)
        assert result.count() == share.number == people.count_recipients(outcome, chosen)
        assert list(people.load_page(campaign, chosen, outcome, "").rows) == list(
            result.order_by("batch_number", "pk")
        )
    whole = people.FILTERS[state].number(outcome)
    assert sum(share.number for share in shares) == (whole if state in STATES_WITH_REASONS else 0)


@pytest.mark.parametrize("why", ["x", "99999.", "-1.", "1", ".", "\0", "٣.", "9" * 60])
def test_malformed_reason_selects_nobody(campaign: Campaign, why: str) -> None:
    for state in STATES_WITH_REASONS:
        chosen = people.read_query({"state": state, "why": why}, masked=False)
        assert people.filter_recipients(campaign, chosen).count() == 0 or not chosen.why


def test_search_in_a_large_campaign_is_by_the_beginning(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "ANY_PART_MAX", 0)
    everybody = list(campaign.recipients.values_list("msisdn", flat=True))
    for digits in (everybody[5], "380", "4850", "9", "99999", "999999", "67"):
        chosen = people.read_query({"phone": digits}, masked=False)
        result = people.filter_recipients(campaign, chosen).order_by(
            people.page_column(campaign, chosen)
        )
        assert list(result.values_list("msisdn", flat=True)) == sorted(
            phone for phone in everybody if phone.startswith(digits)
        )
    assert people.page_column(campaign, chosen) == "msisdn"


@pytest.mark.parametrize(
    ("dialled", "stored"),
    [
        ("050123", "38050123"),
        ("067", "38067"),
        ("0038050", "38050"),
        ("0038067", "38067"),
        ("0", "380"),
        ("000", "380"),
        ("380679", "380679"),
        ("999", "999"),
    ],
)
def test_dialled_zeros_do_not_select_everybody(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, dialled: str, stored: str
) -> None:
    monkeypatch.setattr(people, "ANY_PART_MAX", 0)
    chosen = people.read_query({"phone": dialled}, masked=False)
    result = set(people.filter_recipients(campaign, chosen).values_list("msisdn", flat=True))
    everybody = campaign.recipients.values_list("msisdn", flat=True)
    assert result == {phone for phone in everybody if phone.startswith(stored)}
