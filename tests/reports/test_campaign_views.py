"""The page of one campaign."""

import html
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries
from python_calamine import CalamineWorkbook

from campaigns.compose.models import Campaign, CampaignState, PriceList, Timing
from campaigns.dispatch.models import Evidence
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.models import User
from tests.markup import squeezed
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def text(client: Client, address: str, **headers: str) -> str:
    answer = client.get(address, **headers)  # type: ignore[arg-type]
    assert answer.status_code == 200
    return squeezed(answer.content.decode())


@pytest.fixture
def campaign(olena: User) -> Campaign:
    made = make_campaign("Autumn", CampaignState.SENDING, launched_by=olena)
    send(
        made,
        {
            ("UA", "read"): 40,
            ("PL", "sms_delivered"): 8,
            ("UA", "refused"): 2,
            ("UA", "queued"): 50,
        },
    )
    return made


@pytest.mark.parametrize(
    "part", ["", "progress", "recipients", "recipients.csv", "recipients.xlsx"]
)
def test_parts_of_a_campaign_that_is_not_there(marketer: Client, part: str) -> None:
    assert marketer.get(f"/campaigns/999999/{part}").status_code == 404


@pytest.mark.parametrize("part", ["", "progress", "recipients", "recipients.csv"])
def test_parts_are_only_read_and_for_those_who_are_signed_in(
    client: Client, viewer: Client, campaign: Campaign, part: str
) -> None:
    assert client.get(f"/campaigns/{campaign.pk}/{part}").status_code == 302
    assert viewer.post(f"/campaigns/{campaign.pk}/{part}").status_code == 405


def test_page_has_the_numbers(marketer: Client, campaign: Campaign) -> None:
    page = text(marketer, f"/campaigns/{campaign.pk}/")
    for label, value in {"Audience": 100, "Accepted": 48, "Delivered": 40, "Read": 40}.items():
        assert f'<div class="stat-label">{label}</div><div class="stat-value">{value}</div>' in page
    assert "48 / 100" in page
    assert "50 waiting · 2 refused" in page
    assert "1.27" in page  # 40 x 0.0234567 + 8 x 0.0410005 = 1.266272
    assert "1.266272" in page
    assert "BSG does not accept this phone number. Error 41. " in page


def test_page_funnel_begins_with_the_lists(marketer: Client, campaign: Campaign) -> None:
    page = text(marketer, f"/campaigns/{campaign.pk}/")
    for label, number in {
        "Selected": "106",
        "Duplicates": "−3",
        "On the stop list": "−2",
        "Excluded": "−1",
    }.items():
        assert f"<dt>{label}</dt><dd>{number}</dd>" in page


def test_page_numbers_open_the_people_and_the_entries_they_count(
    marketer: Client, campaign: Campaign
) -> None:
    page = text(marketer, f"/campaigns/{campaign.pk}/?tab=countries")
    links = re.findall(r'<a class="num-link" href="(/campaigns/[^"]+)">(\d+)</a>', page)
    assert len(links) > 10
    for address, number in links:
        answer = marketer.get(html.unescape(address), **HTMX).context  # type: ignore[arg-type]
        assert (len(answer["rows"]), answer["total"] or int(number)) == (
            min(int(number), 50),
            int(number),
        )
    spent = re.findall(
        r'<a class="num-link" href="(/spend/[^"]+)"><span class="money">([\d.]+)', page
    )
    assert len(spent) == 3
    for address, amount in spent:
        [cost] = marketer.get(html.unescape(address)).context["bill"].costs
        assert exact(cost.total) == amount


def test_page_shows_the_estimate_beside_the_charge(marketer: Client, campaign: Campaign) -> None:
    rows = [
        {"country": "UA", "mnc": "1", "price": "0.0300000", "currency": "EUR"},
        {"country": "UA", "mnc": "2", "price": "0.0400000", "currency": "EUR"},
        {"country": "", "mnc": "0", "price": "0.1000000", "currency": "EUR"},
    ]
    PriceList.objects.create(
        channel="viber", tariff=0, rows=rows, fetched_at=timezone.now() - timedelta(days=9)
    )
    assert "2.40" in text(marketer, f"/campaigns/{campaign.pk}/")  # 40 x 0.04 + 8 x 0.1


