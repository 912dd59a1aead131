"""Campaigns with recipients, tallies and ledger, made in bulk and consistent, as sending and
results leave them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState, Sender
from campaigns.dispatch.freeze.recipients import reference_of
from campaigns.dispatch.models import (
    Batch,
    BatchState,
    DeliveryState,
    Recipient,
    SendState,
    Snapshot,
)
from campaigns.dispatch.tally import TallyChanges
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind
from campaigns.results.hourly_counts import measured_hours
from campaigns.results.models import HourCount
from campaigns.team.models import Role, User

D, S = DeliveryState, SendState
CALLING = {"UA": "38067", "PL": "48501", "DE": "49151", "": "99999"}
SMS_PRICE = Decimal("0.0410005")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a person: the columns of their row and the prices that were named."""

    send_state: SendState
    delivery_state: DeliveryState = D.NONE
    status: str = ""
    error_code: int | None = None
    reason: str = ""
    priced: bool = True
    final_price: Decimal | None = None  # where the gateway named another one later
    sms: bool = False


FATES = {
    "queued": Fate(S.QUEUED),
    "accepted": Fate(S.ACCEPTED),
    "unpriced": Fate(S.ACCEPTED, priced=False),
    "sent": Fate(S.ACCEPTED, D.SENT, "sent"),
    "delivered": Fate(S.ACCEPTED, D.DELIVERED, "delivered"),
    "read": Fate(S.ACCEPTED, D.READ, "read"),
    "sms": Fate(S.ACCEPTED, D.FALLBACK, "expired", final_price=Decimal(0), sms=True),
    "sms_delivered": Fate(
        S.ACCEPTED, D.FALLBACK_DELIVERED, "not_viber_user", final_price=Decimal(0), sms=True
    ),
    "not_delivered": Fate(S.ACCEPTED, D.NOT_DELIVERED, "undeliverable", final_price=Decimal(0)),
    "refused": Fate(S.REFUSED, error_code=41),
    "unresolved": Fate(S.UNRESOLVED, reason="unresolved"),
    "cancelled": Fate(S.CANCELLED, reason="cancelled"),
    "stopped": Fate(S.CANCELLED, reason="stop_list"),
}


def make_user(name: str = "olena", role: Role = Role.MARKETER, **columns: Any) -> User:
    return User.objects.create_user(name, password="secret-enough-1", role=role, **columns)


def make_campaign(
    name: str = "Autumn", state: CampaignState = CampaignState.DRAFT, **columns: Any
) -> Campaign:
    """A campaign in any state. Made directly: how it gets there is not the reports' business."""
    sender, _new = Sender.objects.get_or_create(name=columns.pop("sender", "ViberShop"))
    if state not in (CampaignState.DRAFT, CampaignState.AWAITING_APPROVAL):
        columns.setdefault("launched_at", timezone.now())
    if state in (CampaignState.FINISHED, CampaignState.CANCELLED):
        columns.setdefault("finished_at", timezone.now())
    return Campaign.objects.create(name=name, state=state, sender=sender, text="Hello", **columns)


def send(
    campaign: Campaign,
    people: Mapping[tuple[str, str], int],
    price: Decimal = Decimal("0.0234567"),
    currency: str = "EUR",
    at: datetime | None = None,
) -> None:
    """Freeze and send `campaign` to `people`: {(country, key of FATES): how many}."""
    at = at or timezone.now()
    with transaction.atomic():
        made = _recipients(campaign, people, price, currency, at)
        _freeze(campaign, made, at)
        _count(campaign, made)
        write_entries(
            _together(
                [charge for person, fate in made for charge in _charges(campaign, person, fate)]
            ),
            at,
        )
        write_entries(
            _together(
                [
                    change
                    for person, fate in made
                    for change in _changes(campaign, person, fate, price)
                ]
            ),
            at,
        )


def count_hours(campaign: Campaign) -> None:
    """Write the hourly counts of a campaign, once it was sent: they are not part of `send`."""
    counts = Counter(
        measured
        for recipient in Recipient.objects.filter(campaign=campaign)
        for measured in measured_hours(recipient)
    )
    HourCount.objects.bulk_create(
        HourCount(campaign=campaign, measure=measure, hour=hour, people=people)
        for (measure, hour), people in counts.items()
    )


Made = list[tuple[Recipient, Fate]]


