from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.compose.models import Campaign, CampaignState, PriceList, Segment, Timing
from campaigns.team.models import AuditEntry, Role, User
from tests.compose.factories import contact_list, draft, person, senders, stop, ukrainians
from tests.markup import squeezed

pytestmark = pytest.mark.django_db
TYPED = {"name": "Spring", "sender": "New Shop", "text": "Hello {first_name|friend}"}


@pytest.fixture(autouse=True)
def prices(settings: Settings) -> None:
    cache.clear()
    senders("New Shop")
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    row = {
        "country": "UA",
        "country_name": "Ukraine",
        "mcc": "",
        "mnc": "0",
        "price": "0.02",
        "currency": "EUR",
    }
    for channel in ("viber", "sms"):
        PriceList.objects.create(channel=channel, tariff=0, rows=[row], fetched_at=timezone.now())


@pytest.fixture
def olena() -> User:
    return person()


@pytest.fixture
def signed_in(client: Client, olena: User) -> Client:
    client.force_login(olena)
    return client


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return squeezed(answer.content.decode())


# --- writing


def test_new_shows_the_form_with_a_list_chosen(signed_in: Client) -> None:
    chosen = contact_list("VIP", ukrainians(2))
    shown = page(signed_in, f"/campaigns/new?list={chosen.pk}&list=x")
    assert f'name="lists" value="{chosen.pk}" checked' in shown
    assert 'value="True" checked' in shown or 'id="id_promotional_0" checked' in shown


def test_new_without_contacts_says_where_to_get_them(signed_in: Client) -> None:
    assert "No contacts yet." in page(signed_in, "/campaigns/new")


def test_several_lists_say_which_gives_the_merge_tags(signed_in: Client) -> None:
    phone, hint = "380970000001", "the list created first gives its merge tags"
    first = contact_list("VIP", [(phone, "UA", {})])
    assert hint not in page(signed_in, "/campaigns/new")
    second = contact_list("Club", [(phone, "UA", {"first_name": "Olena"})])
    assert hint in page(signed_in, "/campaigns/new")
    posted = {"text": "Hi {first_name|you}", "lists": [first.pk, second.pk]}
    assert "Hi Olena" in signed_in.post("/campaigns/preview", posted).content.decode()


def test_new_saves_a_draft(signed_in: Client, olena: User) -> None:
    chosen = contact_list("VIP", ukrainians(2))
    answer = signed_in.post("/campaigns/new", {**TYPED, "lists": [chosen.pk]})
    campaign = Campaign.objects.get()
    assert answer["Location"] == f"/campaigns/{campaign.pk}/edit"
    assert (campaign.state, str(campaign.sender), campaign.created_by) == (
        CampaignState.DRAFT,
        "New Shop",
        olena,
    )
    assert list(campaign.lists.all()) == [chosen]
    assert AuditEntry.objects.get().action == "created"


def test_new_leads_to_the_review(signed_in: Client) -> None:
    answer = signed_in.post("/campaigns/new", {**TYPED, "then": "review"})
    assert answer["Location"] == f"/campaigns/{Campaign.objects.get().pk}/review"


