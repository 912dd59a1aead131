"""Compare the ledger with the gateway: the balance each hour, a sample of messages each night.

Nothing is changed in the ledger. Differences are shown on the Reconciliation page
(reports/spend/reconciliation.py), and an administrator can add a correction.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable, reachable
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.models import Batch, BatchState, Heartbeat, Recipient, SendState, Snapshot
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Address, MessageStatus
from campaigns.ledger.models import BalanceReading, LedgerEntry, LedgerTotal, Purpose
from campaigns.results.models import SampledStatus
from campaigns.results.polling import asker
from campaigns.shared.days import site_bounds, site_day
from campaigns.shared.money import ZERO
from campaigns.team import accounts

SAMPLE_SIZE = 200  # messages a night
RECENT = timedelta(days=30)  # campaigns since then are sampled and their prices asked for
SETTLED = timedelta(days=2)  # after the last check of polling
RECHECKED_MAX = 2_000  # recipients without a price that are asked for again in a night
# for the sample of a night: far below the queue's time-out, also with a slow gateway
SAMPLE_TIME = timedelta(seconds=60)
NIGHT_HOUR = 3  # hour of the day, in the site's time zone
# whose Viber message has no price, or whose SMS has none
WITHOUT_PRICE = Q(charged__isnull=True, viber_price__isnull=True) | Q(
    ~Q(sms_status=""), sms_price__isnull=True, sms_currency=""
)
ON_THE_WAY = (BatchState.SENDING, BatchState.AMBIGUOUS)


def read_balance(client: Client, now: datetime) -> bool:
    """Store the balance and the sum of the ledger of the account in use, once an hour; return
    whether it did so now.

    If the gateway does not answer, the next call tries again.
    """
    hour, known = now.replace(minute=0, second=0, microsecond=0), accounts.load()
    if BalanceReading.objects.filter(known.is_shown(), hour=hour).exists():
        return False
    try:
        balance = client.balance()
    except GatewayError:
        return False
    with transaction.atomic():
        totals = LedgerTotal.objects.exclude(purpose=Purpose.REHEARSAL).filter(known.money())
        _reading, made = BalanceReading.objects.get_or_create(
            hour=hour,
            account=known.current,
            defaults={
                "at": timezone.now(),
                "amount": balance.amount,
                "currency": balance.currency,
                "entered": (
                    totals.filter(currency=balance.currency).aggregate(sum=Sum("amount"))["sum"]
                    or ZERO
                ),
                "unknown": max(totals.aggregate(sum=Sum("unknown"))["sum"] or 0, 0),
                "on_way": Batch.objects.filter(of_reachable(), state__in=ON_THE_WAY).count(),
            },
        )
    return made


def check_nightly(client: Client, now: datetime) -> bool:
    """Ask again for unknown prices and check a sample, once a night for each account.

    Return whether it did so now.
    """
    local = now.astimezone(settings.SITE_ZONE)
    midnight, _end = site_bounds(site_day(now), site_day(now))
    name = accounts.cached().own_name("nightly")
    if local.hour < NIGHT_HOUR or not _first_of_day(name, midnight):
        return False
    recheck_unknown_prices(now)
    check_sample(client, now)
    return True


def _first_of_day(name: str, midnight: datetime) -> bool:
    """Whether this is the first call since `midnight`, on any machine."""
    now = timezone.now()
    _row, made = Heartbeat.objects.get_or_create(name=name, defaults={"at": now})
    return made or bool(Heartbeat.objects.filter(name=name, at__lt=midnight).update(at=now))


def recheck_unknown_prices(now: datetime) -> int:
    """Make polling ask again for accepted messages whose price is not known; return how many.

    Only of campaigns that polling has finished with.
    """
    unknown = (
        LedgerTotal.objects.values("campaign")
        .annotate(sum=Sum("unknown"))
        .filter(sum__gt=0)
        .values("campaign")
    )
    recent = (
        Campaign.objects.exclude(purpose=Purpose.REHEARSAL)
        .filter(reachable(), pk__in=unknown, launched_at__gte=now - RECENT)
        .filter(finished_at__lt=now - SETTLED)
        .order_by("-launched_at")
    )
    remaining = RECHECKED_MAX
    for campaign_id in recent.values_list("pk", flat=True):
        unpriced = Recipient.objects.filter(
            WITHOUT_PRICE, campaign=campaign_id, send_state=SendState.ACCEPTED
        ).order_by("batch_number")
        rows = list(unpriced.values_list("pk", "batch_number")[:remaining])
        remaining -= len(rows)
        with transaction.atomic():
            batches = Batch.objects.filter(
                campaign=campaign_id, number__in={number for _pk, number in rows}
            )
            # Locked before their recipients, as polling does: or each could wait for the other.
            locked = batches.select_for_update().order_by("pk")
            ids = list(locked.values_list("pk", flat=True))
            Recipient.objects.filter(pk__in=[pk for pk, _number in rows]).update(final=False)
            batches.update(check_at=now)
            holds.recompute(ids)  # whoever is asked for again may cost something again
        if remaining <= 0:
            break
    return RECHECKED_MAX - remaining


@dataclass(frozen=True, slots=True)
class ReportedStatus:
    """The answer of the gateway. `status` "": no such message. `amounts`: what the message and its
    SMS cost, by currency; empty without a price.
    """

    status: str = ""
    amounts: dict[str, Decimal] = field(default_factory=dict)


def check_sample(client: Client, now: datetime, size: int = SAMPLE_SIZE) -> int:
    """Ask again for some settled messages of recent campaigns and store the comparison.

    Larger campaigns are sampled more often. Return how many messages differ.
    """
    sample = _choose_sample(now, size)
    messages = [Address(recipient.msisdn, recipient.reference) for recipient in sample]
    until = timezone.now() + SAMPLE_TIME
    replies = asker.ask_about(client, messages, settings.SEND_CONNECTIONS, until)
    day = site_day(now)
    return sum(
        not _compare(day, recipient, reply.status)
        for recipient, reply in zip(sample, replies, strict=True)
        if not reply.has_failed
    )


def _compare(day: date, recipient: Recipient, status: MessageStatus | None) -> bool:
    """Store the comparison of `day`; return whether the gateway and the ledger agree."""
    reported, entered = _reported_status(status, recipient), _entered_amounts(recipient)
    agrees = _agree(reported.amounts, entered) and reported.status == recipient.status
    SampledStatus.objects.get_or_create(
        day=day,
        recipient=recipient,
        defaults={
            "campaign_id": recipient.campaign_id, "currency": recipient.currency,
            "entered": entered.get(recipient.currency),
            "reported_amount": reported.amounts.get(recipient.currency),
            "status": recipient.status, "reported_status": reported.status[:30],
            "agrees": agrees,
        },
    )  # fmt: skip
    return agrees


def _reported_status(status: MessageStatus | None, recipient: Recipient) -> ReportedStatus:
    if status is None:
        return ReportedStatus()
    currency = status.currency or recipient.currency
    amounts: dict[str, Decimal] = {}
    for name, price in [
        (currency, status.price),
        *((sms.currency or currency, sms.price) for sms in status.fallback),
    ]:
        if price is not None:
            amounts[name] = amounts.get(name, ZERO) + price
    return ReportedStatus(status.status, amounts)


def _entered_amounts(recipient: Recipient) -> dict[str, Decimal]:
    """What the ledger has for a message by currency, as far as prices are known."""
    entries = LedgerEntry.objects.filter(
        recipient=recipient, campaign=recipient.campaign_id, amount__isnull=False
    )
    sums = entries.order_by().values_list("currency").annotate(Sum("amount"))
    return dict(sums)


def _agree(reported: dict[str, Decimal], entered: dict[str, Decimal]) -> bool:
    """Whether both have the same amounts; a currency that was taken back counts as none."""
    known = bool(reported) == bool(entered)
    names = {*reported, *entered}
    return known and all(reported.get(name, ZERO) == entered.get(name, ZERO) for name in names)


def _choose_sample(now: datetime, size: int) -> list[Recipient]:
    """Up to `size` recipients in a final status, each from a random batch."""
    recent = Snapshot.objects.filter(
        of_reachable(),
        campaign__launched_at__gte=now - RECENT,
        campaign__purpose=Purpose.CAMPAIGN,
        batches__gt=0,
    )
    sizes = dict(recent.values_list("campaign", F("batches")))
    if not sizes:
        return []
    chosen = {}
    for campaign_id in random.choices(list(sizes), list(sizes.values()), k=size):  # noqa: S311 - not a secret
        number = random.randint(1, sizes[campaign_id])  # noqa: S311
        recipients = Recipient.objects.filter(
            campaign=campaign_id, batch_number=number, send_state=SendState.ACCEPTED, final=True
        )
        for recipient in random.sample(list(recipients), min(len(recipients), 1)):
            chosen[recipient.pk] = recipient
    return list(chosen.values())