@pytest.mark.parametrize(
    ("state", "every"),
    [
        (CampaignState.DRAFT, None),
        (CampaignState.SCHEDULED, 10),
        (CampaignState.PREPARING, 2),
        (CampaignState.SENDING, 2),
        (CampaignState.PAUSED, 10),
        (CampaignState.CANCELLED, None),
    ],
)
def test_progress_updates_until_the_end(
    marketer: Client, works: None, state: CampaignState, every: int | None
) -> None:
    made = make_campaign(state=state, reason="by_person" if state == CampaignState.PAUSED else "")
    page = text(marketer, f"/campaigns/{made.pk}/progress")
    assert (f'hx-trigger="every {every}s"' in page) if every else ("hx-trigger" not in page)


def test_progress_of_a_finished_campaign_goes_on_while_results_come_in(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.FINISHED)
    send(made, {("UA", "sent"): 1, ("UA", "read"): 1})
    assert 'hx-trigger="every 10s"' in text(marketer, f"/campaigns/{made.pk}/progress")
    Campaign.objects.update(finished_at=timezone.now() - timedelta(minutes=6))
    assert 'hx-trigger="every 30s"' in text(marketer, f"/campaigns/{made.pk}/progress")
    Campaign.objects.update(finished_at=timezone.now() - timedelta(days=3))
    assert "hx-trigger" not in text(marketer, f"/campaigns/{made.pk}/progress")


def test_progress_of_a_cancelled_campaign_goes_on_until_nobody_waits(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.CANCELLED)
    send(made, {("UA", "queued"): 2, ("UA", "read"): 1})
    assert 'hx-trigger="every 2s"' in text(marketer, f"/campaigns/{made.pk}/progress")
    Campaign.objects.update(audience=1)
    assert "hx-trigger" not in text(marketer, f"/campaigns/{made.pk}/progress")


def test_progress_of_a_settled_campaign_stops(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.FINISHED)
    send(made, {("UA", "read"): 2, ("UA", "not_delivered"): 1})
    page = text(marketer, f"/campaigns/{made.pk}/progress")
    assert "hx-trigger" not in page
    assert "the status of every message is known" in page


def test_paused_says_why_and_what_to_do(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.PAUSED, reason="error_8")
    send(made, {("UA", "queued"): 3120})
    page = strip_tags(text(marketer, f"/campaigns/{made.pk}/"))
    assert "BSG account is out of funds. 3,120 recipients are still waiting." in page
    assert "Top up, then press Resume." in page


def test_cancelled_does_not_claim_what_was_not_sent(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.CANCELLED)
    send(made, {("UA", "read"): 17, ("UA", "refused"): 3, ("UA", "cancelled"): 1180})
    page = text(marketer, f"/campaigns/{made.pk}/")
    assert "<span>Sent to</span><span>17 / 1,200</span>" in page
    assert "3 refused · 1,180 cancelled" in page
    assert "Before the cancellation 17 recipients of 1,200 were sent to" in page


def test_rates_have_one_base_each_and_name_it(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.FINISHED)
    send(made, {("UA", "read"): 65, ("UA", "delivered"): 18, ("UA", "not_delivered"): 19})
    page = text(marketer, f"/campaigns/{made.pk}/")
    for said in ("100% of the audience", "81.4% of accepted", "78.3% of delivered"):
        assert page.count(said) == 2  # in the key figures and in the funnel
    assert "63.7%" not in page
    chip = r'id="state-delivered"[^>]*>\s*Delivered, not read\s*<span class="count">18<'
    assert re.search(chip, page)


