"""What the ledger is compared with: the balance each hour, a sample of settled messages each night.

Nothing is mended here. Whatever differs is shown (reports/spend/reconciliation.py), and a person
enters a correction.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, BatchState, Heartbeat, Recipient, SendState, Snapshot
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import MessageStatus
from campaigns.ledger.models import BalanceReading, LedgerEntry, LedgerTotal, Purpose
from campaigns.results.models import SampledStatus
from campaigns.shared.money import ZERO

SAMPLE_SIZE = 200  # messages a night
RECENT = timedelta(days=30)  # campaigns that are sampled, and whose unknown prices are asked for
SETTLED = timedelta(days=2)  # after the last look that polling takes by itself
RECHECKED_MAX = 2_000  # people without a price that are asked for again in a night
# for a night's sample: far below the queue's time-out, with a slow gateway too
SAMPLE_TIME = timedelta(seconds=60)
NIGHT_HOUR = 3  # o'clock, in the site's zone
ON_THE_WAY = (BatchState.SENDING, BatchState.AMBIGUOUS)


def read_balance(client: Client, now: datetime) -> bool:
    """Write down what the account holds, once an hour, and what the ledger says at that moment.
    Whether it was now.

    A gateway that does not answer is asked again at the next call.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    if BalanceReading.objects.filter(hour=hour).exists():
        return False
    try:
        balance = client.balance()
    except GatewayError:
        return False
    with transaction.atomic():
        totals = LedgerTotal.objects.exclude(purpose=Purpose.REHEARSAL)
        _reading, made = BalanceReading.objects.get_or_create(
            hour=hour,
            defaults={
                "at": timezone.now(),
                "amount": balance.amount,
                "currency": balance.currency,
                "entered": (
                    totals.filter(currency=balance.currency).aggregate(sum=Sum("amount"))["sum"]
                    or ZERO
                ),
                "unknown": max(totals.aggregate(sum=Sum("unknown"))["sum"] or 0, 0),
                "on_way": Batch.objects.filter(state__in=ON_THE_WAY).count(),
            },
        )
    return made


def check_nightly(client: Client, now: datetime) -> bool:
    """Once a night, on one machine: chase prices and take a sample. Whether it was now."""
    local = now.astimezone(settings.SITE_ZONE)
    if local.hour < NIGHT_HOUR or not _first_of_day(
        "nightly", local.replace(hour=0, minute=0, second=0, microsecond=0)
    ):
        return False
    recheck_unknown_prices(now)
    check_sample(client, now)
    return True


def _first_of_day(name: str, midnight: datetime) -> bool:
    """Whether nobody has come here since `midnight`. Whoever asks has."""
    now = timezone.now()
    _row, made = Heartbeat.objects.get_or_create(name=name, defaults={"at": now})
    return made or bool(Heartbeat.objects.filter(name=name, at__lt=midnight).update(at=now))


def recheck_unknown_prices(now: datetime) -> int:
    """Have those asked for again who were accepted, whose price nobody knows, and for whom polling
    had given up. How many.
    """
    unknown = (
        LedgerTotal.objects.values("campaign")
        .annotate(sum=Sum("unknown"))
        .filter(sum__gt=0)
        .values("campaign")
    )
    recent = (
        Campaign.objects.exclude(purpose=Purpose.REHEARSAL)
        .filter(pk__in=unknown, launched_at__gte=now - RECENT, finished_at__lt=now - SETTLED)
        .order_by("-launched_at")
    )
    left = RECHECKED_MAX
    for campaign_id in recent.values_list("pk", flat=True):
        people = Recipient.objects.filter(
            campaign=campaign_id,
            send_state=SendState.ACCEPTED,
            charged__isnull=True,
            viber_price__isnull=True,
        ).order_by("batch_number")
        found = list(people.values_list("pk", "batch_number")[:left])
        left -= len(found)
        with transaction.atomic():
            Recipient.objects.filter(pk__in=[pk for pk, _number in found]).update(final=False)
            batches = Batch.objects.filter(
                campaign=campaign_id, number__in={number for _pk, number in found}
            )
            batches.update(check_at=now)
        if left <= 0:
            break
    return RECHECKED_MAX - left


@dataclass(frozen=True, slots=True)
class ReportedStatus:
    """What the gateway says of a message now. `amount` None: it names no price; `status` "": it
    does not know it.
    """

    status: str = ""
    amount: Decimal | None = None


def check_sample(client: Client, now: datetime, size: int = SAMPLE_SIZE) -> int:
    """Ask again for some settled messages of recent campaigns, the larger campaigns more often. How
    many differ.
    """
    differing, until = 0, timezone.now() + SAMPLE_TIME
    for person in _choose_sample(now, size):
        if timezone.now() > until:
            break
        try:
            said = _reported_status(client.status_by_reference(person.reference))
        except GatewayError:
            continue
        entered = LedgerEntry.objects.filter(recipient=person, campaign=person.campaign_id)
        amount = entered.aggregate(sum=Sum("amount"))["sum"]
        agrees = said.amount == amount and said.status == person.status
        differing += not agrees
        SampledStatus.objects.get_or_create(
            day=now.astimezone(settings.SITE_ZONE).date(),
            recipient=person,
            defaults={
                "campaign_id": person.campaign_id, "currency": person.currency, "entered": amount,
                "said": said.amount, "status": person.status, "status_said": said.status[:30],
                "agrees": agrees,
            },
        )  # fmt: skip
    return differing


def _reported_status(status: MessageStatus | None) -> ReportedStatus:
    if status is None:
        return ReportedStatus()
    prices = [status.price, *(sms.price for sms in status.fallback)]
    known = [price for price in prices if price is not None]
    return ReportedStatus(status.status, sum(known, ZERO) if known else None)


def _choose_sample(now: datetime, size: int) -> list[Recipient]:
    """People for whom nothing more will come, each of a random batch."""
    recent = Snapshot.objects.filter(
        campaign__launched_at__gte=now - RECENT, campaign__purpose=Purpose.CAMPAIGN, batches__gt=0
    )
    sizes = dict(recent.values_list("campaign", F("batches")))
    if not sizes:
        return []
    found = {}
    for campaign_id in random.choices(list(sizes), list(sizes.values()), k=size):  # noqa: S311 - a sample, no secret
        number = random.randint(1, sizes[campaign_id])  # noqa: S311
        people = Recipient.objects.filter(
            campaign=campaign_id, batch_number=number, send_state=SendState.ACCEPTED, final=True
        )
        for person in random.sample(list(people), min(len(people), 1)):
            found[person.pk] = person
    return list(found.values())
