"""The page on which users set up the sign-up page of a list."""

import pytest
from django.test import Client

from campaigns.engagement.sign_up.models import SignUpDay, SignUpPage
from campaigns.models import AuditEntry, Role
from campaigns.shared.days import site_today
from tests.engagement.signing_up import WORDING, news, opened, trigger
from tests.engagement.visits import HOST
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(make_user("mia", Role.MARKETER))
    return client


def test_a_page_is_set_up_and_shows_its_address_costs_and_counts(marketer: Client) -> None:
    contacts, sent_by = news(), trigger(people_max=200)
    address = f"/contacts/{contacts.pk}/sign-up"
    assert b"Nobody has signed up yet." in marketer.get(address).content
    form = {"is_on": "on", "wording": f"  {WORDING}\r\n", "trigger": sent_by.pk}
    assert marketer.post(address, form).status_code == 302
    page = SignUpPage.objects.get()
    assert (page.is_on, page.wording.text, page.trigger) == (True, WORDING, sent_by)
    SignUpDay.objects.create(list=contacts, day=site_today(), asked=12, confirmed=7)
    body = marketer.get(address).content.decode()
    assert f"https://{HOST}/s/{page.code}" in body
    assert '200 messages, <span class="money">15.00' in body
    assert '<td class="num">12</td>' in body
    assert "Open" in body
    entry = AuditEntry.objects.get(action="sign-up set")
    assert entry.detail == f"on; trigger sign-up; wording {page.wording.pk}"


def test_what_is_missing_is_said_and_nothing_typed_is_lost(marketer: Client) -> None:
    contacts = news()
    address = f"/contacts/{contacts.pk}/sign-up"
    refused = marketer.post(address, {"is_on": "on", "wording": "", "trigger": ""})
    assert (refused.status_code, SignUpPage.objects.count()) == (422, 0)
    marketer.post(address, {"is_on": "on", "wording": WORDING, "trigger": ""})
    assert "Choose the trigger whose message asks" in marketer.get(address).content.decode()


def test_the_address_of_a_page_stays(marketer: Client) -> None:
    page = opened()
    marketer.post(f"/contacts/{page.list.pk}/sign-up", {"wording": "Other", "trigger": ""})
    changed = SignUpPage.objects.get()
    assert (changed.code, changed.is_on, changed.wording.text) == (page.code, False, "Other")