def test_progress_tells_the_table_when_recipients_have_changed(marketer: Client) -> None:
    made = make_campaign(state=CampaignState.SENDING)
    send(made, {("UA", "read"): 1, ("UA", "queued"): 3})
    address = f"/campaigns/{made.pk}/progress"
    first = marketer.get(address)
    assert first.headers["HX-Trigger"] == "recipients-changed"
    [seen] = set(re.findall(rf"{address}(\?seen=[0-9a-f]+)", first.content.decode()))
    assert "HX-Trigger" not in marketer.get(address + seen).headers
    send(made, {("UA", "read"): 1})
    assert marketer.get(address + seen).headers["HX-Trigger"] == "recipients-changed"
    assert 'hx-trigger="recipients-changed from:body"' in text(marketer, f"/campaigns/{made.pk}/")


def test_scheduled_says_when(marketer: Client) -> None:
    when = timezone.now().replace(year=2031, month=5, day=6, hour=7, minute=8)
    made = make_campaign(state=CampaignState.SCHEDULED, timing=Timing.AT, scheduled_at=when)
    assert "6 May 2031, 07:08 UTC" in text(marketer, f"/campaigns/{made.pk}/")


@pytest.mark.parametrize(
    ("state", "moves"),
    [
        (CampaignState.DRAFT, {"edit", "review"}),
        (CampaignState.SCHEDULED, {"pause", "cancel", "duplicate"}),
        (CampaignState.SENDING, {"pause", "cancel", "duplicate"}),
        (CampaignState.PAUSED, {"resume", "cancel", "duplicate"}),
        (CampaignState.FINISHED, {"duplicate"}),
        (CampaignState.CANCELLED, {"duplicate"}),
    ],
)
def test_moves_that_are_open(
    marketer: Client, viewer: Client, state: CampaignState, moves: set[str]
) -> None:
    made = make_campaign(state=state)
    page, seen = text(marketer, f"/campaigns/{made.pk}/"), text(viewer, f"/campaigns/{made.pk}/")
    every = ("edit", "review", "pause", "resume", "cancel", "duplicate")
    assert {move for move in every if f'"/campaigns/{made.pk}/{move}"' in page} == moves
    assert not {move for move in every if f'"/campaigns/{made.pk}/{move}"' in seen}


def test_cancel_names_what_will_be_lost(marketer: Client, campaign: Campaign) -> None:
    page = text(marketer, f"/campaigns/{campaign.pk}/")
    assert "50 recipients are still waiting and will get nothing." in page


def test_recipients_for_htmx_are_the_table_alone(marketer: Client, campaign: Campaign) -> None:
    address = f"/campaigns/{campaign.pk}/recipients?state=refused"
    part, whole = text(marketer, address, **HTMX), text(marketer, address)
    assert "<html" not in part
    assert "<html" in whole
    assert part.count('<th scope="row"') == whole.count('<th scope="row"') == 2
    assert "<html" in text(marketer, address, **HTMX, HTTP_HX_HISTORY_RESTORE_REQUEST="true")


def test_recipients_are_paged_by_fifty(marketer: Client, campaign: Campaign) -> None:
    first = marketer.get(f"/campaigns/{campaign.pk}/recipients")
    assert (len(first.context["rows"]), first.context["total"]) == (50, 100)
    second = marketer.get(f"/campaigns/{campaign.pk}/recipients?at={first.context['slice'].after}")
    shown = {row.message.pk for page in (first, second) for row in page.context["rows"]}
    assert (len(shown), second.context["slice"].after) == (100, "")


def test_empty_recipients_table_names_its_filter(marketer: Client, campaign: Campaign) -> None:
    address = f"/campaigns/{campaign.pk}/recipients"
    assert "No phone number in this campaign contains 777777." in text(
        marketer, f"{address}?phone=777777"
    )
    assert "No recipient is “Cancelled”." in text(marketer, f"{address}?state=cancelled")
    assert "No “Read” recipient has 777777 in the phone number." in text(
        marketer, f"{address}?state=read&phone=777777"
    )


def test_recipients_are_masked_for_viewers(viewer: Client, campaign: Campaign) -> None:
    page = text(viewer, f"/campaigns/{campaign.pk}/recipients")
    assert "+3806•••01" in page
    assert "380670000001" not in page.replace(" ", "").replace("\xa0", "")
    exported = b"".join(viewer.get(f"/campaigns/{campaign.pk}/recipients.csv"))
    assert b"380670000001" not in exported


