"""A campaign goes to the contacts of its brand, less the phones that its brand, or all, stopped."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import test_limits
from campaigns.compose.message.measured_audience import measure
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, Condition, ConditionKind, Segment
from campaigns.contacts.importing.contact_store import find_stop_listed
from campaigns.contacts.models import StopListEntry
from campaigns.dispatch.models import Recipient
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.models import Brand, Role, User
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
HERS, OURS, EVERYBODYS = (factory.phone(number) for number in (1, 2, 3))


@pytest.fixture
def other() -> Brand:
    """With one phone on its stop list; of two others one is stopped by us, and one by all."""
    other = Brand.objects.create(name="Other", slug="other")
    for phone, brand_id in ((HERS, other.pk), (OURS, MAIN), (EVERYBODYS, None)):
        StopListEntry.objects.create(msisdn=phone, brand_id=brand_id)
    return other


def test_freeze_leaves_out_what_the_review_left_out(other: Brand) -> None:
    campaign = factory.launched(12)
    sent_to = set(Recipient.objects.values_list("msisdn", flat=True))
    assert len(sent_to) == 10
    assert HERS in sent_to
    assert not {OURS, EVERYBODYS} & sent_to
    with acting_for(MAIN):
        measured = measure(Audience.of(campaign), compile_message(campaign))
    assert (measured.funnel.recipients, measured.funnel.stop_listed) == (10, 2)
    assert (campaign.snapshot.left, campaign.snapshot.stop_listed) == (10, 2)


def test_segment_chooses_no_contact_of_another_brand(other: Brand) -> None:
    with acting_for(other.pk):
        factory.contact_list("Theirs", 6, start=100)
    factory.contact_list("Ours", 6)
    segment = Segment.objects.create(name="Everybody")
    Condition.objects.create(
        segment=segment,
        place=0,
        kind=ConditionKind.COUNTRY,
        countries=[code for code, _prefix in factory.COUNTRIES],
    )
    with acting_for(MAIN):
        phones = {contact.msisdn for contact in Audience(segments=(segment.pk,)).recipients()}
    assert phones <= {factory.phone(number) for number in range(100)}
    assert HERS in phones


def test_test_messages_of_a_user_add_up_over_brands(other: Brand, settings: Settings) -> None:
    settings.TEST_MESSAGES_PER_DAY = 3
    olena = User.objects.create(username="olena", role=Role.MARKETER)
    sent = {"purpose": Purpose.TEST, "launched_by": olena, "launched_at": timezone.now()}
    Campaign.objects.create(brand=other, name="Test", test_contacts=[1, 2], **sent)
    with acting_for(MAIN):
        refusal = test_limits.refusal(Campaign(pk=0, purpose=Purpose.TEST), [3, 4], olena)
    assert refusal.startswith("You can send 3 test messages a day, and sent 2 today.")


def test_import_marks_the_phones_that_its_brand_stopped(other: Brand) -> None:
    with acting_for(MAIN):
        assert find_stop_listed([HERS, OURS, EVERYBODYS]) == {OURS, EVERYBODYS}
    with acting_for(other.pk):
        assert find_stop_listed([HERS, OURS, EVERYBODYS]) == {HERS, EVERYBODYS}
