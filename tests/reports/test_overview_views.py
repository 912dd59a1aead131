"""The first page, the list of campaigns, the balance."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.models import CampaignState, Timing
from campaigns.ledger.models import Purpose
from campaigns.models import ContactList, Import, ImportState, Label
from campaigns.team.models import User
from tests.markup import squeezed
from tests.reports.factories import make_campaign, make_user, send
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db
PAGES = [
    "/",
    "/dashboard/now",
    "/balance",
    "/campaigns/",
    "/spend/",
    "/spend/export.csv",
    "/spend/entries/",
]


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return squeezed(answer.content.decode())


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_for_those_who_are_signed_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/sign-in/")


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_only_read(marketer: Client, address: str) -> None:
    assert marketer.post(address).status_code == 405


def test_dashboard_of_a_new_installation_says_what_to_do(marketer: Client) -> None:
    page = text(marketer, "/")
    assert "Import contacts" in page
    assert "Review and launch" in page
    assert "Last campaigns" not in page
    assert "Needs your attention" not in page


def test_dashboard_shows_what_needs_attention(marketer: Client, olena: User) -> None:
    paused = make_campaign("No money", CampaignState.PAUSED, reason="error_8")
    send(paused, {("UA", "read"): 2, ("UA", "queued"): 1234})
    send(
        make_campaign("Unclear", CampaignState.FINISHED),
        {("UA", "unresolved"): 7, ("UA", "read"): 1},
    )
    Import.objects.create(
        file_name="broken.xlsx", state=ImportState.FAILED, failure="It is empty.", created_by=olena
    )
    page = text(marketer, "/")
    assert "BSG account is out of funds.</strong> 1,234 recipients are still waiting." in page
    assert "Top up, then press Resume." in page
    assert "the messages to 7 recipients" in page
    assert "It is empty." in page


def test_dashboard_shows_running_campaigns_and_updates(marketer: Client, works: None) -> None:
    send(
        make_campaign("Now", CampaignState.SENDING), {("UA", "accepted"): 30, ("UA", "queued"): 10}
    )
    page = text(marketer, "/dashboard/now")
    assert "30 / 40" in page
    assert "Messages are being sent." in page
    assert 'hx-trigger="every 5s"' in page
    assert "Last campaigns" in page


def test_dashboard_says_what_the_gateway_said(marketer: Client, works: None) -> None:
    send(make_campaign("Now", CampaignState.SENDING), {("UA", "queued"): 10})
    card = marketer.get("/balance?card")
    assert "The gateway does not answer." in card.content.decode()
    assert card.headers["HX-Trigger"] == "gateway-changed"
    assert "The gateway does not answer." in text(marketer, "/dashboard/now")


def test_list_updates_by_itself(marketer: Client, works: None) -> None:
    send(make_campaign("Now", CampaignState.SENDING), {("UA", "accepted"): 3, ("UA", "queued"): 1})
    assert 'hx-trigger="every 5s"' in text(marketer, "/campaigns/?sort=name")
    answer = marketer.get("/campaigns/?sort=name", HTTP_HX_REQUEST="true")
    part = squeezed(answer.content.decode()).strip()
    assert part.startswith('<div class="card" id="campaign-list">')
    assert 'hx-get="/campaigns/?sort=name"' in part
    assert '<div id="campaign-states" hx-swap-oob="outerMorph">' in part


def test_scheduled_campaigns_do_not_hide_those_that_send(marketer: Client) -> None:
    when = timezone.now() + timedelta(days=20)
    for number in range(21):
        make_campaign(f"Later {number}", CampaignState.SCHEDULED, scheduled_at=when)
    make_campaign("Now", CampaignState.SENDING)
    page = text(marketer, "/dashboard/now")
    assert 'id="running-' in page
    assert len(re.findall(r'id="scheduled-\d', page)) == 20


def test_idle_dashboard_updates_rarely(marketer: Client) -> None:
    when = timezone.now() + timedelta(hours=5)
    make_campaign("Later", CampaignState.SCHEDULED, timing=Timing.AT, scheduled_at=when)
    assert 'hx-trigger="every 15s"' in text(marketer, "/dashboard/now")


def test_dashboard_spend_of_this_month_by_currency(marketer: Client) -> None:
    send(
        make_campaign("Euro", CampaignState.FINISHED), {("UA", "read"): 100, ("UA", "unpriced"): 12}
    )
    long_ago = timezone.now() - timedelta(days=40)
    send(
        make_campaign("Old", CampaignState.FINISHED),
        {("UA", "read"): 100},
        currency="USD",
        at=long_ago,
    )
    page = text(marketer, "/")
    assert "Spent, EUR" in page
    assert '2.35&nbsp;<span class="currency">EUR' in page
    assert "12 prices not yet known" in page


def test_dashboard_leaves_test_sends_out(marketer: Client) -> None:
    make_campaign("A test send", CampaignState.FINISHED, purpose=Purpose.TEST)
    assert "A test send" not in text(marketer, "/")


def test_dashboard_costs_the_same_with_one_and_with_three(
    marketer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 2, 3):
        for state in (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED):
            campaign = make_campaign(f"{state} {number}", state, reason="by_person")
            send(campaign, {("UA", "read"): 3, ("UA", "unresolved"): 1})
        with django_assert_num_queries(29):
            marketer.get("/")


def test_unavailable_balance_is_named_without_an_error(marketer: Client) -> None:
    assert "Balance not available" in text(marketer, "/balance")
    assert "Not available" in text(marketer, "/balance?card")


def test_balance_is_asked_for_once_a_minute(
    marketer: Client, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    sandbox.fund("1234.5600005")
    assert '1,234.56&nbsp;<span class="currency">EUR' in text(marketer, "/balance")
    sandbox.fund("1")
    card = marketer.get("/balance?card")
    assert "1,234.56" in card.content.decode()
    assert "HX-Trigger" not in card.headers
    assert len(sandbox.requests(path="/common/balance")) == 1


def test_balance_card_says_how_long_it_lasts(
    marketer: Client, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    sandbox.fund("2.5")  # and an overdraft of 10
    assert "Nothing was spent in the last 7 days" in text(marketer, "/balance?card")
    send(make_campaign("Now", CampaignState.FINISHED), {("UA", "read"): 7}, Decimal(1))
    long_ago = timezone.now() - timedelta(days=8)
    send(make_campaign("Old", CampaignState.FINISHED), {("UA", "read"): 7}, at=long_ago)
    card = text(marketer, "/balance?card")
    assert "Lasts about 12 days at the rate of the last 7 days" in card
    assert "Lasts" not in text(marketer, "/balance")  # of the side bar
    cache.clear()
    sandbox.fund("-10")
    assert "No message can be paid" in text(marketer, "/balance?card")


def test_balance_refused_for_a_wrong_key_is_not_available(
    marketer: Client, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, "wrong"
    assert "Balance not available" in text(marketer, "/balance")
    card = text(marketer, "/balance?card")
    assert "BSG does not accept the API key." in card
    assert "does not answer" not in card


def test_empty_campaign_list_says_what_to_do(marketer: Client, viewer: Client) -> None:
    assert "New campaign" in text(marketer, "/campaigns/")
    assert "New campaign" not in text(viewer, "/campaigns/")


def test_campaign_list_row(marketer: Client, olena: User) -> None:
    campaign = make_campaign("Autumn", CampaignState.FINISHED, launched_by=olena)
    send(
        campaign,
        {
            ("UA", "read"): 30,
            ("UA", "delivered"): 10,
            ("UA", "not_delivered"): 9,
            ("UA", "unpriced"): 1,
        },
    )
    page = text(marketer, "/campaigns/")
    assert f'<a class="row-link" href="/campaigns/{campaign.pk}/">Autumn</a>' in page
    assert '40 <div class="rate">80.0%</div>' in page
    assert '30 <div class="rate">75.0%</div>' in page
    assert '0.94&nbsp;<span class="currency">EUR' in page
    assert "1 not yet known" in page
    assert "Olena Koval" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Cheap", "Big", "autumn"]),
        ("?sort=name", ["autumn", "Big", "Cheap"]),
        ("?sort=-name", ["Cheap", "Big", "autumn"]),
        ("?sort=audience", ["autumn", "Big", "Cheap"]),
        ("?sort=-audience", ["Big", "autumn", "Cheap"]),
        ("?sort=delivered", ["autumn", "Big", "Cheap"]),
        ("?sort=-read", ["Big", "autumn", "Cheap"]),
        ("?sort=-cost", ["Big", "autumn", "Cheap"]),
        ("?sort=cost", ["autumn", "Big", "Cheap"]),
        ("?sort=drop", ["Cheap", "Big", "autumn"]),
        ("?state=draft", ["Cheap"]),
        ("?state=nonsense", []),
        ("?q=TUM", ["autumn"]),
        ("?q=tum&state=draft", []),
        ("?q=%00tu%00m", ["autumn"]),
        ("?page=99", ["Cheap", "Big", "autumn"]),
    ],
)
def test_campaign_list_filters_and_sorts(marketer: Client, query: str, names: list[str]) -> None:
    send(
        make_campaign("autumn", CampaignState.FINISHED, launched_at=timezone.now() - timedelta(2)),
        {("UA", "read"): 2},
    )
    send(
        make_campaign("Big", CampaignState.FINISHED, launched_at=timezone.now() - timedelta(1)),
        {("UA", "read"): 5},
    )
    make_campaign("Cheap")
    answer = marketer.get(f"/campaigns/{query}")
    assert [row.campaign.name for row in answer.context["rows"]] == names


def test_campaign_list_filters_by_label_sender_person_and_days(
    marketer: Client, olena: User
) -> None:
    ivan = make_user("ivan")
    when = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    autumn = make_campaign(
        "Autumn", CampaignState.FINISHED, sender="Bank", launched_by=ivan, launched_at=when
    )
    spring = make_campaign(
        "Spring", CampaignState.FINISHED, sender="Shop", created_by=ivan, launched_by=olena
    )
    label = Label.objects.create(name="VIP")
    spring.labels.add(label)
    draft = make_campaign("Draft", sender="Shop", created_by=ivan)

    def listed(query: str) -> list[str]:
        return [
            row.campaign.name
            for row in marketer.get(f"/campaigns/?sort=name&{query}").context["rows"]
        ]

    assert listed(f"label={label.pk}") == ["Spring"]
    assert listed(f"sender={draft.sender_id}") == ["Draft", "Spring"]
    assert listed(f"who={ivan.pk}") == ["Autumn", "Draft"]
    assert listed("from=2026-03-31&to=2026-03-31") == ["Autumn"]
    assert listed("from=2026-04-01") == ["Draft", "Spring"]
    assert listed("to=2026-03-30") == []
    assert listed(f"who={ivan.pk}&sender={autumn.sender_id}&q=aut") == ["Autumn"]
    for nonsense in ("label=99", "sender=x", "who=²", "from=nonsense", "to=\0"):
        assert listed(nonsense) == []
    assert listed("label=&sender=&who=&from=&to=") == ["Autumn", "Draft", "Spring"]
    page = text(marketer, f"/campaigns/?label={label.pk}&sender={autumn.sender_id}&q=x")
    assert "No campaign matches all of: VIP, Bank, “x”." in page
    assert f'href="?label={label.pk}&amp;q=x"' in page  # the chip that takes the sender off


def test_campaigns_are_filtered_by_the_day_that_the_row_shows(
    marketer: Client, olena: User
) -> None:
    User.objects.filter(pk=olena.pk).update(time_zone="Asia/Tokyo")  # nine hours later
    late = datetime(2026, 3, 30, 15, 30, tzinfo=UTC)
    make_campaign("Late", CampaignState.FINISHED, launched_at=late)
    page = marketer.get("/campaigns/?from=2026-03-31&to=2026-03-31")
    assert [row.campaign.name for row in page.context["rows"]] == ["Late"]
    assert "31 Mar 2026" in page.content.decode()
    assert "Time zone Asia/Tokyo" in page.content.decode()
    assert marketer.get("/campaigns/?to=2026-03-30").context["rows"] == []


def test_empty_campaign_list_names_its_filter(marketer: Client) -> None:
    make_campaign("Autumn")
    assert "No campaign has “spring” in its name." in text(marketer, "/campaigns/?q=spring")
    assert "No campaign is “Paused”." in text(marketer, "/campaigns/?state=paused")
    expected_text = "No “Paused” campaign has “spring” in its name."
    assert expected_text in text(marketer, "/campaigns/?state=paused&q=spring")


def test_campaign_list_is_paged_by_fifty(marketer: Client) -> None:
    for number in range(51):
        make_campaign(f"Campaign {number}")
    assert len(marketer.get("/campaigns/").context["rows"]) == 50
    assert len(marketer.get("/campaigns/?page=2").context["rows"]) == 1
    assert "1–50 of 51" in text(marketer, "/campaigns/")


def test_campaign_list_costs_the_same_with_one_and_with_three(
    marketer: Client, olena: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 2, 3):
        campaign = make_campaign(
            f"No. {number}", CampaignState.FINISHED, launched_by=olena, sender=f"Sender {number}"
        )
        send(campaign, {("UA", "read"): 3})
        campaign.labels.add(Label.objects.create(name=f"Label {number}"))
        with django_assert_num_queries(12):
            marketer.get("/campaigns/")


def test_campaign_list_offers_viewers_nothing_to_change(marketer: Client, viewer: Client) -> None:
    menu = f"/campaigns/{make_campaign('Autumn').pk}/menu"
    assert menu in text(marketer, "/campaigns/")
    assert menu not in text(viewer, "/campaigns/")
    assert viewer.get(menu).status_code == 403


def test_menu_of_a_row_offers_what_its_state_allows(marketer: Client) -> None:
    draft = make_campaign("Autumn", state=CampaignState.DRAFT)
    finished = make_campaign("Spring", state=CampaignState.FINISHED)
    htmx = {"HX-Request": "true"}
    menus = [
        marketer.get(f"/campaigns/{campaign.pk}/menu", headers=htmx).content.decode()
        for campaign in (draft, finished)
    ]
    offered = [re.findall(r"/campaigns/\d+/([a-z]+)", menu) for menu in menus]
    assert offered == [
        ["edit", "trigger", "series", "duplicate", "archive", "delete"],
        ["duplicate", "archive"],
    ]
    assert "<html" not in menus[0]
    assert "<html" in text(marketer, f"/campaigns/{draft.pk}/menu")  # without JavaScript


def test_names_are_text_and_never_markup(marketer: Client) -> None:
    make_campaign("<script>alert(1)</script>")
    assert "<script>alert(1)" not in text(marketer, "/campaigns/")


def test_dashboard_steps_know_how_far_one_has_come(marketer: Client) -> None:
    ContactList.objects.create(name="Customers")
    page = text(marketer, "/")
    assert "See the lists" in page
    assert 'href="/campaigns/new">Compose</a>' in page