def test_recipients_as_csv(marketer: Client, campaign: Campaign) -> None:
    answer = marketer.get(f"/campaigns/{campaign.pk}/recipients.csv?state=refused")
    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(
        "38067 000 0049,UA,Refused,BSG does not accept this phone number. Error 41.,,41,,,,,,,"
    )
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="campaign-{campaign.pk}-recipients.csv"'
    )


def test_recipients_as_xlsx(marketer: Client, campaign: Campaign) -> None:
    data = b"".join(marketer.get(f"/campaigns/{campaign.pk}/recipients.xlsx"))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert (len(rows), rows[1][0], rows[1][9]) == (101, "380670000001", 0.0234567)


def test_tab_message(marketer: Client, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(
        text="Hi {name|friend}", sms_text="SMS", sms_sender="Shop"
    )
    page = text(marketer, f"/campaigns/{campaign.pk}/?tab=message")
    assert "Hi {name|friend}" in page
    assert "<code>name</code>" in page
    assert "24 hours" in page


def test_tab_countries(marketer: Client, campaign: Campaign) -> None:
    page = text(marketer, f"/campaigns/{campaign.pk}/?tab=countries")
    assert page.index("Ukraine") < page.index("Poland")


def test_tab_activity_and_evidence(
    marketer: Client, viewer: Client, campaign: Campaign, olena: User
) -> None:
    audit.record(olena, campaign, "launched", "12345")
    audit.record(None, campaign, "paused", "Out of funds.")
    Evidence.objects.create(
        campaign=campaign, batch_number=3, what="HTTP 502", http_status=502, body="+380670000001"
    )
    page = text(marketer, f"/campaigns/{campaign.pk}/?tab=activity")
    assert "<strong>Olena Koval</strong> launched it to 12,345 recipients" in page
    assert "<strong>ViberDash</strong> paused it" in page
    assert "+380670000001" in page
    assert "+380670000001" not in text(viewer, f"/campaigns/{campaign.pk}/?tab=activity")


def test_sending_hours_are_changed_on_their_page(marketer: Client, viewer: Client) -> None:
    campaign = make_campaign("Goes out", CampaignState.SENDING)
    address = f"/campaigns/{campaign.pk}/hours"
    assert address in text(marketer, f"/campaigns/{campaign.pk}/")
    assert address not in text(viewer, f"/campaigns/{campaign.pk}/")
    assert viewer.post(address, {}).status_code == 403
    wrong = marketer.post(address, {"sends_from": "21:00", "sends_until": "09:00"})
    assert (wrong.status_code, "Choose a time later than" in wrong.content.decode()) == (422, True)
    marketer.post(address, {"sends_from": "09:00", "sends_until": "21:00"})
    assert "Sending hours: 09:00-21:00, in the recipient's local time." in text(
        marketer, f"/campaigns/{campaign.pk}/"
    )
    assert "changed the sending hours" in text(marketer, f"/campaigns/{campaign.pk}/?tab=activity")
    marketer.post(address, {"sends_from": "", "sends_until": ""})
    campaign.refresh_from_db()
    assert campaign.sending_hours is None


def test_tab_that_is_not_there_is_the_first(marketer: Client, campaign: Campaign) -> None:
    assert marketer.get(f"/campaigns/{campaign.pk}/?tab=secrets").context["tab"] == "recipients"


@pytest.mark.parametrize(
    ("address", "queries"),
    [("", 19), ("?tab=countries", 18), ("?tab=activity", 19), ("progress", 12), ("recipients", 19)],
)
def test_page_costs_the_same_with_one_and_with_three(
    marketer: Client,
    olena: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    address: str,
    queries: int,
) -> None:
    for number in (1, 3):
        made = make_campaign(f"No. {number}", CampaignState.SENDING, launched_by=olena)
        send(made, {("UA", "read"): number, ("PL", "sms"): number, ("UA", "refused"): number})
        for _one in range(number):
            audit.record(olena, made, "resumed")
        with django_assert_num_queries(queries):
            marketer.get(f"/campaigns/{made.pk}/{address}")
