"""Approval: needed for every way to launch, never by the requester, and void after any change."""

import re
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from campaigns.compose.launch import approval, lifecycle, running_changes
from campaigns.compose.models import ApprovalLimit, Campaign, CampaignState, PriceList, Timing
from campaigns.contacts.models import Contact, StopListEntry
from campaigns.ledger.models import Purpose
from campaigns.team import mail_delivery
from campaigns.team.models import AuditEntry, Role, User
from tests.compose.factories import contact_list, draft, person, ukrainians
from tests.markup import squeezed

S = CampaignState
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def prices() -> None:
    """A Viber message in Ukraine costs 0.023 EUR; nothing is asked of a gateway."""
    rows = [
        {
            "country": "UA",
            "country_name": "Ukraine",
            "mcc": "",
            "mnc": "0",
            "price": "0.023",
            "currency": "EUR",
        }
    ]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())


@pytest.fixture
def olena() -> User:
    return person(Role.APPROVER, "olena")


@pytest.fixture
def ivan() -> User:
    return person(Role.APPROVER, "ivan")


def ten_people(limit: str = "0.229", **fields: Any) -> Campaign:
    """A draft that costs 0.23 EUR, under a limit."""
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal(limit))
    return draft(contact_list("A", ukrainians(10)), **fields)


def asked(actor: User | None, **fields: Any) -> Campaign:
    campaign = ten_people(**fields)
    lifecycle.launch(campaign.pk, actor)
    campaign.refresh_from_db()
    return campaign


def state_of(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).state


@pytest.mark.parametrize(("limit", "to"), [("0.229", S.AWAITING_APPROVAL), ("0.23", S.PREPARING)])
def test_campaign_above_the_limit_waits_for_approval(
    olena: User, limit: str, to: CampaignState
) -> None:
    campaign = ten_people(limit)
    lifecycle.launch(campaign.pk, olena, 10)
    campaign.refresh_from_db()
    assert campaign.state == to
    assert (campaign.launched_at is None) == (to == S.AWAITING_APPROVAL)


@pytest.mark.parametrize("unknown", ["price", "limit"])
def test_campaign_with_unknown_cost_or_currency_waits_for_approval(
    olena: User, unknown: str
) -> None:
    campaign = ten_people("1000")
    if unknown == "price":
        Contact.objects.filter(msisdn="380970000003").update(country="ZW")
    else:
        ApprovalLimit.objects.update(currency="USD")
    lifecycle.launch(campaign.pk, olena)
    assert state_of(campaign) == S.AWAITING_APPROVAL


def sms_price(price: str = "0.05", currency: str = "EUR", country: str = "UA") -> None:
    row = {"country": country, "country_name": country, "mcc": "", "mnc": "0"}
    rows = [row | {"price": price, "currency": currency}]
    PriceList.objects.create(channel="sms", tariff=0, rows=rows, fetched_at=timezone.now())


@pytest.mark.parametrize(
    ("limit", "text", "needed"),
    [
        ("0.4999999", "Hello", True),  # Viber to all costs 0.23, and SMS to all 0.50
        ("0.50", "Hello", False),
        ("0.9999999", "x" * 161, True),  # of two parts each
        ("1", "x" * 161, False),
    ],
)
def test_dear_end_of_the_cost_counts(limit: str, text: str, needed: bool) -> None:
    sms_price()
    campaign = ten_people(limit, sms_sender="Shop", sms_text=text)
    check = approval.check_approval(campaign)
    assert check.needed is needed
    dearest = "0.50" if text == "Hello" else "1.00"
    assert check.summary == f"10 recipients, at most {dearest} EUR"


def test_cheap_sms_makes_nothing_cheaper() -> None:
    sms_price("0.001")
    assert approval.check_approval(ten_people("0.2299", sms_sender="S", sms_text="Hello")).needed


@pytest.mark.parametrize("sms", [{"currency": "USD"}, {"country": "PL"}], ids=str)
def test_cost_of_an_sms_that_is_not_known_needs_approval(sms: dict[str, str]) -> None:
    sms_price(**sms)
    ApprovalLimit.objects.create(currency="USD", amount=Decimal(1000))
    check = approval.check_approval(ten_people("1000", sms_sender="Shop", sms_text="Hello"))
    assert (check.needed, check.summary) == (True, "10 recipients, cost not fully known")


