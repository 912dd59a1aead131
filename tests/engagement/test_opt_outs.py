"""Opting out by the link that {unsubscribe} stands for."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.compose.launch.checks import message_problems
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.compose.models import Campaign
from campaigns.contacts.models import Consent, Person, StopListEntry
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.people.erase_contact import erase
from campaigns.engagement.models import Click, OptOut, OptOutReason
from campaigns.models import AuditEntry, Role
from campaigns.reports.campaign.progress import load_progress
from campaigns.reports.campaign.recipients import (
    EXPORT_COLUMNS,
    RecipientQuery,
    export_rows,
)
from campaigns.reports.shared.opt_outs import OptOutFigures, load_opt_outs
from campaigns.results.money.rebuilding import rebuild
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.shared.changes.models import Change, WantedKind
from campaigns.team.models import Brand
from tests.compose.factories import draft
from tests.dispatch import factory
from tests.engagement.visits import HOST, SHOP, Answer, code, open_path, sent
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
TEXT = f"Hi {SHOP} {{unsubscribe}}"


def first() -> Recipient:
    return Recipient.objects.order_by("pk")[0]


def visit(recipient: Recipient, **options: Any) -> Answer:
    return open_path(f"/{code(recipient, PageTag.OPT_OUT.number)}", **options)


def stop(recipient: Recipient, reason: str = "too_many") -> Answer:
    return visit(recipient, method="POST", form=f"action=stop&reason={reason}")


def test_opening_the_link_stops_nobody() -> None:
    sent(text=TEXT)
    answer = visit(first(), agent="Viber")
    assert (answer.status, b"<h1>Unsubscribe</h1>" in answer.body) == (200, True)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 's")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    head = visit(first(), method="HEAD")
    assert (head.status, head.body, head.headers) == (200, b"", answer.headers)
    assert (OptOut.objects.count(), StopListEntry.objects.count()) == (0, 0)
    assert Click.objects.count() == 0


def test_one_button_stops_all_messages_of_the_brand() -> None:
    campaign = sent(text=TEXT)
    other = Brand.objects.create(name="Toys", slug="toys")
    WantedKind.objects.create(kind="message.opted_out")
    answer = stop(first())
    assert b"<h1>You are unsubscribed</h1>" in answer.body
    row, entry = OptOut.objects.get(), StopListEntry.objects.get()
    assert (row.campaign, row.recipient, row.reason) == (campaign, first(), "too_many")
    assert (entry.msisdn, entry.brand_id, entry.created_by) == (first().msisdn, MAIN, None)
    assert entry.reason == f"Opted out by the link in “{campaign.name}”"
    with acting_for(other.pk):
        assert not StopListEntry.objects.exists()
    trail = AuditEntry.objects.get(action="opted out")
    assert (trail.kind, trail.address) == ("visitor", "")
    assert trail.detail == f"campaign {campaign.pk}, message {first().pk}"
    change = Change.objects.get()
    assert (change.messages, change.facts) == ([first().pk], {"opt_out_reason": "too_many"})
    assert stop(first(), "other").status == 200  # pressed twice: another reason, once counted
    assert (OptOut.objects.get().reason, Change.objects.count()) == (OptOutReason.OTHER, 1)
    later = factory.launched_to(campaign.lists.get())
    assert Recipient.objects.filter(campaign=later).count() == 2


def test_undo_takes_back_what_the_link_did() -> None:
    sent(text=TEXT)
    stop(first())
    answer = visit(first(), method="POST", form="action=undo")
    assert b"<h1>Unsubscribe</h1>" in answer.body
    assert not StopListEntry.objects.exists()
    assert OptOut.objects.get().undone_at
    assert AuditEntry.objects.filter(action="lifted", kind="visitor").count() == 1
    stop(first(), "")
    row = OptOut.objects.get()
    assert (row.undone_at, row.reason) == (None, "")
    assert StopListEntry.objects.count() == 1


def test_what_others_stopped_stays_stopped() -> None:
    sent(text=TEXT)
    StopListEntry.objects.create(msisdn=first().msisdn, reason="asked by mail")
    assert b"Subscribe again" not in stop(first()).body
    assert b"This can't be undone here." in visit(first(), method="POST", form="action=undo").body
    assert StopListEntry.objects.get().reason == "asked by mail"
    assert OptOut.objects.get().undone_at is None  # and is counted


def test_consent_that_was_withdrawn_stays_withdrawn() -> None:
    sent(text=TEXT)
    stop(first())
    Person.objects.create(msisdn=first().msisdn, consent=Consent.WITHDRAWN)
    assert b"This can't be undone here." in visit(first(), method="POST", form="action=undo").body
    assert StopListEntry.objects.count() == 1


def test_whoever_was_erased_is_told_so_and_stored_nowhere() -> None:
    sent(text=TEXT)
    erase(first().msisdn, None)
    before = StopListEntry.objects.count()
    assert b"<h1>You are unsubscribed</h1>" in visit(first()).body
    stop(first())
    assert (OptOut.objects.count(), StopListEntry.objects.count()) == (0, before)


@pytest.mark.parametrize("form", ["", "action=stop&reason=%00%FF", "x" * 5000, "reason=nonsense"])
def test_any_post_is_a_plain_opt_out(form: str) -> None:
    sent(text=TEXT)
    assert visit(first(), method="POST", form=form).status == 200
    assert OptOut.objects.get().reason == ""


def test_other_methods_and_other_numbers() -> None:
    sent(text=TEXT)
    assert visit(first(), method="PUT").status == 405
    assert open_path(f"/{code(first(), PageTag.OPT_OUT.number - 1)}").status == 404
    sent(text=SHOP)  # a campaign without the tag has no such links
    latest = Recipient.objects.order_by("-pk")[0]
    assert visit(latest).status == 404


def test_the_page_is_in_the_recipients_language(settings: Settings) -> None:
    settings.LANGUAGES = [("en", "English"), ("uk", "Ukrainian")]
    sent(text=TEXT)
    assert b'<html lang="uk">' in visit(first(), language="uk-UA,uk;q=0.9").body
    Person.objects.create(msisdn=first().msisdn, language="en")
    assert b'<html lang="en">' in visit(first(), language="uk").body
    assert b'<html lang="en">' in visit(first(), language="xx,*;q=0.1").body


def test_the_tag_becomes_a_link_also_where_nothing_is_tracked() -> None:
    text = "{first_name|You}: {unsubscribe} {{unsubscribe}} {unsubscribe|x}"
    campaign = draft(text=text, track_links=False, sms_text="Stop: {unsubscribe}")
    template = compile_message(campaign)
    link = f"https://{HOST}/link-000015"
    assert template.link_numbers == (PageTag.OPT_OUT.number,)
    assert template.names == {"first_name"}
    assert template.render({}).text == f"You: {link} {{unsubscribe}} {link}"
    assert template.render({}).sms_text == f"Stop: {link}"


def test_the_tag_needs_an_address(settings: Settings) -> None:
    settings.LINK_BASE_URL = settings.PUBLIC_BASE_URL = ""
    campaign = draft(text=TEXT)
    texts = [problem.message for problem in message_problems(campaign) if problem.field == "text"]
    assert str(texts[0]).startswith("{unsubscribe} needs an address that phones can open.")


def test_opt_outs_are_results_of_the_campaign(client: Client) -> None:
    campaign = sent(8, text=TEXT)
    rebuild()
    rows = list(Recipient.objects.order_by("pk"))
    for recipient, reason in zip(rows, ["too_many", "too_many", "", "other"], strict=False):
        stop(recipient, reason)
    visit(rows[3], method="POST", form="action=undo")
    counts = load_progress(campaign).counts
    assert load_opt_outs(campaign, counts) == OptOutFigures(
        3, 8, [("Too many messages", 2), ("No reason given", 1)]
    )
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    tab = client.get(f"/campaigns/{campaign.pk}/?tab=clicks").content.decode()
    assert re.search(r"3 \(37\.5%\)", tab)
    table = client.get(f"/campaigns/{campaign.pk}/recipients?phone={rows[0].msisdn}")
    assert [row.links.text for row in table.context["rows"]] == ["Unsubscribed"]
    exported = list(export_rows(campaign, RecipientQuery(), masked=False))
    place = [column.name for column in EXPORT_COLUMNS].index("opted_out_at")
    assert [bool(row[place]) for row in exported].count(True) == 3
    assert "unsubscribed by its link" not in client.get("/").content.decode()  # too few
    for recipient in rows[4:6]:
        stop(recipient)
    text = "5 recipients unsubscribed by its link: 62.5% of those it reached."
    assert text in client.get("/").content.decode()


def test_links_of_a_launched_campaign_are_fixed(settings: Settings) -> None:
    campaign = Campaign.objects.get(pk=sent(text=TEXT, sms_text="{unsubscribe}").pk)
    settings.LINK_BASE_URL = "https://other.example.com"
    template = compile_message(campaign)
    assert template.link_numbers == (0, 1, PageTag.OPT_OUT.number)
    assert template.render({}).sms_text == f"https://{HOST}/link-000015"