def test_new_with_an_error_keeps_the_input(signed_in: Client) -> None:
    answer = signed_in.post("/campaigns/new", {**TYPED, "text": "я" * 1001, "validity": "5"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "я" * 1001 in shown
    assert "The text must have 1 to 1000 characters." in shown
    assert not Campaign.objects.exists()


def test_a_draft_with_issues_is_saved_and_shows_them_at_their_fields(signed_in: Client) -> None:
    chosen = contact_list("VIP", ukrainians(2))
    when = {"timing": "at", "scheduled_at": "2020-01-02T09:00", "time_zone": "Europe/Kyiv"}
    typed = {**TYPED, "text": "Hello {nickname|friend}", "lists": [chosen.pk], **when}
    answer = signed_in.post("/campaigns/new", {**typed, "then": "review"}, follow=True)
    campaign = Campaign.objects.get()
    assert answer.redirect_chain == [(f"/campaigns/{campaign.pk}/edit?check", 302)]
    assert campaign.text == "Hello {nickname|friend}"
    shown = answer.content.decode()
    assert "Draft saved." in shown
    assert "Choose a time in the future." in shown
    assert "The chosen lists have no column {nickname}" in shown
    assert 'value="2020-01-02T09:00"' in shown
    assert "data-unsaved" not in shown
    version = campaign.updated_at.isoformat()
    address = f"/campaigns/{campaign.pk}/edit"
    answer = signed_in.post(address, {**typed, "name": "Summer", "version": version})
    assert answer["Location"] == f"{address}?check"
    stale = signed_in.post(address, {**typed, "name": "Winter", "version": version})
    assert stale.status_code == 409
    signed_in.post(address, {**typed, "name": "Winter", "version": version, "overwrite": "on"})
    assert Campaign.objects.get().name == "Winter"
    campaign.refresh_from_db()
    fixed = {**TYPED, "lists": [chosen.pk], "version": campaign.updated_at.isoformat()}
    assert signed_in.post(address, fixed)["Location"] == address
    assert 'id="form-errors"' not in page(signed_in, f"{address}?check")


def test_a_value_that_cannot_be_read_stays_as_it_was_typed(signed_in: Client) -> None:
    campaign = draft(text="Old")
    version = campaign.updated_at.isoformat()
    typed = {**TYPED, "validity": "soon", "version": version}
    answer = signed_in.post(f"/campaigns/{campaign.pk}/edit", typed)
    assert answer.status_code == 422
    assert 'value="soon"' in answer.content.decode()
    assert "data-unsaved" in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.text == "Old"


def test_edit_saves_over_the_draft(signed_in: Client) -> None:
    campaign = draft(text="Old")
    version = campaign.updated_at.isoformat()
    signed_in.post(f"/campaigns/{campaign.pk}/edit", {**TYPED, "version": version})
    campaign.refresh_from_db()
    assert campaign.text == "Hello {first_name|friend}"
    assert AuditEntry.objects.get().action == "edited"


def test_edit_never_overwrites_changes_of_another_user(signed_in: Client) -> None:
    campaign = draft(text="Old")
    seen = campaign.updated_at.isoformat()
    campaign.text = "Theirs"
    campaign.save()
    answer = signed_in.post(f"/campaigns/{campaign.pk}/edit", {**TYPED, "version": seen})
    assert answer.status_code == 409
    assert "This draft was changed elsewhere while you were editing." in answer.content.decode()
    assert "Hello {first_name|friend}" in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.text == "Theirs"
    signed_in.post(f"/campaigns/{campaign.pk}/edit", {**TYPED, "version": seen, "overwrite": "on"})
    campaign.refresh_from_db()
    assert campaign.text == "Hello {first_name|friend}"


@pytest.mark.parametrize(
    "state", [state for state in CampaignState if state != CampaignState.DRAFT]
)
def test_edit_touches_drafts_only(signed_in: Client, state: CampaignState) -> None:
    campaign = draft(text="Sent", state=state)
    assert (
        signed_in.get(f"/campaigns/{campaign.pk}/edit")["Location"] == f"/campaigns/{campaign.pk}/"
    )
    signed_in.post(f"/campaigns/{campaign.pk}/edit", TYPED)
    if state != CampaignState.AWAITING_APPROVAL:  # whoever approves reads the review
        assert (
            signed_in.get(f"/campaigns/{campaign.pk}/review")["Location"]
            == f"/campaigns/{campaign.pk}/"
        )
    campaign.refresh_from_db()
    assert campaign.text == "Sent"


def test_duplicate_makes_a_draft_of_any_campaign(signed_in: Client) -> None:
    chosen = contact_list("VIP", ukrainians(1))
    campaign = draft(
        chosen,
        state=CampaignState.FINISHED,
        text="Again",
        timing=Timing.AT,
        scheduled_at=timezone.now(),
    )
    answer = signed_in.post(f"/campaigns/{campaign.pk}/duplicate")
    copy = Campaign.objects.exclude(pk=campaign.pk).get()
    assert answer["Location"] == f"/campaigns/{copy.pk}/edit"
    assert (copy.name, copy.text, copy.state, copy.timing) == (
        "Spring (copy)",
        "Again",
        "draft",
        "now",
    )
    assert copy.uuid != campaign.uuid
    assert list(copy.lists.all()) == [chosen]


def test_delete_takes_drafts_only(signed_in: Client) -> None:
    gone, kept = draft(), draft(state=CampaignState.SENDING)
    assert signed_in.post(f"/campaigns/{gone.pk}/delete")["Location"] == "/campaigns/"
    signed_in.post(f"/campaigns/{kept.pk}/delete")
    assert list(Campaign.objects.all()) == [kept]


@pytest.mark.parametrize("verb", ["duplicate", "delete", "launch"])
def test_nothing_changes_by_a_link(signed_in: Client, verb: str) -> None:
    assert signed_in.get(f"/campaigns/{draft().pk}/{verb}").status_code == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/campaigns/new"),
        ("post", "/campaigns/new"),
        ("get", "/campaigns/{pk}/edit"),
        ("post", "/campaigns/{pk}/edit"),
        ("post", "/campaigns/{pk}/duplicate"),
        ("post", "/campaigns/{pk}/delete"),
        ("get", "/campaigns/{pk}/review"),
        ("post", "/campaigns/{pk}/launch"),
        ("post", "/campaigns/preview"),
        ("post", "/campaigns/figures"),
        ("post", "/campaigns/pictures/upload"),
    ],
)
def test_viewers_only_look(client: Client, method: str, path: str) -> None:
    address = path.format(pk=draft().pk)
    assert getattr(client, method)(address).status_code == 302, "signed out"
    client.force_login(person(Role.VIEWER, "viewer"))
    assert getattr(client, method)(address).status_code == 403
    assert Campaign.objects.get().state == CampaignState.DRAFT


