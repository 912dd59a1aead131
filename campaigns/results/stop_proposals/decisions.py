"""What users do with proposals: put the phones on the stop list, or dismiss them."""

from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import ngettext

from campaigns.contacts.lists import stop_list
from campaigns.contacts.lists.models import StopProposal, open_proposals
from campaigns.dispatch.models import Recipient
from campaigns.gateway.statuses import status_meaning
from campaigns.ledger.models import Purpose
from campaigns.results.stop_proposals.failures import REACHED
from campaigns.team import audit
from campaigns.team.models import Brand, User

AFTER_MAX = 50  # failures that a brand may wait for
NEVER = 0


def valid_proposals() -> QuerySet[StopProposal]:
    """The proposals to decide on, without those whose phone a message of the brand has reached
    since.
    """
    reached = Recipient.objects.filter(
        msisdn=OuterRef("msisdn"),
        campaign__brand=OuterRef("brand"),
        campaign__purpose=Purpose.CAMPAIGN,
        delivery_state__in=REACHED,
        sent_at__gt=OuterRef("last_at"),
    )
    return open_proposals().filter(~Exists(reached))


def seen(until: datetime) -> QuerySet[StopProposal]:
    """All proposals that a user has seen who opened the page at a moment."""
    return valid_proposals().filter(proposed_at__lte=until)


def reason_text(proposal: StopProposal) -> str:
    """Why the phone is proposed: "Does not use Viber, 3 messages in a row"."""
    text = ngettext(
        "%(reason)s, %(count)d message in a row",
        "%(reason)s, %(count)d messages in a row",
        proposal.failures,
    )
    reason = status_meaning(proposal.status).label
    return text % {"reason": reason, "count": proposal.failures}


@transaction.atomic
def accept(proposals: QuerySet[StopProposal], actor: User) -> int:
    """Put the phones of `proposals` on the stop list of the brand; returns how many proposals."""
    phones: defaultdict[int, list[str]] = defaultdict(list)
    rows = list(_lock(proposals))
    for row in rows:
        phones[row.failures].append(row.msisdn)
    new = sum(
        stop_list.add_phones(msisdns, _source(failures), actor)
        for failures, msisdns in sorted(phones.items())
    )
    StopProposal.objects.filter(pk__in=[row.pk for row in rows]).delete()
    if rows:
        audit.record(actor, stop_list.STOP_LIST, "stopped", f"{new} of {len(rows)}, proposed")
    return len(rows)


@transaction.atomic
def dismiss(proposals: QuerySet[StopProposal], actor: User) -> int:
    """Close `proposals`; only later failures count towards the next ones. Returns how many."""
    ids = [row.pk for row in _lock(proposals)]
    closed = StopProposal.objects.filter(pk__in=ids)
    closed.update(is_open=False, dismissed_to=F("last_at"))
    if ids:
        audit.record(actor, stop_list.STOP_LIST, "proposals dismissed", str(len(ids)))
    return len(ids)


def _lock(proposals: QuerySet[StopProposal]) -> QuerySet[StopProposal]:
    return proposals.select_for_update(of=("self",)).order_by("pk")


def _source(failures: int) -> str:
    text = ngettext(
        "Proposed: not reachable %(count)d time",
        "Proposed: not reachable %(count)d times in a row",
        failures,
    )
    return text % {"count": failures}


@transaction.atomic
def set_proposed_after(actor: User, brand: Brand, failures: int) -> None:
    """Propose phones of a brand after so many failures in a row, or NEVER. Open proposals with
    fewer are deleted; phones with more are proposed when their next message fails.
    """
    if brand.stop_proposed_after == failures:
        return
    brand.stop_proposed_after = failures
    brand.save(update_fields=["stop_proposed_after"])
    over = StopProposal.objects.filter(brand=brand, is_open=True)
    (over if failures == NEVER else over.filter(failures__lt=failures)).delete()
    audit.record(actor, brand, "set", f"stop list proposals after: {failures or 'never'}")