def _recipients(
    campaign: Campaign,
    people: Mapping[tuple[str, str], int],
    price: Decimal,
    currency: str,
    at: datetime,
) -> Made:
    made: Made = []
    serial = Recipient.objects.filter(campaign=campaign).count()
    for (country, key), number in people.items():
        fate = FATES[key]
        for _one in range(number):
            serial += 1
            made.append((_recipient(campaign, serial, country, fate, price, currency, at), fate))
    Recipient.objects.bulk_create([person for person, _fate in made], batch_size=500)
    return made


def _recipient(
    campaign: Campaign,
    serial: int,
    country: str,
    fate: Fate,
    price: Decimal,
    currency: str,
    at: datetime,
) -> Recipient:
    msisdn = f"{CALLING[country]}{serial:07d}"
    accepted = fate.send_state == S.ACCEPTED
    return Recipient(
        campaign=campaign,
        msisdn=msisdn,
        country=country,
        reference=reference_of(campaign.uuid, msisdn),
        batch_number=(serial - 1) // 50 + 1,
        send_state=fate.send_state,
        error_code=fate.error_code,
        reason=fate.reason,
        delivery_state=fate.delivery_state,
        status=fate.status,
        final=fate.delivery_state == D.NOT_DELIVERED,
        gateway_id=str(serial) if accepted else "",
        currency=currency if accepted and fate.priced else "",
        charged=price if accepted and fate.priced else None,
        viber_price=fate.final_price,
        sms_price=SMS_PRICE if fate.sms else None,
        sms_status="delivered" if fate.sms else "",
        sent_at=at if accepted else None,
        delivered_at=(
            at + timedelta(seconds=4) if fate.delivery_state in (D.DELIVERED, D.READ) else None
        ),
    )


def _freeze(campaign: Campaign, made: Made, at: datetime) -> None:
    left = Recipient.objects.filter(campaign=campaign).count()
    Snapshot.objects.update_or_create(
        campaign=campaign,
        defaults={
            "in_lists": left + 6,
            "repeated": 3,
            "stop_listed": 2,
            "excluded": 1,
            "left": left,
            "complete": True,
            "batches": max(person.batch_number for person, _fate in made),
        },
    )
    numbers = {person.batch_number for person, _fate in made}
    Batch.objects.bulk_create(
        [
            Batch(campaign=campaign, number=number, size=50, state=BatchState.DONE, done_at=at)
            for number in numbers
        ],
        ignore_conflicts=True,
    )
    campaign.audience, campaign.frozen_at = left, at
    Campaign.objects.filter(pk=campaign.pk).update(audience=left, frozen_at=at)


def _count(campaign: Campaign, made: Made) -> None:
    moves = TallyChanges()
    for person, fate in made:
        if fate.send_state != S.QUEUED:
            moves.add(
                campaign.pk, person.country, fate.send_state.value, error_code=fate.error_code,
                reason=fate.reason, delivery_state=fate.delivery_state.value, status=fate.status,
            )  # fmt: skip
    moves.write()


def _charges(campaign: Campaign, person: Recipient, fate: Fate) -> list[Movement]:
    if fate.send_state != S.ACCEPTED:
        return []
    charges = [(Channel.VIBER, person.charged)] + ([(Channel.SMS, SMS_PRICE)] if fate.sms else [])
    return [
        _movement(campaign, person, Kind.CHARGE, channel, amount) for channel, amount in charges
    ]


def _changes(campaign: Campaign, person: Recipient, fate: Fate, price: Decimal) -> list[Movement]:
    if fate.final_price is None:
        return []
    return [_movement(campaign, person, Kind.ADJUSTMENT, Channel.VIBER, fate.final_price - price)]


def _movement(
    campaign: Campaign, person: Recipient, kind: Kind, channel: Channel, amount: Decimal | None
) -> Movement:
    return Movement(
        kind, channel, campaign.pk, person.country, person.currency, [(person.pk, amount)]
    )


def _together(movements: list[Movement]) -> list[Movement]:
    """Those that differ in recipient and amount alone, as one."""
    groups: dict[
        tuple[Kind, Channel, int | None, str, str], list[tuple[int | None, Decimal | None]]
    ] = {}
    for one in movements:
        groups.setdefault(
            (one.kind, one.channel, one.campaign_id, one.country, one.currency), []
        ).extend(one.amounts)
    return [Movement(*key, amounts) for key, amounts in groups.items()]
