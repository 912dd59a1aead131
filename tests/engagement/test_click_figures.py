"""Clicks as results: figures, filters, exports, segments, the API, and the pages that show them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from campaigns.compose.audience.segments import ConditionSet, describe_condition
from campaigns.compose.audience.selection import Audience
from campaigns.compose.audience.versions import versions_of
from campaigns.compose.models import Campaign, Condition, ConditionKind, RecipientOutcome
from campaigns.contacts.models import Contact
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Click, OptOut
from campaigns.ledger.models import Purpose
from campaigns.reports.campaign import clicks, recipients
from campaigns.reports.campaign.contact_history import held_data
from campaigns.reports.campaign.message_rows import load_rows
from campaigns.reports.campaign.progress import load_progress
from campaigns.reports.campaign.recipients import read_query
from campaigns.team.models import Role, User
from tests.engagement.visits import SHOP, sent

pytestmark = pytest.mark.django_db
AT = datetime(2030, 1, 1, 10, 59, 59, tzinfo=UTC)


def stored(recipient: Recipient, number: int = 0, **columns: Any) -> None:
    values = {"at": AT, "device": "phone", "system": "ios", **columns}
    Click.objects.create(
        id=Click.objects.count() + 1, campaign_id=recipient.campaign_id, recipient=recipient,
        number=number, **values,
    )  # fmt: skip


@pytest.fixture
def campaign() -> Campaign:
    """Of six recipients in three countries the first clicked two links, thrice, and the second
    one; a bot clicked for the third.
    """
    made = sent(6)
    one, two, three, *_others = everybody(made)
    stored(one)
    stored(one, 1)
    stored(one, 1, at=AT + timedelta(seconds=1), device="desktop", system="windows")
    stored(two, 1)
    stored(three, machine="bot", device="", system="")
    return made


def everybody(campaign: Campaign) -> list[Recipient]:
    return list(Recipient.objects.filter(campaign=campaign).order_by("pk"))


def numbers(counts: list[clicks.ClickCount]) -> list[tuple[Any, int, int]]:
    return [(count.key, count.clicks, count.clickers) for count in counts]


def test_figures(campaign: Campaign) -> None:
    figures = clicks.load_figures(campaign, load_progress(campaign).counts)
    assert (figures.clicks, figures.clickers, figures.machine_clicks) == (4, 2, 1)
    assert numbers(figures.links) == [(0, 1, 1), (1, 3, 2), (2, 0, 0)]
    assert [count.detail for count in figures.links] == [
        f"{SHOP}?utm_source=viber", f"{SHOP}a?c={{city|x}}&d={{city}}", f"{SHOP}sms",
    ]  # fmt: skip
    hour = AT.replace(minute=0, second=0)
    assert [count.label for count in figures.links] == ["Button", "Text", "SMS text"]
    assert [count.label for count in figures.hours] == ["1 Jan 2030, 10:00", "1 Jan 2030, 11:00"]
    assert numbers(figures.hours) == [(hour, 3, 2), (hour + timedelta(hours=1), 1, 1)]
    one, two = everybody(campaign)[:2]
    assert sum(count.clicks for count in figures.countries) == 4
    assert {count.key for count in figures.countries} == {one.country, two.country}
    assert numbers(figures.devices) == [("phone", 3, 2), ("desktop", 1, 1)]
    assert numbers(figures.systems) == [("ios", 3, 2), ("windows", 1, 1)]
    assert numbers(figures.machines) == [("bot", 1, 1)]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"clicked": "yes"}, [0, 1]),
        ({"clicked": "no"}, [2, 3, 4, 5]),
        ({"clicked": "yes", "state": "delivered"}, [0, 1]),
        ({"clicked": "yes", "state": "refused"}, []),
        ({"clicked": "maybe"}, []),
        ({"opted_out": "yes"}, [1]),
        ({"opted_out": "no"}, [0, 2, 3, 4, 5]),
        ({"opted_out": "yes", "clicked": "yes", "state": "delivered"}, [1]),
        ({"opted_out": "yes", "clicked": "no"}, []),
        ({"opted_out": "never"}, []),
    ],
)
def test_recipients_are_filtered(
    campaign: Campaign, query: dict[str, str], places: list[int]
) -> None:
    """The second one opted out, and the third one did and undid it."""
    everyone = everybody(campaign)
    for recipient, undone_at in ((everyone[1], None), (everyone[2], AT)):
        OptOut.objects.create(campaign=campaign, recipient=recipient, at=AT, undone_at=undone_at)
    selected = recipients.filter_recipients(campaign, read_query(query, masked=False))
    assert {row.pk for row in selected} == {everyone[place].pk for place in places}
    counts = load_progress(campaign).counts
    page = recipients.load_page(campaign, read_query({"clicked": "yes"}, masked=False), counts, "")
    assert {row.pk for row in page.rows} == {row.pk for row in everyone[:2]}


def test_export_has_clicks(campaign: Campaign) -> None:
    names = [column.name for column in recipients.EXPORT_COLUMNS]
    rows = [
        dict(zip(names, row, strict=True))
        for row in recipients.export_rows(campaign, read_query({}, masked=False), masked=False)
    ]
    by_phone = {row["phone"]: (row["clicks"], row["first_click_at"]) for row in rows}
    one, two, three, *_others = everybody(campaign)
    assert by_phone[one.msisdn] == (3, AT)
    assert by_phone[two.msisdn] == (1, AT)
    assert by_phone[three.msisdn] == (0, None)


def selected(**condition: Any) -> set[str]:
    row = Condition(kind=ConditionKind.MESSAGES, outcome=RecipientOutcome.CLICKED, **condition)
    found = Contact.objects.filter(ConditionSet([row]).contacts())
    return set(found.values_list("msisdn", flat=True))


def test_segments_know_who_clicked(campaign: Campaign) -> None:
    one, two, *others = everybody(campaign)
    other = sent(1)  # to the phone of the first
    assert selected(campaign=campaign) == {one.msisdn, two.msisdn}
    assert selected() == {one.msisdn, two.msisdn}
    assert selected(campaign=other) == set()
    assert selected(negated=True) == {row.msisdn for row in others}
    Click.objects.filter(recipient=one).update(at=timezone.now() - timedelta(days=31))
    Click.objects.filter(recipient=two).update(at=timezone.now() - timedelta(days=29))
    assert selected(days=30) == {two.msisdn}
    text = describe_condition(
        Condition(kind=ConditionKind.MESSAGES, outcome=RecipientOutcome.CLICKED, days=30)
    )
    assert text == "clicked a link · in the last 30 days"


def test_a_click_counts_the_audience_anew(campaign: Campaign) -> None:
    audience = Audience(campaigns=((campaign.pk, RecipientOutcome.CLICKED),))
    before = versions_of(audience)
    stored(everybody(campaign)[4])
    after = versions_of(audience)
    assert (before.settled, before.moving != after.moving) == (after.settled, True)
    assert audience.recipients().count() == 3


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(User.objects.create_user("mary", role=Role.ADMINISTRATOR))
    return client


def test_pages_show_clicks(campaign: Campaign, pages: Client) -> None:
    tab = pages.get(f"/campaigns/{campaign.pk}/?tab=clicks").content.decode()
    assert "Programs (not counted)" in tab
    assert f"{SHOP}a?c={{city|x}}&amp;d={{city}}" in tab
    table = pages.get(f"/campaigns/{campaign.pk}/recipients?clicked=yes").content.decode()
    assert (table.count("Clicked 3×"), table.count("Clicked 1×")) == (1, 1)
    assert "Not clicked" in table
    assert "?tab=clicks" in table


def test_a_campaign_without_tracked_links_has_no_tab(pages: Client) -> None:
    untracked, rehearsal = sent(1, track_links=False), sent(1, purpose=Purpose.REHEARSAL)
    for campaign in (untracked, rehearsal):
        page = pages.get(f"/campaigns/{campaign.pk}/").content.decode()
        assert "tab=clicks" not in page
        assert "Not clicked" not in page


def test_data_of_a_person_has_their_clicks(campaign: Campaign) -> None:
    [message] = held_data(everybody(campaign)[1].msisdn)["messages"]
    assert message["clicks"] == [{"at": AT, "link": 1, "device": "phone", "system": "ios"}]


def test_campaign_with_opt_outs_alone_has_no_clicks(pages: Client) -> None:
    """Its tab, chips and answers say nothing of clicks; of opt-outs they do."""
    made = sent(2, track_links=False, text="Stop: {unsubscribe}")
    one = everybody(made)[0]
    OptOut.objects.create(campaign=made, recipient=one, at=AT)
    tab = pages.get(f"/campaigns/{made.pk}/?tab=clicks").content.decode()
    assert "Unsubscribed, of those whom Viber or an SMS reached" in tab
    assert "No reason given" in tab
    assert "Clicked, of" not in tab
    table = pages.get(f"/campaigns/{made.pk}/recipients?opted_out=yes")
    assert [row.message.pk for row in table.context["rows"]] == [one.pk]
    assert [chip["id"] for chip in table.context["link_chips"]] == ["opted_out-yes"]
    assert table.context["link_chips"][0]["query"] == ""  # pressed again, it shows everybody
    export = pages.get(f"/campaigns/{made.pk}/recipients.csv?opted_out=yes")
    lines = b"".join(export.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert [one.reference in line for line in lines] == [False, True]


def test_chips_keep_each_other_and_the_state(campaign: Campaign, pages: Client) -> None:
    answer = pages.get(f"/campaigns/{campaign.pk}/recipients?clicked=yes&state=delivered")
    queries = {chip["id"]: chip["query"] for chip in answer.context["link_chips"]}
    assert queries == {
        "clicked-yes": "", "clicked-no": "clicked=no", "opted_out-yes": "clicked=yes&opted_out=yes",
    }  # fmt: skip
    page = answer.content.decode()
    assert "?clicked=yes&amp;opted_out=yes&state=delivered&why=" in page
    assert '<input type="hidden" name="clicked" value="yes">' in page


def test_messages_without_short_links_are_not_asked_for_clicks(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    plain, with_links = sent(2, track_links=False), sent(2)
    for made, number in ((plain, 1), (with_links, 4)):
        messages = everybody(made)
        with django_assert_num_queries(number):
            assert len(load_rows(messages, [made])) == 2
