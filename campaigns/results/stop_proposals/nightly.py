"""The nightly job: propose the phones whose last messages all failed.

It begins at STARTS_AT of the site's time with the failures since the night before, and goes on each
minute until they are done. Only their phones are looked at, each by the index of recipients by
phone; how many failures a phone has in a row is counted anew from its messages, so a slice that is
repeated finds the same.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from time import monotonic

from django.conf import settings
from django.db import transaction

from campaigns.contacts.lists.models import StopProposal
from campaigns.dispatch.models import ERASED_PREFIX, Recipient
from campaigns.ledger.models import Purpose
from campaigns.results.models import UnreachedMessage
from campaigns.results.stop_proposals.decisions import valid_proposals
from campaigns.results.stop_proposals.failures import REACHED, is_failure
from campaigns.team.models import Brand

STARTS_AT = 3  # o'clock
MAX_SECONDS = 20  # of one task
SLICE = 2_000  # failures looked at in a transaction
PhoneOfBrand = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that did not reach its phone."""

    sent_at: datetime
    campaign_id: int
    status: str


def propose(now: datetime) -> None:
    """Do a part of this night's work, if any is left."""
    local = now.astimezone(settings.SITE_ZONE)
    start = local.replace(hour=STARTS_AT, minute=0, second=0, microsecond=0)
    end = monotonic() + MAX_SECONDS
    if now < start:
        return
    while _propose_slice(start, now) or _look_again(start, now):
        if monotonic() > end:
            return


@transaction.atomic
def _propose_slice(before: datetime, now: datetime) -> bool:
    """Look at the phones of the next failures that were noted before a moment; False if none is
    left.
    """
    noted = UnreachedMessage.objects.order_by("pk")[:SLICE]
    rows = [row for row in noted if row.at < before]
    if not rows:
        return False
    messages = Recipient.objects.filter(pk__in=[row.recipient_id for row in rows])
    messages = messages.exclude(msisdn__startswith=ERASED_PREFIX)
    phones = set(messages.values_list("campaign__brand_id", "msisdn"))
    _write(phones, _thresholds(), now)
    UnreachedMessage.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return True


@transaction.atomic
def _look_again(start: datetime, now: datetime) -> bool:
    """Delete the proposals among some whose phone was reached since, or is on the stop list by now;
    False if all were looked at tonight.
    """
    rows = StopProposal.objects.filter(is_open=True, checked_at__lt=start).order_by("checked_at")
    ids = list(rows.values_list("pk", flat=True)[:SLICE])
    looked_at = StopProposal.objects.filter(pk__in=ids)
    valid = list(valid_proposals().filter(pk__in=ids).values_list("pk", flat=True))
    looked_at.filter(is_open=True).exclude(pk__in=valid).delete()
    looked_at.update(checked_at=now)
    return bool(ids)


def _thresholds() -> dict[int, int]:
    """After how many failures in a row the brands propose a phone; without those that never do."""
    brands = Brand.objects.exclude(stop_proposed_after=0)
    return dict(brands.values_list("pk", "stop_proposed_after"))


def _write(phones: set[PhoneOfBrand], thresholds: dict[int, int], now: datetime) -> None:
    """Propose those of the phones that have failed often enough, or correct their proposals."""
    rows = count_failures(phone for phone in phones if phone[0] in thresholds)
    known = {
        (row.brand_id, row.msisdn): row
        for row in StopProposal.objects.select_for_update()
        .filter(msisdn__in={msisdn for _brand_id, msisdn in phones})
        .order_by("pk")
    }
    proposals: list[StopProposal] = []
    for phone, failures in sorted(rows.items()):
        proposal = known.get(phone)
        dismissed_to = proposal.dismissed_to if proposal else None
        counted = [row for row in failures if not dismissed_to or row.sent_at > dismissed_to]
        if len(counted) >= thresholds[phone[0]]:
            proposals.append(_proposal(phone, failures, proposal, now))
    StopProposal.objects.bulk_create(
        proposals,
        update_conflicts=True,
        unique_fields=["msisdn", "brand"],
        update_fields=[
            "failures",
            "status",
            "campaign",
            "last_at",
            "proposed_at",
            "checked_at",
            "is_open",
        ],
    )


def _proposal(
    phone: PhoneOfBrand, failures: list[Failure], known: StopProposal | None, now: datetime
) -> StopProposal:
    brand_id, msisdn = phone
    last = failures[0]
    return StopProposal(
        brand_id=brand_id,
        msisdn=msisdn,
        failures=len(failures),
        status=last.status,
        campaign_id=last.campaign_id,
        last_at=last.sent_at,
        proposed_at=known.proposed_at if known and known.is_open else now,
        checked_at=now,
        is_open=True,
    )


def count_failures(phones: Iterable[PhoneOfBrand]) -> dict[PhoneOfBrand, list[Failure]]:
    """The failures of each phone since a message of the brand last reached it, the newest first.

    Test sends and rehearsals never count. Messages whose result says nothing about the phone are
    passed over.
    """
    wanted = set(phones)
    messages = Recipient.objects.filter(
        msisdn__in={msisdn for _brand_id, msisdn in wanted},
        campaign__purpose=Purpose.CAMPAIGN,
        sent_at__isnull=False,
    ).order_by("-sent_at", "-pk")
    of_phone: defaultdict[PhoneOfBrand, list[tuple[bool, Failure]]] = defaultdict(list)
    for brand_id, msisdn, campaign_id, sent_at, state, status, final in messages.values_list(
        "campaign__brand_id", "msisdn", "campaign_id", "sent_at", "delivery_state", "status",
        "final",
    ):  # fmt: skip
        is_reached = state in REACHED
        if sent_at and (is_reached or is_failure(state, status, final)):
            row = (is_reached, Failure(sent_at, campaign_id, status))
            of_phone[brand_id, msisdn].append(row)
    return {
        phone: [failure for _reached, failure in takewhile(lambda row: not row[0], rows)]
        for phone, rows in of_phone.items()
        if phone in wanted
    }
