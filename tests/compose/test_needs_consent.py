"""Promotional messages only with consent: the setting, and what reviews count."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.audience.versions import versions_of
from campaigns.compose.launch.approval import check_approval
from campaigns.compose.message.audience_counts import _read_request, _request_json
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import ApprovalLimit, Campaign
from campaigns.contacts.models import Consent, Person
from campaigns.models import AuditEntry, Role
from campaigns.team import brands
from campaigns.team.models import Brand
from tests.compose.factories import contact_list, draft, stop, ukrainians
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
PHONES = [phone for phone, _country, _fields in ukrainians(10)]
PAGE = "/settings/consent/"


@pytest.fixture
def campaign() -> Campaign:
    """To two lists that share three phones; of ten phones six agreed, one of them is stopped."""
    first = contact_list("A", ukrainians(8))
    second = contact_list("B", ukrainians(5, start=5))
    for phone in PHONES[:6]:
        Person.objects.create(msisdn=phone, consent=Consent.GIVEN)
    Person.objects.create(msisdn=PHONES[6], consent=Consent.WITHDRAWN)
    Person.objects.create(msisdn=PHONES[7], notes="VIP")
    stop(PHONES[0])
    return draft(first, second)


def switch(on: bool) -> None:
    Brand.objects.update(promotional_needs_consent=on)


def funnel(campaign: Campaign) -> Funnel:
    return Audience.of(Campaign.objects.get(pk=campaign.pk)).funnel()


def test_who_did_not_agree_is_a_step_of_the_funnel(campaign: Campaign) -> None:
    assert funnel(campaign) == Funnel(13, 3, 1, 0, 9)
    switch(True)
    assert funnel(campaign) == Funnel(13, 1, 1, 0, 5, without_consent=6)
    phones = Audience.of(Campaign.objects.get(pk=campaign.pk)).recipients()
    assert sorted(phones.values_list("msisdn", flat=True)) == PHONES[1:6]


def test_who_is_excluded_too_counts_as_excluded(campaign: Campaign) -> None:
    switch(True)
    campaign.exclude_lists.add(contact_list("Out", ukrainians(3, start=7)))
    assert funnel(campaign) == Funnel(13, 1, 1, 4, 5, without_consent=2)


def test_transactional_campaigns_and_tests_are_not_limited(campaign: Campaign) -> None:
    switch(True)
    Campaign.objects.update(promotional=False)
    assert funnel(campaign).recipients == 9
    Campaign.objects.update(promotional=True, test_contacts=[1])
    assert not Audience.of(Campaign.objects.get(pk=campaign.pk)).needs_consent


def test_without_the_setting_nobody_is_looked_up(campaign: Campaign) -> None:
    with CaptureQueriesContext(connection) as queries:
        funnel(campaign)
        list(Audience.of(campaign).recipients())
    assert not [query["sql"] for query in queries if "campaigns_person" in query["sql"]]


def test_counts_and_approvals_know_the_setting(campaign: Campaign) -> None:
    def fingerprint() -> str:
        return check_approval(Campaign.objects.get(pk=campaign.pk)).fingerprint

    ApprovalLimit.objects.create(currency="EUR", amount=0)
    Person.objects.exclude(msisdn__in=PHONES[:6]).delete()
    Person.objects.bulk_create(Person(msisdn=phone, consent="given") for phone in PHONES[6:])
    before, whoever = fingerprint(), Audience.of(campaign)
    assert "needs_consent" not in _request_json(whoever, compile_message(campaign))["audience"]
    switch(True)
    limited = Audience.of(Campaign.objects.get(pk=campaign.pk))
    assert fingerprint() != before  # though everybody agreed
    assert repr(limited) == repr(whoever)
    assert _read_request(_request_json(limited, compile_message(campaign)))[0] == limited
    settled = versions_of(limited).settled
    Person.objects.filter(msisdn=PHONES[1]).update(consent="unknown", version=7)
    assert versions_of(limited).settled != settled


def client_of(role: Role) -> Client:
    client = Client()
    client.force_login(make_user(f"user-{role}", role))
    return client


def test_administrators_set_it_and_the_trail_says_so() -> None:
    marketer, boss = client_of(Role.MARKETER), client_of(Role.ADMINISTRATOR)
    assert "Everybody in the audience" in marketer.get(PAGE).content.decode()
    assert marketer.post(PAGE, {"needs_consent": "on"}).status_code == 403
    assert not Brand.objects.get().promotional_needs_consent
    for _twice in range(2):
        boss.post(PAGE, {"needs_consent": "on"})
    assert Brand.objects.get().promotional_needs_consent
    assert "Contacts whose consent is given" in marketer.get(PAGE).content.decode()
    boss.post(PAGE, {"other": "x"})
    assert not Brand.objects.get().promotional_needs_consent
    details = AuditEntry.objects.filter(action="set").order_by("pk")
    assert list(details.values_list("detail", flat=True)) == [
        "promotional messages only with consent: on",
        "promotional messages only with consent: off",
    ]


def test_the_setting_of_one_brand_is_not_that_of_another(campaign: Campaign) -> None:
    other = Brand.objects.create(name="Other", slug="other")
    brands.set_needs_consent(make_user("boss", Role.ADMINISTRATOR), other, True)
    assert funnel(campaign).without_consent == 0


def test_composer_and_review_show_it(campaign: Campaign) -> None:
    switch(True)
    client = client_of(Role.MARKETER)
    review = client.get(f"/campaigns/{campaign.pk}/review").content.decode()
    assert "No consent" in review
    figures = {
        "lists": [str(pk) for pk in campaign.lists.values_list("pk", flat=True)],
        "promotional": "True", "text": "Hello", "name": "x",
    }  # fmt: skip
    answer = client.post("/campaigns/figures", figures).content.decode()
    assert "No consent" in answer
    answer = client.post("/campaigns/figures", figures | {"promotional": "False"}).content.decode()
    assert "No consent" not in answer
