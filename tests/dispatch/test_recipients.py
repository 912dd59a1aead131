"""The frozen audience is the counted one, whether lists, segments or campaigns chose it."""

from dataclasses import astuple

import pytest
from django.utils import timezone
from hypothesis import given, settings

from campaigns.compose.audience import merge_values, segments
from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import lifecycle
from campaigns.compose.message.render import CompiledMessage
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    EarlierCampaign,
    Match,
    RecipientOutcome,
    Segment,
)
from campaigns.contacts.models import Contact, StopListEntry
from campaigns.dispatch.freeze import recipients
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient, Snapshot
from campaigns.team.models import Brand
from tests.compose.audience_model import World, modelled, worlds
from tests.compose.stored_worlds import stored
from tests.dispatch.factory import SOON, contact_list, draft, launched, phone

pytestmark = pytest.mark.django_db


def frozen(campaign: Campaign) -> Snapshot:
    lifecycle.launch(campaign.pk, None, Audience.of(campaign).funnel().recipients)
    assert freeze(campaign.pk, timezone.now() + SOON)
    return Snapshot.objects.get(campaign=campaign)


def test_segments_and_earlier_campaigns_freeze_as_they_were_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In slices of seven: freezing the first contacts changes nothing for later ones."""
    monkeypatch.setattr(recipients, "SLICE_SIZE", 7)
    earlier = launched(30)  # the people 0..29, a third of them in Romania
    Recipient.objects.filter(msisdn__in=[phone(1), phone(2), phone(3)]).update(send_state="refused")
    contact_list("B", 30, start=20, city="Iasi")  # 20..49
    StopListEntry.objects.create(msisdn=phone(22))
    never = segments.save(
        Segment(name="New to us", match=Match.ANY),
        [
            Condition(
                kind=ConditionKind.MESSAGES,
                outcome=RecipientOutcome.ALL,
                negated=True,
                sender=earlier.sender,
            ),
            Condition(kind=ConditionKind.COUNTRY, countries=["RO"]),
        ],
        None,
    )
    bulgaria = segments.save(
        Segment(name="BG"), [Condition(kind=ConditionKind.COUNTRY, countries=["BG"])], None
    )
    campaign = draft(text="Hello {city|you}")
    campaign.segments.set([never])
    campaign.exclude_segments.set([bulgaria])
    EarlierCampaign.objects.create(
        campaign=campaign, source=earlier, outcome=RecipientOutcome.REFUSED
    )
    EarlierCampaign.objects.create(
        campaign=campaign, source=earlier, outcome=RecipientOutcome.REFUSED, left_out=True
    )  # in and out: out
    counted = Audience.of(campaign)
    filled = merge_values.fill(counted.recipients(), counted, ["city"])
    people = {contact.msisdn: contact.fields for contact in filled}
    snapshot = frozen(campaign)
    steps = (
        "in_lists", "repeated", "stop_listed", "excluded", "left", "without_consent", "capped",
    )  # fmt: skip
    assert tuple(getattr(snapshot, step) for step in steps) == astuple(
        Audience.of(campaign).funnel()
    )
    assert (snapshot.in_lists, snapshot.left) == (35, 22)
    assert dict(campaign.recipients.values_list("msisdn", "fields")) == people
    assert Campaign.objects.get(pk=campaign.pk).audience == 22


@settings(max_examples=25)
@given(worlds().filter(lambda world: world.own < 0))
def test_frozen_are_whom_a_plain_model_chooses_with_their_values(world: World) -> None:
    """In slices of four: a phone on several lists is in several of them."""
    funnel, people = modelled(world)
    template = CompiledMessage(world.text, world.link, world.sms)
    with stored(world) as audience, pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipients, "SLICE_SIZE", 4)
        campaign = preparing(audience, world)
        assert freeze(campaign.pk, timezone.now() + SOON)
        snapshot = Snapshot.objects.get(campaign=campaign)
        frozen = dict(campaign.recipients.values_list("msisdn", "fields"))
    counted = (snapshot.in_lists, snapshot.repeated, snapshot.stop_listed, snapshot.excluded)
    others = (snapshot.left, snapshot.without_consent, snapshot.capped)
    assert (*counted, *others) == astuple(funnel)
    assert {phone: template.render_partially(fields) for phone, fields in frozen.items()} == {
        phone: template.render_partially(fields) for phone, _country, fields in people
    }
    assert set().union(*frozen.values()) <= template.names


def preparing(audience: Audience, world: World) -> Campaign:
    """A launched campaign to `audience`."""
    Brand.objects.update(promotional_needs_consent=audience.needs_consent)
    campaign = draft(
        text=world.text, button_url=world.link, sms_text=world.sms, state=CampaignState.PREPARING
    )
    campaign.lists.set(audience.lists)
    campaign.exclude_lists.set(audience.exclude_lists)
    campaign.segments.set(audience.segments)
    campaign.exclude_segments.set(audience.exclude_segments)
    EarlierCampaign.objects.bulk_create(
        EarlierCampaign(campaign=campaign, source_id=source, outcome=outcome, left_out=left_out)
        for left_out, chosen in ((False, audience.campaigns), (True, audience.exclude_campaigns))
        for source, outcome in chosen
    )
    return campaign


def test_a_segment_that_changed_since_the_review_has_to_be_confirmed_again() -> None:
    contact_list("A", 3)
    chosen = segments.save(
        Segment(name="UA"), [Condition(kind=ConditionKind.COUNTRY, countries=["UA"])], None
    )
    campaign = draft()
    campaign.segments.set([chosen])
    assert Audience.of(campaign).funnel().recipients == 1
    Contact.objects.update(country="UA")
    with pytest.raises(lifecycle.Refused, match="The audience is now 3 recipients, not 1"):
        lifecycle.launch(campaign.pk, None, 1)
    assert Campaign.objects.get(pk=campaign.pk).state == CampaignState.DRAFT


def test_contact_removed_and_added_again_during_the_freeze_is_in_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recipients, "SLICE_SIZE", 5)
    people = contact_list("A", 10)
    campaign = draft(people)
    lifecycle.launch(campaign.pk, None, 10)
    slices = 0

    def return_to_list_after_first_slice() -> bool:
        nonlocal slices
        slices += 1
        if slices == 2:
            people.contacts.filter(msisdn=phone(0)).delete()
            Contact.objects.create(list=people, msisdn=phone(0), country="UA", fields={})
        return True

    assert freeze(campaign.pk, timezone.now() + SOON, return_to_list_after_first_slice)
    snapshot = Snapshot.objects.get(campaign=campaign)
    assert (snapshot.in_lists, snapshot.repeated, snapshot.left) == (11, 1, 10)
    assert campaign.recipients.count() == 10
    assert sum(campaign.batches.values_list("size", flat=True)) == 10
