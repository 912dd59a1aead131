from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.editor.test_send import phones_in
from campaigns.compose.models import Campaign, CampaignState, TestGroup
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.ledger.models import Purpose
from campaigns.team.models import Role
from tests.compose.factories import contact_list, draft, person, stop
from tests.markup import squeezed

pytestmark = pytest.mark.django_db
OWN, COLLEAGUE = "+380 67 123 45 67", "+380 67 765 43 21"


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(person())
    return client


@pytest.fixture
def campaign() -> Campaign:
    people = [
        ("380970000001", "UA", {"first_name": "Olena", "city": "Lviv"}),
        ("380970000002", "UA", {"first_name": "Ana-Maria"}),
        ("380970000003", "UA", {}),
    ]
    return draft(contact_list("A", people), text="Hi {first_name|you}", budget=5, image_url="")


def send(client: Client, campaign: Campaign, phones: str, whose: str = "first") -> str:
    answer = client.post(
        f"/campaigns/{campaign.pk}/test", {"phones": phones, "recipient": whose}, follow=True
    )
    return squeezed(answer.content.decode())


def test_phones_are_read_as_people_type_them() -> None:
    assert phones_in(f" {OWN},{COLLEAGUE}\n\n{OWN};") == [OWN, COLLEAGUE]


def test_send_is_a_campaign_with_the_values_of_a_contact(
    signed_in: Client, campaign: Campaign
) -> None:
    assert "Test sent to 2 phones." in send(signed_in, campaign, f"{OWN}, {COLLEAGUE}", "longest")
    test = Campaign.objects.get(purpose=Purpose.TEST)
    assert (test.name, test.state, test.budget) == ("Test: Spring", CampaignState.PREPARING, None)
    people = Contact.objects.filter(list=test.lists.get()).order_by("id")
    assert [(one.msisdn, one.fields) for one in people] == [
        ("380671234567", {"first_name": "Ana-Maria"}),
        ("380677654321", {"first_name": "Ana-Maria"}),
    ]
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_a_test_stays_on_the_review_with_the_states_of_its_messages(
    signed_in: Client, campaign: Campaign
) -> None:
    answer = signed_in.post(f"/campaigns/{campaign.pk}/test", {"phones": OWN, "recipient": "first"})
    assert answer["Location"] == f"/campaigns/{campaign.pk}/review#test"
    tests = f"/campaigns/{campaign.pk}/tests"
    assert f'hx-get="{tests}"' in signed_in.get(f"/campaigns/{campaign.pk}/review").content.decode()
    test = Campaign.objects.get(purpose=Purpose.TEST)
    assert (test.rehearsal_of, campaign.rehearsals.count()) == (campaign, 1)
    freeze(test.pk, timezone.now() + timedelta(minutes=1))
    shown = squeezed(signed_in.get(tests).content.decode())
    assert "+380 67 123 4567" in shown
    assert "Queued" in shown
    assert 'hx-trigger="every 3s"' in shown
    Recipient.objects.update(
        send_state=SendState.ACCEPTED, delivery_state=DeliveryState.READ, final=True
    )
    shown = squeezed(signed_in.get(tests).content.decode())
    assert "Read" in shown
    assert "hx-trigger" not in shown
    back = f'href="/campaigns/{campaign.pk}/review#test"'
    assert back in signed_in.get(f"/campaigns/{test.pk}/").content.decode()
    assert "Test: Spring" not in signed_in.get(f"/campaigns/{campaign.pk}/review").content.decode()


def test_the_list_of_a_test_is_not_among_those_that_users_choose_from(
    signed_in: Client, campaign: Campaign
) -> None:
    name = "Test numbers of olena"
    own = ContactList.objects.create(name=name)  # as a user happened to call it
    send(signed_in, campaign, OWN)
    assert Contact.objects.get(msisdn="380671234567").list.name == f"{name} (2)"
    assert {*choosable_lists()} == {own, campaign.lists.get()}
    for address in ("/contacts/", "/campaigns/new", "/contacts/import"):
        assert f"{name} (2)" not in signed_in.get(address).content.decode()


def test_phones_are_kept_for_the_next_test(signed_in: Client, campaign: Campaign) -> None:
    send(signed_in, campaign, COLLEAGUE)
    send(signed_in, campaign, OWN, "lacking")
    assert Contact.objects.get(list__name="Test numbers of olena (2)").fields == {}
    # not yet frozen
    assert Contact.objects.get(list__name="Test numbers of olena").msisdn == "380677654321"
    assert (
        'value="+380 67 123 4567"'
        in signed_in.get(f"/campaigns/{campaign.pk}/review").content.decode()
    )