@pytest.mark.parametrize("path", ["/campaigns/99/edit", "/campaigns/99/review"])
def test_unknown_addresses_are_404(signed_in: Client, path: str) -> None:
    page(signed_in, path, 404)


@pytest.mark.parametrize("lists", [1, 3])
def test_new_asks_the_database_as_often_for_one_list_as_for_three(
    signed_in: Client, lists: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(lists):
        contact_list(f"L{number}", ukrainians(1))
    # session, user, lists, segments in and out, earlier campaigns, senders, pictures, any template,
    # any list, whom to ask for a sender
    with django_assert_num_queries(13):
        signed_in.get("/campaigns/new")


# --- looking


def test_preview_shows_the_message_of_the_chosen_contact(signed_in: Client) -> None:
    chosen = contact_list("A", ukrainians(3))
    values = {
        **TYPED,
        "lists": [chosen.pk],
        "recipient": "phone",
        "recipient_phone": "+380 97 000 00 02",
    }
    shown = signed_in.post("/campaigns/preview", values).content.decode()
    assert "Hello N2" in shown
    assert "New Shop" in shown


def test_preview_escapes_values(signed_in: Client) -> None:
    chosen = contact_list("A", [("380970000001", "UA", {"first_name": "<b>x</b>"})])
    shown = signed_in.post(
        "/campaigns/preview", {**TYPED, "text": "<i>{first_name}", "lists": [chosen.pk]}
    )
    assert "&lt;i&gt;&lt;b&gt;x&lt;/b&gt;" in shown.content.decode()


def test_preview_and_figures_take_an_unfinished_form(signed_in: Client) -> None:
    for values in (
        {},
        {"validity": "x", "lists": ["zz", "9"], "tariff": "?", "text": "{", "scheduled_at": "soon"},
    ):
        assert signed_in.post("/campaigns/preview", values).status_code == 200
        assert signed_in.post("/campaigns/figures", values).status_code == 200


def test_figures_count_people_and_money(signed_in: Client) -> None:
    chosen = contact_list("A", ukrainians(1500))
    stop("380970000000")
    answer = signed_in.post("/campaigns/figures", {**TYPED, "lists": [chosen.pk]})
    shown = squeezed(answer.content.decode())
    assert "<strong>1,499</strong> recipients" in shown
    assert "29.98" in shown


# --- review and launch


def review(client: Client, campaign: Campaign) -> str:
    return page(client, f"/campaigns/{campaign.pk}/review")


def test_review_shows_everything_and_asks_for_both_figures(signed_in: Client) -> None:
    campaign = draft(
        contact_list("A", ukrainians(12)), text="Hi {first_name}", sms_sender="Shop", sms_text="SMS"
    )
    shown = review(signed_in, campaign)
    assert "Send to 12 recipients" in shown
    assert "Hi N0" in shown
    assert "Ukraine" in shown
    assert 'name="recipients"' in shown
    assert 'name="cost_EUR"' in shown


def test_review_without_the_gateway_still_works(signed_in: Client) -> None:
    PriceList.objects.all().delete()
    shown = review(signed_in, draft(contact_list("A", ukrainians(2))))
    assert "The gateway did not return its prices." in shown
    assert "Send to 2 recipients" in shown


def test_review_names_the_problems(signed_in: Client) -> None:
    shown = review(signed_in, draft(text=""))
    assert "Choose a list or a segment." in shown
    assert 'name="recipients"' not in shown


def launch(client: Client, campaign: Campaign, people: str, cost: str = "0.04") -> Any:
    answer = client.post(
        f"/campaigns/{campaign.pk}/launch", {"recipients": people, "cost_EUR": cost}, follow=True
    )
    campaign.refresh_from_db()
    return answer


def test_launch_takes_both_figures_as_people_write_them(signed_in: Client, olena: User) -> None:
    campaign = draft(contact_list("A", ukrainians(1200)))
    launch(signed_in, campaign, "1\u00a0200", "24,00 EUR")
    assert (campaign.state, campaign.launched_by) == (CampaignState.PREPARING, olena)


@pytest.mark.parametrize(
    ("people", "cost", "expected_text"),
    [
        ("", "0.04", "Type the number of recipients to confirm."),
        ("3", "0.04", "The audience is now 2 recipients, not 3."),
        ("2", "", "Type the maximum cost to confirm."),
        ("2", "0.05", "The maximum cost is now 0.04 EUR, not 0.05."),
    ],
)
def test_launch_without_both_figures_does_nothing(
    signed_in: Client, people: str, cost: str, expected_text: str
) -> None:
    campaign = draft(contact_list("A", ukrainians(2)))
    answer = launch(signed_in, campaign, people, cost)
    assert campaign.state == CampaignState.DRAFT
    shown = answer.content.decode()
    assert (answer.status_code, expected_text in shown, f'value="{people or cost}"' in shown) == (
        422,
        True,
        True,
    )
    # from the address that was posted to
    assert f'href="/campaigns/{campaign.pk}/review?refresh"' in shown


def test_the_highest_cost_is_that_of_the_dearer_way(signed_in: Client) -> None:
    campaign = draft(contact_list("A", ukrainians(2)), sms_sender="Shop", sms_text="a" * 161)
    assert (
        "The maximum cost is now 0.08 EUR, not 0.04."
        in launch(signed_in, campaign, "2").content.decode()
    )
    assert campaign.state == CampaignState.DRAFT
    launch(signed_in, campaign, "2", "0.08")
    assert campaign.state == CampaignState.PREPARING


def test_review_names_the_parts_of_the_sms(signed_in: Client) -> None:
    campaign = draft(contact_list("A", ukrainians(2)), sms_sender="Shop", sms_text="a" * 161)
    shown = " ".join(review(signed_in, campaign).split())
    assert '<span class="lengths-part"> 2 recipients: 2 SMS parts </span>' in shown
    campaign = draft(contact_list("B", ukrainians(1)), sms_sender="Shop", sms_text="a")
    shown = " ".join(review(signed_in, campaign).split())
    assert '<span class="lengths-part"> 1 recipient: 1 SMS part </span>' in shown


def test_without_a_known_price_only_the_recipients_are_confirmed(signed_in: Client) -> None:
    PriceList.objects.all().delete()
    campaign = draft(contact_list("A", ukrainians(2)))
    assert "The cost is not known." in review(signed_in, campaign)
    launch(signed_in, campaign, "2", "")
    assert campaign.state == CampaignState.PREPARING


def test_launch_refuses_a_draft_with_a_problem(signed_in: Client) -> None:
    campaign = draft(contact_list("A", ukrainians(2)), text="Hi {nobody}")
    launch(signed_in, campaign, "2")
    assert campaign.state == CampaignState.DRAFT


def test_launch_to_nobody_does_nothing(signed_in: Client) -> None:
    campaign = draft(contact_list("A", ukrainians(1)))
    stop("380970000000")
    assert "The audience is empty." in launch(signed_in, campaign, "0", "0").content.decode()
    assert campaign.state == CampaignState.DRAFT


def test_launch_at_a_time_schedules(signed_in: Client) -> None:
    at = timezone.now() + timedelta(hours=2)
    campaign = draft(contact_list("A", ukrainians(2)), timing=Timing.AT, scheduled_at=at)
    launch(signed_in, campaign, "2")
    assert campaign.state == CampaignState.SCHEDULED


def test_second_launch_is_refused_with_a_message(signed_in: Client) -> None:
    campaign = draft(contact_list("A", ukrainians(2)))
    launch(signed_in, campaign, "2")
    assert "can" in launch(signed_in, campaign, "2").content.decode()
    assert AuditEntry.objects.filter(action="launched").count() == 1


def test_segments_and_earlier_campaigns_are_chosen_saved_and_copied(signed_in: Client) -> None:
    contact_list("VIP", ukrainians(2))
    segment = Segment.objects.create(name="Readers")
    earlier = draft(name="Winter", frozen_at=timezone.now(), state=CampaignState.FINISHED)
    shown = page(signed_in, f"/campaigns/new?segment={segment.pk}")
    assert f'name="segments" value="{segment.pk}" checked' in shown
    values = {
        **TYPED,
        "segments": [segment.pk],
        "campaigns": [""],
        "exclude_campaigns": ["", f"{earlier.pk}:read"],
    }
    signed_in.post("/campaigns/new", values)
    campaign = Campaign.objects.get(name="Spring")
    signed_in.post(f"/campaigns/{campaign.pk}/duplicate")
    copy = Campaign.objects.get(name="Spring (copy)")
    for one in (campaign, copy):
        assert list(one.segments.all()) == [segment]
        assert list(one.earlier.values_list("source", "outcome", "left_out")) == [
            (earlier.pk, "read", True)
        ]
    edited = page(signed_in, f"/campaigns/{copy.pk}/edit")
    assert f'value="{earlier.pk}:read" selected' in edited
    assert "Readers, excluding Winter (Read)" in edited
    review = page(signed_in, f"/campaigns/{copy.pk}/review")
    assert f'<a href="/campaigns/{earlier.pk}/">Winter: Read</a>' in review


@pytest.mark.parametrize("values", ["x", "1:x", "99:read", "1:read:"])
def test_a_campaign_that_did_not_go_out_has_no_people_to_choose(
    signed_in: Client, values: str
) -> None:
    answer = signed_in.post("/campaigns/new", {**TYPED, "campaigns": [values]})
    assert (answer.status_code, "campaigns" in answer.context["form"].errors) == (422, True)