def test_any_currency_above_its_limit_needs_approval() -> None:
    rows = [*PriceList.objects.get().rows]
    rows.append(rows[0] | {"country": "PL", "price": "0.1", "currency": "USD"})
    PriceList.objects.update(rows=rows)
    campaign = ten_people("0.207")
    Contact.objects.filter(msisdn="380970000003").update(country="PL")
    limit = ApprovalLimit.objects.create(currency="USD", amount=Decimal("0.1"))
    assert not approval.check_approval(campaign).needed
    for currency, amount in (("USD", "0.0999999"), ("EUR", "0.2069999")):
        ApprovalLimit.objects.filter(currency=currency).update(amount=Decimal(amount))
        assert approval.check_approval(campaign).needed
        ApprovalLimit.objects.filter(currency=currency).update(amount=Decimal(1))
    limit.delete()
    assert approval.check_approval(campaign).needed


def test_dearer_sms_is_another_cost_to_approve() -> None:
    sms_price("0.05")
    campaign = ten_people("1", sms_sender="Shop", sms_text="Hello")
    before = approval.check_approval(campaign).fingerprint
    assert approval.check_approval(campaign).fingerprint == before
    PriceList.objects.filter(channel="sms").delete()
    sms_price("0.06")
    assert approval.check_approval(campaign).fingerprint != before


def test_tests_need_approval_as_campaigns_do_and_rehearsals_none() -> None:
    campaign = ten_people()
    for purpose in (Purpose.CAMPAIGN, Purpose.TEST):
        campaign.purpose = purpose
        assert approval.check_approval(campaign).needed
    campaign.purpose = Purpose.REHEARSAL
    assert approval.check_approval(campaign) is approval.NOT_NEEDED


def test_another_approver_approves_and_it_is_launched(olena: User, ivan: User) -> None:
    campaign = asked(olena)
    lifecycle.approve(campaign.pk, ivan, campaign.approval_fingerprint)
    campaign.refresh_from_db()
    assert campaign.state == S.PREPARING
    assert (campaign.launched_by, campaign.approved_by, campaign.approved_people) == (
        olena,
        ivan,
        10,
    )
    trail = AuditEntry.objects.order_by("pk").values_list("actor__username", "action", "detail")
    assert list(trail) == [
        ("olena", "asked for approval", "10 recipients, at most 0.23 EUR"),
        ("ivan", "approved", "10 recipients, at most 0.23 EUR"),
    ]


def test_requester_and_marketers_and_commands_cannot_approve(olena: User) -> None:
    campaign = asked(olena)
    for actor in (olena, person(Role.MARKETER, "petro"), None):
        with pytest.raises(lifecycle.Refused, match="you can't approve a campaign that you"):
            lifecycle.approve(campaign.pk, actor, campaign.approval_fingerprint)
    assert state_of(campaign) == S.AWAITING_APPROVAL


def test_creator_cannot_approve_what_a_command_launched(olena: User, ivan: User) -> None:
    campaign = ten_people(created_by=olena)
    out = StringIO()
    call_command("campaign", "launch", str(campaign.pk), "--json", stdout=out)
    assert '"state": "awaiting_approval"' in out.getvalue()
    campaign.refresh_from_db()
    assert not approval.may_approve(campaign, olena)
    assert approval.awaiting_approval_by(olena) == []
    assert approval.awaiting_approval_by(ivan) == [campaign]


def _more_people(campaign: Campaign) -> None:
    Contact.objects.create(list=campaign.lists.get(), msisdn="380979999999", country="UA")


def _one_for_another(campaign: Campaign) -> None:
    Contact.objects.filter(msisdn="380970000001").delete()
    _more_people(campaign)


def _fewer_people(_campaign: Campaign) -> None:
    StopListEntry.objects.create(msisdn="380970000001")


def _dearer(_campaign: Campaign) -> None:
    kept = PriceList.objects.get()
    kept.rows[0]["price"] = "0.0230001"
    kept.save()


