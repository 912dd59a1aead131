"""The merge fields of recipients, which are deleted some time after the end of the campaign."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from campaigns.compose.launch.lifecycle import FINAL
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient, Snapshot
from campaigns.dispatch.people.resend import can_be_resent

BATCHES_AT_ONCE = 40  # up to 2,000 recipients


def campaigns_with_fields() -> QuerySet[Campaign]:
    """The ended campaigns whose recipients still have their merge fields."""
    kept = Snapshot.objects.filter(batches__gt=F("fields_removed_to"))
    return Campaign.objects.filter(state__in=FINAL, pk__in=kept.values("pk"))


@transaction.atomic
def remove_old(before: datetime) -> int | None:
    """Delete the merge fields of some recipients of campaigns that ended `before`. Returns of how
    many; None: nothing is left.

    Whoever a resend could go to keeps them. Each campaign is gone through once, batch by batch.
    """
    ended = campaigns_with_fields().filter(finished_at__lt=before).order_by("pk").first()
    if ended is None:
        return None
    snapshot = Snapshot.objects.select_for_update().get(pk=ended.pk)
    first = snapshot.fields_removed_to + 1
    last = min(snapshot.batches, snapshot.fields_removed_to + BATCHES_AT_ONCE)
    recipients = Recipient.objects.filter(campaign=ended, batch_number__range=(first, last))
    with_fields = recipients.exclude(can_be_resent(unresolved=True)).exclude(fields={})
    removed = with_fields.update(fields={})
    snapshot.fields_removed_to = last
    snapshot.save(update_fields=["fields_removed_to"])
    return removed
