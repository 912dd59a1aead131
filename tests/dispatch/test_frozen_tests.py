"""A test goes to the phones that were on its list at the launch, however the list is filled."""

import pytest
from django.utils import timezone

from campaigns.compose.editor.test_send import send_test
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Contact
from campaigns.dispatch.freeze import recipients
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient, SendState
from campaigns.dispatch.sweep import sweep
from campaigns.team.models import AuditEntry, Role, User
from tests.dispatch.factory import SOON, contact_list, draft, phone

pytestmark = pytest.mark.django_db
OWN, OTHER = "+380 67 123 45 67", "+380 67 765 43 21"


@pytest.fixture
def olena() -> User:
    return User.objects.create_user("olena", role=Role.MARKETER)


def fill(test: Campaign, people: int = 300) -> None:
    Contact.objects.bulk_create(
        Contact(list=test.lists.get(), msisdn=phone(number), country="UA", fields={})
        for number in range(people)
    )


@pytest.mark.parametrize("slice_size", [7, 50_000])
def test_contacts_added_after_the_launch_get_no_message(
    monkeypatch: pytest.MonkeyPatch, olena: User, slice_size: int
) -> None:
    monkeypatch.setattr(recipients, "SLICE_SIZE", slice_size)
    test = send_test(draft(contact_list("A", 3)), [OWN, OTHER], olena)
    fill(test)
    assert freeze(test.pk, timezone.now() + SOON)
    phones = Recipient.objects.order_by("msisdn").values_list("msisdn", flat=True)
    assert list(phones) == ["380671234567", "380677654321"]
    test.refresh_from_db()
    assert (test.state, test.audience) == (CampaignState.SENDING, 2)


def test_a_test_with_more_recipients_is_cancelled_after_the_freeze(olena: User) -> None:
    """As one that was launched before the contacts of tests were fixed."""
    test = send_test(draft(contact_list("A", 3)), [OWN], olena)
    fill(test, 10)
    Campaign.objects.filter(pk=test.pk).update(test_contacts=None)
    assert freeze(test.pk, timezone.now() + SOON)
    test.refresh_from_db()
    assert (test.state, Recipient.objects.count()) == (CampaignState.CANCELLED, 11)
    entry = AuditEntry.objects.get(action="cancelled")
    assert (entry.actor, entry.detail) == (None, "A test goes to at most 10 phones.")
    sweep()
    assert set(Recipient.objects.values_list("send_state", flat=True)) == {SendState.CANCELLED}


def test_a_contact_that_left_the_list_gets_no_test(olena: User) -> None:
    test = send_test(draft(contact_list("A", 3)), [OWN, OTHER], olena)
    Contact.objects.filter(msisdn="380677654321").delete()
    assert freeze(test.pk, timezone.now() + SOON)
    assert [row.msisdn for row in Recipient.objects.all()] == ["380671234567"]
