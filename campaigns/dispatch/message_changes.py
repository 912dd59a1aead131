"""What others are told of messages: each change of their state, where a webhook wants it.

One row stands for all messages of a campaign that change in the same way in a transaction, so that
sending writes a row for each request and none for each message. Rehearsals are told to nobody.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import QuerySet

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient, SendState
from campaigns.ledger.models import Purpose
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange, Wanted

FAMILY = "message."  # kinds of changes are called "message.delivered"


class MessageChange(NamedTuple):
    """A message, and its state before and after: a send state, or a delivery state."""

    campaign_id: int
    recipient_id: int
    before: str
    after: str


def record(changes: Iterable[MessageChange]) -> None:
    """Record the `changes` that anybody wants. Call it in the transaction that makes them."""
    if wanted := recording.load_wanted(FAMILY):
        _record(changes, wanted)


def record_cancelled(campaign_id: int, queued: QuerySet[Recipient]) -> None:
    """Record that `queued` recipients, of one campaign, are about to be cancelled."""
    if wanted := recording.load_wanted(FAMILY):
        ids = queued.order_by("pk").values_list("pk", flat=True)
        states = (SendState.QUEUED.value, SendState.CANCELLED.value)
        _record([MessageChange(campaign_id, pk, *states) for pk in ids], wanted)


def _record(changes: Iterable[MessageChange], wanted: Wanted) -> None:
    kinds = {kind for _brand_id, kind in wanted}
    groups: defaultdict[tuple[int, str, str], list[int]] = defaultdict(list)
    for campaign_id, recipient_id, before, after in changes:
        if f"{FAMILY}{after}" in kinds:
            groups[campaign_id, before, after].append(recipient_id)
    if not groups:
        return
    campaigns = Campaign._base_manager.exclude(purpose=Purpose.REHEARSAL)
    ids = {campaign_id for campaign_id, _before, _after in groups}
    brands = dict(campaigns.filter(pk__in=ids).values_list("pk", "brand_id"))
    recording.record(
        [
            NewChange(
                brands[campaign_id], f"{FAMILY}{after}", campaign_id, before, after,
                messages=messages,
            )
            for (campaign_id, before, after), messages in groups.items()
            if campaign_id in brands
        ],
        wanted,
    )  # fmt: skip