def _other_words(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(text="Hello, you")


def _more_budget(campaign: Campaign) -> None:
    running_changes.change_budget(campaign.pk, None, Decimal(5))


CHANGES = [_more_people, _one_for_another, _fewer_people, _dearer, _other_words, _more_budget]


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_after_the_request_makes_it_a_draft_again(
    olena: User, ivan: User, change: object
) -> None:
    campaign = asked(olena)
    change(campaign)  # type: ignore[operator]
    with pytest.raises(lifecycle.Refused, match="changed after approval was requested"):
        lifecycle.approve(campaign.pk, ivan, campaign.approval_fingerprint)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approval_fingerprint, campaign.approved_by) == (
        S.DRAFT,
        "",
        None,
    )


def _link_as_value(_campaign: Campaign) -> None:
    Contact.objects.filter(msisdn="380970000001").update(fields={"first_name": "https://x.ua"})


def _another_is_excluded(campaign: Campaign) -> None:
    excluded = campaign.exclude_lists.get()
    Contact.objects.filter(list=excluded).update(msisdn="380970000002")


@pytest.mark.parametrize("change", [_link_as_value, _another_is_excluded])
def test_approval_is_for_the_people_and_the_values_that_were_shown(
    olena: User, ivan: User, change: object
) -> None:
    """Both changes leave the number of recipients and the cost as they were."""
    campaign = ten_people("0.2", text="Hi {first_name}")
    campaign.exclude_lists.add(contact_list("Out", ukrainians(1)))
    lifecycle.launch(campaign.pk, olena)
    campaign.refresh_from_db()
    change(campaign)  # type: ignore[operator]
    with pytest.raises(lifecycle.Refused, match="changed after approval was requested"):
        lifecycle.approve(campaign.pk, ivan, campaign.approval_fingerprint)
    assert state_of(campaign) == S.DRAFT


def test_changes_are_requested_with_a_note_and_approval_again(
    client: Client, olena: User, ivan: User
) -> None:
    campaign = asked(olena)
    with pytest.raises(lifecycle.Refused, match="Write what has to be changed"):
        lifecycle.return_to_draft(campaign.pk, ivan, " ")
    lifecycle.return_to_draft(campaign.pk, ivan, "Too early in the day")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approval_note) == (S.DRAFT, "Too early in the day")
    Campaign.objects.update(edited_by=olena)
    client.force_login(olena)
    for address in ("/", f"/campaigns/{campaign.pk}/edit"):
        assert "Too early in the day" in client.get(address).content.decode()
    lifecycle.launch(campaign.pk, olena)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approval_note) == (S.AWAITING_APPROVAL, "")


def test_scheduled_campaign_that_grows_needs_approval_again_at_its_time(
    olena: User, ivan: User
) -> None:
    now = timezone.now()
    campaign = asked(olena, timing=Timing.AT, scheduled_at=now + timedelta(hours=1))
    lifecycle.approve(campaign.pk, ivan, campaign.approval_fingerprint)
    assert state_of(campaign) == S.SCHEDULED
    assert lifecycle.start_due(now + timedelta(hours=1, seconds=1)) == 1  # as approved
    Campaign.objects.update(state=S.SCHEDULED)
    _more_people(campaign)
    assert lifecycle.start_due(now + timedelta(hours=1, seconds=1)) == 0
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (S.PAUSED, "approval")
    assert campaign.reason_detail == "11 recipients, at most 0.25 EUR"
    for actor in (olena, None):
        with pytest.raises(lifecycle.Refused, match="you can't approve a campaign that you"):
            lifecycle.resume(campaign.pk, actor)
    lifecycle.resume(campaign.pk, ivan)
    assert Campaign.objects.get().approved_people == 11


def test_campaign_that_grows_over_the_limit_is_not_sent(olena: User) -> None:
    campaign = ten_people("0.23")
    lifecycle.launch(campaign.pk, olena)
    _more_people(campaign)
    assert not lifecycle.complete_freeze(campaign.pk, 11)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason, campaign.audience) == (S.PAUSED, "approval", 11)


def test_pausing_does_not_bypass_approval(olena: User) -> None:
    campaign = ten_people("0.23")
    lifecycle.launch(campaign.pk, olena)
    lifecycle.pause(campaign.pk, olena)
    _more_people(campaign)
    with pytest.raises(lifecycle.Refused, match="a second person has to approve"):
        lifecycle.resume(campaign.pk, olena)
    assert state_of(campaign) == S.PAUSED