@pytest.mark.parametrize(
    ("phones", "expected_text"),
    [
        ("", "Enter up to 10 phone numbers."),
        (",".join(f"+380 67 000 00 {n:02d}" for n in range(11)), "Enter up to 10 phone numbers."),
        ("+380 67 123 45 67, 12", "12: "),
        ("+380 67 999 99 99", "This phone is on the stop list."),
    ],
)
def test_invalid_phone_is_named_and_nothing_is_sent(
    signed_in: Client, campaign: Campaign, phones: str, expected_text: str
) -> None:
    stop("380679999999")
    shown = send(signed_in, campaign, phones, "longest")
    wrong = shown.partition('id="phones-error">')[2].partition("</span>")[0]
    assert expected_text in wrong
    assert (f'value="{phones}"' in shown, '<option value="longest" selected>' in shown) == (
        True,
        True,
    )
    assert not Campaign.objects.filter(purpose=Purpose.TEST).exists()
    assert not ContactList.objects.filter(name__startswith="Test numbers").exists()


def test_a_draft_with_a_problem_is_not_sent_as_a_test_either(
    signed_in: Client, campaign: Campaign
) -> None:
    campaign.text = "Hi {first_name}"
    campaign.save()
    assert "1 contact has no {first_name}." in send(signed_in, campaign, OWN, "lacking")
    assert not Campaign.objects.filter(purpose=Purpose.TEST).exists()


def test_viewers_test_nothing(client: Client, campaign: Campaign) -> None:
    client.force_login(person(Role.VIEWER))
    assert client.post(f"/campaigns/{campaign.pk}/test", {"phones": OWN}).status_code == 403


def test_each_variant_is_a_test_of_its_own_with_a_list_of_its_own(
    signed_in: Client, campaign: Campaign
) -> None:
    """The first of them has not yet put its people together when the last is launched."""
    send(signed_in, campaign, OWN, "each")
    tests = Campaign.objects.filter(purpose=Purpose.TEST).order_by("pk")
    got = [Contact.objects.get(list=test.lists.get()).fields for test in tests]
    assert got == [{"first_name": "Olena"}, {"first_name": "Ana-Maria"}, {}]
    assert len({test.lists.get().pk for test in tests}) == 3


def test_phone_in_two_spellings_is_one_phone(signed_in: Client, campaign: Campaign) -> None:
    phones = "0972920283, +380 97 292 0283\n380972920283"
    signed_in.post("/settings/test-groups/", {"name": "Office", "phones": phones})
    group = TestGroup.objects.get()
    assert group.phones == ["0972920283"]
    group.phones = ["0972920283", "+380 97 292 0283"]  # as of an earlier version
    group.save()
    for data in ({"group": str(group.pk)}, {"phones": phones}):
        signed_in.post(f"/campaigns/{campaign.pk}/test", data | {"recipient": "first"})
    tests = Campaign.objects.filter(purpose=Purpose.TEST)
    assert tests.count() == 2
    assert {
        contact.msisdn for contact in Contact.objects.filter(list__in=tests.values("lists"))
    } == {"380972920283"}


def test_a_group_is_made_once_and_sent_to(signed_in: Client, campaign: Campaign) -> None:
    groups = "/settings/test-groups/"
    assert signed_in.post(groups, {"name": "Office", "phones": "12"}).status_code == 422
    assert (
        signed_in.post(groups, {"name": "Office", "phones": f"{OWN}\n{COLLEAGUE}"})["Location"]
        == groups
    )
    assert signed_in.post(groups, {"name": "Office", "phones": OWN}).status_code == 422
    group = TestGroup.objects.get()
    assert group.phones == [OWN, COLLEAGUE]
    signed_in.post(
        f"/campaigns/{campaign.pk}/test",
        {"group": str(group.pk), "phones": "", "recipient": "first"},
    )
    test = Campaign.objects.get(purpose=Purpose.TEST)
    assert Contact.objects.filter(list=test.lists.get()).count() == 2
    signed_in.force_login(person(Role.VIEWER, "reader"))
    assert signed_in.get(groups).status_code == 403
    assert signed_in.post(f"{groups}{group.pk}/delete").status_code == 403
