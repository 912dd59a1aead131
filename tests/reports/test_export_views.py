"""The same table as CSV and as XLSX, to the byte and to the cell."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from openpyxl import load_workbook
from pytest_django import Settings

from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import LedgerEntry
from campaigns.models import Recipient
from tests.compose.factories import contact_list
from tests.reports.factories import make_campaign, make_user, send

pytestmark = pytest.mark.django_db
DAYS = "from=2026-03-01&to=2026-03-31"
TEXT, NUMBER, MONEY, TIME, DAY = "@", "0", "#,##0.00#####", "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"


@pytest.fixture
def reader(client: Client, settings: Settings) -> Client:
    """Somebody whose own zone is not the site's: files tell the time in the site's."""
    settings.TIME_ZONE, settings.SITE_ZONE = "Europe/Kyiv", ZoneInfo("Europe/Kyiv")
    client.force_login(make_user("kenji", time_zone="Asia/Tokyo"))
    return client


@pytest.fixture
def campaign(reader: Client) -> Campaign:
    made = make_campaign("=Весна", CampaignState.FINISHED)
    at = datetime(2026, 3, 2, 22, 0, 0, 987_654, tzinfo=UTC)  # the next day in Kyiv, at UTC+2
    send(made, {("UA", "read"): 1, ("PL", "refused"): 1}, Decimal("0.0234567"), at=at)
    return made


def lines(client: Client, address: str) -> list[str]:
    data = b"".join(client.get(address))
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.endswith(b"\r\n")
    return data.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r\n").decode().split("\r\n")


def cells(client: Client, address: str) -> tuple[list[tuple[object, ...]], list[str]]:
    """The rows of the only sheet, and the number formats of the second."""
    [sheet] = load_workbook(io.BytesIO(b"".join(client.get(address)))).worksheets
    formats = [str(cell.number_format) for cell in sheet[2]]
    return [tuple(map(written, row)) for row in sheet.iter_rows(values_only=True)], formats


def written(cell: object) -> object:
    return str(cell) if isinstance(cell, datetime) else cell


def test_recipients(reader: Client, campaign: Campaign) -> None:
    first, second = Recipient.objects.order_by("pk").values_list("reference", flat=True)
    address = f"/campaigns/{campaign.pk}/recipients"
    names = {"first_name": "Олена", "last_name": "Коваль"}
    contact_list("Clients", [("380670000001", "UA", names)])
    refused = "BSG does not accept this phone number. Error 41."
    assert lines(reader, f"{address}.csv") == [
        "phone,country,state,reason,gateway_status,error_code,sent_at,delivered_at,currency,"
        "viber_price,sms_price,sms_currency,gateway_id,reference,purpose,clicks,"
        "first_click_at,opted_out_at,conversions,first_conversion_at,revenue,revenue_currency,variant,"
        "name",
        "38067 000 0001,UA,Read,,read,,2026-03-03T00:00:00+02:00,2026-03-03T00:00:04+02:00,EUR,"
        f"0.0234567,,,1,{first},campaign,0,,,0,,,,,Олена Коваль",
        f"48501 000 0002,PL,Refused,{refused},,41,,,,,,,,{second},campaign,0,,,0,,,,,",
    ]
    rows, formats = cells(reader, f"{address}.xlsx")
    assert rows == [
        (
            "phone", "country", "state", "reason", "gateway_status", "error_code",
            "sent_at (Europe/Kyiv)", "delivered_at (Europe/Kyiv)", "currency", "viber_price",
            "sms_price", "sms_currency", "gateway_id", "reference", "purpose", "clicks",
            "first_click_at (Europe/Kyiv)", "opted_out_at (Europe/Kyiv)", "conversions",
            "first_conversion_at (Europe/Kyiv)", "revenue", "revenue_currency", "variant", "name",
        ),
        (
            "380670000001", "UA", "Read", None, "read", None, "2026-03-03 00:00:00",
            "2026-03-03 00:00:04", "EUR", 0.0234567, None, None, "1", first, "campaign",
            0, None, None, 0, None, None, None, None, "Олена Коваль",
        ),
        (
            "485010000002", "PL", "Refused", refused, None, 41, *(None,) * 7, second, "campaign",
            0, None, None, 0, None, None, None, None, None,
        ),
    ]  # fmt: skip
    assert formats == [
        *[TEXT] * 3, "General", TEXT, "General", TIME, TIME, TEXT, MONEY, "General", "General",
        *[TEXT] * 3, "0", "General", "General", "0", *["General"] * 4, TEXT,
    ]  # fmt: skip


def test_entries(reader: Client, campaign: Campaign) -> None:
    [entry] = LedgerEntry.objects.all()
    address, query = "/spend/entries", f"?campaign={campaign.pk}&{DAYS}"
    assert lines(reader, f"{address}.csv{query}") == [
        "id,at,day,kind,channel,purpose,campaign_id,phone,country,currency,amount,note",
        f"{entry.pk},2026-03-03T00:00:00+02:00,2026-03-03,charge,viber,campaign,{campaign.pk},"
        "38067 000 0001,UA,EUR,0.0234567,",
    ]
    rows, formats = cells(reader, f"{address}.xlsx{query}")
    assert rows == [
        (
            "id", "at (Europe/Kyiv)", "day", "kind", "channel", "purpose", "campaign_id", "phone",
            "country", "currency", "amount", "note",
        ),
        (
            entry.pk, "2026-03-03 00:00:00", "2026-03-03 00:00:00", "charge", "viber", "campaign",
            campaign.pk, "380670000001", "UA", "EUR", 0.0234567, None,
        ),
    ]  # fmt: skip
    assert formats == [NUMBER, TIME, DAY, *[TEXT] * 3, NUMBER, *[TEXT] * 3, MONEY, "General"]


def test_spend(reader: Client, campaign: Campaign) -> None:
    amounts = (
        "currency,viber,sms,fee,correction,total,viber_at_send,viber_since,entries,not_yet_known"
    )
    values = "EUR,0.0234567,0.00,0.00,0.00,0.0234567,0.0234567,0.00,1,0"
    numbers = ("EUR", 0.0234567, 0, 0, 0, 0.0234567, 0.0234567, 0, 1, 0)
    for group, key, cell, shown in (
        ("day", "2026-03-03", "2026-03-03 00:00:00", DAY),
        ("week", "2026-03-02", "2026-03-02 00:00:00", DAY),
        ("month", "2026-03-01", "2026-03-01 00:00:00", DAY),
        ("campaign", "'=Весна", "=Весна", TEXT),
    ):
        query = f"?{DAYS}&group={group}"
        assert lines(reader, f"/spend/export.csv{query}") == [
            f"{group},{amounts}",
            f"{key},{values}",
        ]
        rows, formats = cells(reader, f"/spend/export.xlsx{query}")
        assert rows == [(group, *amounts.split(",")), (cell, *numbers)]
        assert formats == [shown, TEXT, *[MONEY] * 7, NUMBER, NUMBER]
