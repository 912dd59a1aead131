"""The Spend room."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from python_calamine import CalamineWorkbook

from campaigns.compose.models import Campaign, CampaignState, Label
from tests.markup import squeezed
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
DAYS = "from=2026-03-01&to=2026-03-31"


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return squeezed(answer.content.decode())


def at(day: int) -> datetime:
    return datetime(2026, 3, day, 12, tzinfo=UTC)


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign("=Весна", CampaignState.FINISHED)
    send(made, {("UA", "read"): 3, ("PL", "sms"): 2}, at=at(2))
    send(made, {("UA", "read"): 1}, Decimal("1.5"), "USD", at=at(3))
    send(made, {("UA", "unpriced"): 12}, at=at(3))
    return made


def test_spend_numbers(marketer: Client, campaign: Campaign) -> None:
    page = text(marketer, f"/spend/?{DAYS}")
    assert 'title="0.0703701 EUR">0.0704&nbsp;<span class="currency">EUR' in page
    assert 'title="0.082001 EUR">0.082&nbsp;<span class="currency">EUR' in page
    assert 'title="0.1523711 EUR">0.1524&nbsp;<span class="currency">EUR' in page
    assert '1.50&nbsp;<span class="currency">USD' in page
    assert "12 prices are not yet known" in page
    assert "1.65" not in page  # never across currencies


def test_empty_spend_page_says_what_belongs_there(marketer: Client) -> None:
    assert "Nothing was spent in this period." in text(marketer, "/spend/")
    assert "with these filters" in text(marketer, "/spend/?country=UA")


def test_spend_names_invalid_days(marketer: Client) -> None:
    assert "Choose a last day after the first." in text(
        marketer, "/spend/?from=2026-03-05&to=2026-03-01"
    )


def test_spend_links_down_to_the_entries(marketer: Client, campaign: Campaign) -> None:
    day = marketer.get(f"/spend/?{DAYS}").context["page"].object_list[-1].url
    row = marketer.get(day).context["page"].object_list[0]
    assert (row.name, row.bill.costs[0].total) == ("=Весна", Decimal("0.1523711"))
    answer = marketer.get(row.url)
    entries = [entry for entry, _country in answer.context["rows"]]
    assert (len(entries), sum(entry.amount for entry in entries)) == (9, Decimal("0.1523711"))
    assert answer.context["bill"].costs[0].total == Decimal("0.1523711")


def test_entries_by_country_and_channel(marketer: Client, campaign: Campaign) -> None:
    address = f"/spend/entries/?campaign={campaign.pk}&{DAYS}"
    assert len(marketer.get(f"{address}&country=PL").context["rows"]) == 6
    answer = marketer.get(f"{address}&country=PL&channel=sms")
    assert len(answer.context["rows"]) == 2
    assert answer.context["bill"].costs[0].total == Decimal("0.0820010")


def test_entries_whose_price_is_not_known_say_so(marketer: Client, campaign: Campaign) -> None:
    assert (
        text(marketer, f"/spend/entries/?campaign={campaign.pk}&{DAYS}").count(
            '"not-known">not yet known'
        )
        == 12
    )


def test_entries_of_a_campaign_that_is_not_there(marketer: Client) -> None:
    assert marketer.get("/spend/entries/?campaign=999999").status_code == 404


def test_entries_are_masked_for_viewers(viewer: Client, campaign: Campaign) -> None:
    page = text(viewer, f"/spend/entries/?campaign={campaign.pk}&{DAYS}")
    assert "+3806•••01" in page
    assert "67 000 0001" not in page.replace("\xa0", " ")


def test_export_csv_is_exact_and_harmless(marketer: Client, campaign: Campaign) -> None:
    answer = marketer.get(f"/spend/export.csv?{DAYS}&group=campaign")
    assert (
        answer.headers["Content-Disposition"]
        == 'attachment; filename="spend-campaign-2026-03-01-2026-03-31.csv"'
    )
    assert b"".join(answer).decode("utf-8-sig") == (
        "campaign,currency,viber,sms,fee,correction,total,viber_at_send,viber_since,entries,not_yet_known\r\n"
        "'=Весна,EUR,0.0703701,0.082001,0.00,0.00,0.1523711,0.1172835,-0.0469134,22,12\r\n"
        "'=Весна,USD,1.50,0.00,0.00,0.00,1.50,1.50,0.00,,\r\n"
    )


def test_export_csv_by_day_has_days_that_machines_read(
    marketer: Client, campaign: Campaign
) -> None:
    lines = b"".join(marketer.get(f"/spend/export.csv?{DAYS}")).decode("utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["2026-03-03", "USD"],
        ["2026-03-02", "EUR"],
    ]


def test_export_xlsx(marketer: Client, campaign: Campaign) -> None:
    data = b"".join(marketer.get(f"/spend/export.xlsx?{DAYS}&group=campaign"))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert rows[1][:7] == ["=Весна", "EUR", 0.0703701, 0.082001, 0.0, 0.0, 0.1523711]


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        (f"/spend/?{DAYS}", 8),
        (f"/spend/?{DAYS}&group=campaign", 8),
        (f"/spend/export.csv?{DAYS}", 5),
    ],
)
def test_spend_costs_the_same_with_one_and_with_three(
    marketer: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str, queries: int
) -> None:
    for number in (1, 2, 3):
        send(
            make_campaign(f"No. {number}", CampaignState.FINISHED),
            {("UA", "read"): 3},
            at=at(number),
        )
        with django_assert_num_queries(queries):
            b"".join(marketer.get(address))


def test_entries_cost_the_same_with_one_and_with_three(
    marketer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 3):
        made = make_campaign(f"No. {number}", CampaignState.FINISHED)
        send(made, {("UA", "read"): number}, at=at(number))
        with django_assert_num_queries(6):
            marketer.get(f"/spend/entries/?campaign={made.pk}&{DAYS}")


def test_entries_as_a_file(marketer: Client, viewer: Client, campaign: Campaign) -> None:
    address = f"/spend/entries.csv?campaign={campaign.pk}&{DAYS}&channel=sms"
    head, first, second = b"".join(marketer.get(address)).decode("utf-8-sig").splitlines()
    assert head.split(",")[3:5] + head.split(",")[7:] == [
        "kind",
        "channel",
        "phone",
        "country",
        "currency",
        "amount",
        "note",
    ]
    assert first.split(",")[7:] == ["48501 000 0004", "PL", "EUR", "0.0410005", ""]
    assert (
        b"".join(viewer.get(address)).decode("utf-8-sig").splitlines()[2].split(",")[7]
        == "4850•••05"
    )
    assert second.split(",")[7] == "48501 000 0005"


def test_a_channel_of_a_group_opens_its_rows(marketer: Client, campaign: Campaign) -> None:
    page = marketer.get(f"/spend/?{DAYS}&group=campaign").content.decode()
    address = f"/spend/entries/?campaign={campaign.pk}&from=2026-03-01&to=2026-03-31"
    assert (
        f'href="{address}&amp;channel=sms"'.replace("&from", "&amp;from").replace("&to", "&amp;to")
        in page
    )
    assert len(marketer.get(f"{address}&channel=sms").context["rows"]) == 2


def test_groups_that_overlap_say_so(marketer: Client, campaign: Campaign) -> None:
    for name in ("Sale", "Spring"):
        campaign.labels.add(Label.objects.create(name=name))
    page = text(marketer, f"/spend/?{DAYS}&group=label")
    assert "the rows add up to more than the total" in page
    assert page.count('"0.1523711 EUR">0.1524') == 3  # a row each, and the total under the table
    assert b"".join(marketer.get(f"/spend/export.csv?{DAYS}&group=label")).startswith(
        b"\xef\xbb\xbflabel_overlapping,"
    )


def test_forecast_begins_anew_with_each_month(marketer: Client) -> None:
    autumn = make_campaign("Autumn", CampaignState.FINISHED)
    before = datetime(2026, 3, 31, 23, 58, tzinfo=UTC)
    send(autumn, {("UA", "read"): 28}, Decimal(1), at=before)
    with time_machine.travel(before, tick=False) as clock:
        [march] = marketer.get("/spend/forecast/").context["forecast"].currencies
        clock.shift(180)
        [april] = marketer.get("/spend/forecast/").context["forecast"].currencies
    assert (march.spent, march.days_left) == (Decimal(28), 0)
    assert (april.spent, april.days_left) == (Decimal(0), 29)


def test_forecast_names_its_parts(marketer: Client) -> None:
    send(
        make_campaign("Last", CampaignState.FINISHED),
        {("UA", "read"): 28},
        Decimal(1),
        at=timezone.now(),
    )
    page = marketer.get("/spend/forecast/")
    [forecast] = page.context["forecast"].currencies
    assert (forecast.spent, forecast.minimum, forecast.maximum) == (
        Decimal(28),
        Decimal(28),
        Decimal(28),
    )
    assert "This is an estimate" in page.content.decode()
    assert 'hx-get="/spend/forecast/"' in marketer.get("/spend/").content.decode()
