"""Random audiences (audience_model) in the database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    Condition,
    ConditionKind,
    Segment,
    Sender,
)
from campaigns.contacts.models import Consent, Contact, ContactList, Import, Person
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Click
from campaigns.ledger.models import Purpose
from tests.compose.audience_model import PHONES, Earlier, RuleSet, World
from tests.compose.factories import stop


@contextmanager
def stored(world: World) -> Iterator[Audience]:
    """The world in the database, and its audience; names are in another order than ids."""
    with transaction.atomic():
        now = timezone.now()
        lists = [
            ContactList.objects.create(
                name=name,
                fields=sorted({name for row in rows for name in row.fields}),
                contact_count=len(rows),
            )
            for name, rows in zip("ZYXW", world.lists, strict=True)
        ]
        imports = [Import.objects.create(file_name=f"{place}.csv") for place in range(2)]
        senders = [Sender.objects.create(name=f"Sender {place}") for place in range(2)]
        Contact.objects.bulk_create(
            Contact(
                list=lists[row.list],
                msisdn=row.phone,
                country=row.country,
                fields=row.fields,
                source=imports[row.source] if row.source >= 0 else None,
            )
            for row in world.rows
        )
        stop(*world.stopped)
        for phone in PHONES:
            has_agreed = phone in (world.agreed or ())
            consent = Consent.GIVEN if has_agreed else Consent.UNKNOWN
            Person.objects.create(msisdn=phone, consent=consent)
        campaigns = [store_campaign(made, senders, now) for made in world.campaigns]
        segments = [
            store_segment(place, rule_set, lists, imports, campaigns, senders)
            for place, rule_set in enumerate(world.segments)
        ]
        yield audience_of(world, lists, segments, campaigns, now)
        transaction.set_rollback(True)


def store_campaign(earlier: Earlier, senders: list[Sender], now: datetime) -> Campaign:
    campaign = Campaign.objects.create(
        name="Earlier",
        sender=senders[earlier.sender],
        text="Hello",
        state=CampaignState.FINISHED,
        purpose=Purpose.CAMPAIGN if earlier.counts else Purpose.TEST,
        frozen_at=now - earlier.age,
    )
    rows = Recipient.objects.bulk_create(
        Recipient(
            campaign=campaign,
            msisdn=sent.phone,
            batch_number=1,
            reference=f"{campaign.pk}:{sent.phone}",
            send_state=sent.send_state,
            delivery_state=sent.delivery_state,
            final=sent.final,
            sent_at=None if sent.age is None else now - sent.age,
        )
        for sent in earlier.recipients
    )
    first = Click.objects.count()
    opened = [
        (row, each)
        for row, sent in zip(rows, earlier.recipients, strict=True)
        for each in sent.opened
    ]
    Click.objects.bulk_create(
        Click(
            id=first + place, campaign=campaign, recipient=row, number=0,
            machine=each.machine, at=now - each.age,
        )
        for place, (row, each) in enumerate(opened)
    )  # fmt: skip
    return campaign


def store_segment(
    place: int,
    rule_set: RuleSet,
    lists: list[ContactList],
    imports: list[Import],
    campaigns: list[Campaign],
    senders: list[Sender],
) -> Segment:
    segment = Segment.objects.create(name=f"Segment {place}", match=rule_set.match)
    for number, rule in enumerate(rule_set.rules):
        columns = rule._asdict()
        referred, sender = columns.pop("place"), columns.pop("sender")
        columns["countries"] = list(rule.countries)
        if rule.kind == ConditionKind.LIST:
            columns["list"] = lists[referred]
        elif rule.kind == ConditionKind.IMPORT:
            columns["source"] = imports[referred]
        elif rule.kind == ConditionKind.MESSAGES:
            columns["campaign"] = campaigns[referred] if referred >= 0 else None
            columns["sender"] = senders[sender] if sender >= 0 else None
        Condition.objects.create(segment=segment, place=number, **columns)
    return segment


def audience_of(
    world: World,
    lists: list[ContactList],
    segments: list[Segment],
    campaigns: list[Campaign],
    now: datetime,
) -> Audience:
    def ids(rows: Sequence[ContactList] | Sequence[Segment], places: list[int]) -> tuple[int, ...]:
        return tuple(sorted(rows[place].pk for place in places))

    def outcomes(chosen: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
        return tuple((campaigns[place].pk, outcome) for place, outcome in chosen)

    return Audience(
        lists=ids(lists, world.selected.lists),
        exclude_lists=ids(lists, world.excluded.lists),
        segments=ids(segments, world.selected.segments),
        exclude_segments=ids(segments, world.excluded.segments),
        campaigns=outcomes(world.selected.campaigns),
        exclude_campaigns=outcomes(world.excluded.campaigns),
        own=campaigns[world.own].pk if world.own >= 0 else 0,
        at=now,
        needs_consent=world.agreed is not None,
    )
