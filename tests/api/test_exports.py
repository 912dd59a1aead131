"""Files of the API: the bytes of the pages' files, made in the brand of the token."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from campaigns.contacts.lists import exports
from campaigns.contacts.phones.masking import mask_phone
from campaigns.models import AuditEntry, CampaignState, Role
from campaigns.shared.brands.scope import acting_brand, acting_for
from campaigns.shared.days import site_today
from campaigns.shared.table_columns import Cell
from campaigns.shared.table_export import XLSX
from campaigns.team.models import Brand
from campaigns.team.permissions import PERMISSIONS, Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient, client_of
from tests.api.test_imports import work
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db


def content(response: Any) -> bytes:
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    return b"".join(response)


def lines(response: Any) -> list[str]:
    return content(response).decode("utf-8-sig").splitlines()


def of_page(api: ApiClient, address: str) -> bytes:
    page = Client()
    page.force_login(api.token.owner)
    return content(page.get(address))


def test_they_are_those_of_the_pages(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 2, ("PL", "sms"): 1, ("UA", "refused"): 1})
    made = api.post("lists", {"name": "A", "fields": [{"name": "city"}]}).json()["id"]
    phones = {"contacts": [{"phone": "0971234567", "fields": {"city": "=Kyiv"}}]}
    api.post(f"lists/{made}/contacts/bulk", phones)
    recipients, contacts = f"campaigns/{campaign.pk}/recipients.csv", f"lists/{made}/contacts.csv"
    entries, today = f"spend/entries.csv?campaign={campaign.pk}", site_today().isoformat()
    days = f"first_day={today}&last_day={today}"
    for address, page, rows in (
        (recipients, f"/{recipients}", 4),
        (f"{recipients}?state=read", f"/{recipients}?state=read", 2),
        (f"{recipients}?country=PL", f"/{recipients}?country=PL", 1),
        ("spend.csv?group=country", "/spend/export.csv?group=country", 2),
        (f"spend.csv?{days}", f"/spend/export.csv?from={today}&to={today}", 1),
        ("spend.csv?country=PL", "/spend/export.csv?country=PL", 1),
        (entries, f"/{entries}", 5),
        (f"{entries}&channel=sms", f"/{entries}&channel=sms", 1),
        (contacts, f"/contacts/{made}/export.csv", 1),
        (f"{contacts}?q=lviv", f"/contacts/{made}/export.csv?q=lviv", 0),
    ):
        response = api.get(address)
        file = content(response)
        assert file == of_page(api, page), address
        assert file.count(b"\r\n") == rows + 1, address
    assert lines(api.get(contacts))[1] == "38097 123 4567,UA,'=Kyiv,unknown,,,"
    assert lines(api.get("spend.csv?group=country"))[1].split(",")[:3] == [
        "Ukraine",
        "EUR",
        "0.0469134",
    ]


def test_each_is_there_as_a_spreadsheet(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 2})
    made = api.post("lists", {"name": "A", "fields": [{"name": "city"}]}).json()["id"]
    api.post(f"lists/{made}/contacts", {"phone": "0971234567", "fields": {"city": "Kyiv"}})
    for address, rows in (
        (f"campaigns/{campaign.pk}/recipients", 2),
        ("spend", 1),
        (f"spend/entries?campaign={campaign.pk}", 2),
        (f"lists/{made}/contacts", 1),
    ):
        path, _mark, query = address.partition("?")
        response = api.get(f"{path}.xlsx?{query}")
        assert (response.status_code, response.headers["Content-Type"]) == (200, XLSX)
        sheet = load_workbook(BytesIO(b"".join(response)))
        assert sheet.worksheets[0].max_row == rows + 1, address
        assert api.get(f"{path}.pdf?{query}").status_code == 422


def test_rejected_rows_are_those_of_the_page(api: ApiClient) -> None:
    file = ("people.csv", b"phone;city\n12;=Kyiv\n0971234567;Lviv\n")
    values = {"list_name": "B", "start": "true", "max_rejected_percent": 50}
    made = api.upload("imports/file", file, values).json()["id"]
    work(made)
    address = f"imports/{made}"
    rejected = api.get(f"{address}/rejected-rows.csv")
    of_file = content(rejected)
    assert of_file == of_page(api, f"/contacts/{address}/rejected.csv")
    head, row = of_file.decode("utf-8-sig").splitlines()
    assert (head.split(",")[:2], row.split(",")[:3]) == (["phone", "city"], ["12", "'=Kyiv", "2"])
    sheet = load_workbook(BytesIO(b"".join(api.get(f"{address}/rejected-rows.xlsx")))).worksheets[0]
    assert [cell.value for cell in sheet[2]][:3] == ["12", "=Kyiv", 2]
    taken = AuditEntry.objects.filter(action="exported", subject=f"import:{made}")
    assert taken.count() == 3


def test_the_trail_says_who_took_which(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 1})
    content(api.get(f"campaigns/{campaign.pk}/recipients.csv?state=read"))
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.subject, entry.session) == (f"campaign:{campaign.pk}", api.token.prefix)
    assert entry.detail == f"campaign-{campaign.pk}-recipients.csv, by state"


def test_phones_are_masked_without_the_scope(api: ApiClient, api_of: MakeClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 1})
    made = api.post("lists", {"name": "A"}).json()["id"]
    blind = api_of(scopes=PERMISSIONS[Role.MARKETER] - {Permission.SEE_PHONES})
    for address in (
        f"campaigns/{campaign.pk}/recipients.csv",
        f"spend/entries.csv?campaign={campaign.pk}",
    ):
        [row] = lines(api.get(address))[1:]
        assert "38067 000 0001" in row
        [masked] = lines(blind.get(address))[1:]
        assert masked == row.replace("38067 000 0001", mask_phone("380670000001"))
        assert "0000001" not in mask_phone("380670000001")
    assert blind.get(f"lists/{made}/contacts.csv").status_code == 403
    reader = api_of(scopes={Permission.VIEW, Permission.SEE_PHONES})
    assert reader.get(f"lists/{made}/contacts.csv").status_code == 403


def test_rows_are_read_in_the_brand_of_the_token(
    api_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read while the file is sent, when the request itself is over."""
    boss = api_of(Role.ADMINISTRATOR)
    with acting_for(Brand.objects.create(name="Toys", slug="toys").pk):
        other = client_of(boss.token.owner, PERMISSIONS[Role.ADMINISTRATOR])
        campaign = make_campaign("Of toys", CampaignState.FINISHED)
        send(campaign, {("PL", "read"): 1})
    [row] = lines(other.get(f"campaigns/{campaign.pk}/recipients.csv"))[1:]
    assert row.startswith("48501 000 0001,PL,Read")
    assert boss.get(f"campaigns/{campaign.pk}/recipients.csv").status_code == 404
    made = other.post("lists", {"name": "A"}).json()["id"]

    def rows(*_args: object) -> Iterator[list[Cell]]:
        yield [acting_brand()]

    monkeypatch.setattr(exports, "_list_rows", rows)
    assert lines(other.get(f"lists/{made}/contacts.csv"))[1:] == [str(other.token.brand_id)]


def test_what_cannot_be_read(api: ApiClient) -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    address = f"campaigns/{campaign.pk}/recipients.csv"
    assert api.get(f"{address}?why=x").status_code == 422
    assert api.get(f"{address}?state=eaten").status_code == 422
    assert api.get("spend.csv?first_day=2026-01-02&last_day=2026-01-01").status_code == 422
    assert api.get(f"spend/entries.csv?campaign={campaign.pk + 1}").status_code == 404
    assert not AuditEntry.objects.filter(action="exported").exists()