def test_admin_does_not_bypass_approval(client: Client, olena: User) -> None:
    User.objects.update(role=Role.ADMINISTRATOR, is_staff=True)
    campaign = asked(olena)

    def resume() -> list[str]:
        chosen = {"action": "resume", "_selected_action": [campaign.pk]}
        return [
            str(values)
            for values in get_messages(
                client.post("/admin/campaigns/campaign/", chosen).wsgi_request
            )
        ]

    client.force_login(olena)
    assert resume() == ["Spring: The campaign can't be resumed: it is “Waiting for approval”."]
    assert state_of(campaign) == S.AWAITING_APPROVAL
    # it grew over the limit
    Campaign.objects.update(state=S.PAUSED, reason="approval", launched_by=olena)
    assert "you can't approve a campaign that you" in resume()[-1]
    assert state_of(campaign) == S.PAUSED
    another = User.objects.create_user("admin", role=Role.ADMINISTRATOR, is_staff=True)
    client.force_login(another)
    assert resume()[-1] == "1 campaign changed."
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == (S.PREPARING, another)


def test_approvers_and_then_the_requester_are_e_mailed(olena: User, ivan: User) -> None:
    for one in (olena, ivan, person(Role.MARKETER, "petro")):
        User.objects.filter(pk=one.pk).update(email=f"{one.username}@example.com")
    campaign = asked(olena)
    assert approval.notify_approvers(campaign.pk) == 1
    lifecycle.return_to_draft(campaign.pk, ivan, "Shorter, please")
    assert approval.notify_requester(campaign.pk, olena.pk, 0) == 1
    assert mail_delivery.deliver_due() == 2
    first, second = mail.outbox
    assert (first.to, first.subject) == (["ivan@example.com"], "“Spring” waits for your approval")
    assert f"/campaigns/{campaign.pk}/review" in first.body
    assert (second.to, second.subject) == (["olena@example.com"], "Changes requested for “Spring”")
    assert "Shorter, please" in second.body


def test_pages_lead_from_the_request_to_the_approval(
    client: Client, olena: User, ivan: User
) -> None:
    campaign = ten_people()
    client.force_login(olena)
    review, launch = f"/campaigns/{campaign.pk}/review", f"/campaigns/{campaign.pk}/launch"
    assert (
        "a second person has to approve this campaign first" in client.get(review).content.decode()
    )
    assert (
        "Approval requested for “Spring”."
        in client.post(
            launch, {"recipients": "10", "cost_EUR": "0.23"}, follow=True
        ).content.decode()
    )
    assert 'name="fingerprint"' not in client.get(review).content.decode()
    dashboard = client.get("/").content.decode()
    assert review not in dashboard
    assert "You requested approval" in dashboard
    client.force_login(ivan)
    assert review in client.get("/").content.decode()
    page = squeezed(client.get(review).content.decode())
    result = re.search(r'name="fingerprint" value="([0-9a-f]{64})"', page)
    assert result, page
    approve, figures = f"/campaigns/{campaign.pk}/approve", {"recipients": "10", "cost_EUR": "0.23"}
    client.post(approve, {"fingerprint": "0" * 64, **figures})
    assert state_of(campaign) == S.AWAITING_APPROVAL
    for wrong in ({}, figures | {"cost_EUR": "0.32"}):
        unconfirmed = client.post(approve, {"fingerprint": result.group(1), **wrong})
        assert (unconfirmed.status_code, state_of(campaign)) == (422, S.AWAITING_APPROVAL)
    assert "The maximum cost is now 0.23 EUR, not 0.32." in unconfirmed.content.decode()
    client.post(approve, {"fingerprint": result.group(1), **figures})
    assert state_of(campaign) == S.PREPARING


def test_only_administrators_set_limits(client: Client, olena: User) -> None:
    client.force_login(olena)
    values = {"currency": "EUR", "amount": "250"}
    assert client.post("/settings/approval/", values).status_code == 403
    client.force_login(person(Role.ADMINISTRATOR, "admin"))
    assert client.post("/settings/approval/", values).status_code == 302
    assert client.post("/settings/approval/", values | {"amount": "300"}).status_code == 302
    assert client.post("/settings/approval/", values | {"amount": "-1"}).status_code == 422
    limit = ApprovalLimit.objects.get()
    assert limit.amount == Decimal(300)
    assert "300.00" in client.get("/settings/approval/").content.decode()
    client.force_login(olena)
    assert client.post(f"/settings/approval/{limit.pk}/delete").status_code == 403
