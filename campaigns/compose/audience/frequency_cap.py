"""Who has got, or may still get, as many promotional messages as the frequency cap of a brand lets.

What was promised and what was sent stands in the recipients, and nowhere else: there is no counter
that could drift. A message to a phone counts

- while it is queued: its campaign is frozen, and may be paused and go on at any time;
- once it is accepted, or nobody knows whether it was, for the days of the cap.

One that was refused or cancelled does not count, nor does one of a test or a rehearsal, or one that
is not promotional. A rehearsal is limited as its draft would be.

The freeze leaves out a phone with that many messages, and freezes of a brand take turns (`lock`).
That is enough, whenever the messages go out. Let more than N messages be accepted within D days,
and X be the one of them whose campaign froze last, at the moment F. It is accepted after F, so all
others are accepted after F - D; at F each of them was queued, or accepted after F - D: all of them
counted, and X was left out. So nothing has to be checked again when messages are sent.

Recipients and batches belong to a later stage; they are reached by name. The index of recipients by
phone and campaign answers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.models import Campaign, FrequencyCap, Timing
from campaigns.ledger.models import Purpose

NO_CAP = 0  # `Campaign.cap_messages` of a campaign that no cap limits
DOES_NOT_COUNT = ("refused", "cancelled")  # send states
# A request of a campaign that was just cancelled may still be under way.
AFTER_THE_END = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `messages` in any `days` days. Nobody gets the message before `planned`; None: it may
    be sent now.
    """

    messages: int
    days: int
    planned: datetime | None = None

    def __str__(self) -> str:
        days = ngettext("%(n)d day", "%(n)d days", self.days) % {"n": self.days}
        text = ngettext("%(n)d message in %(days)s", "%(n)d messages in %(days)s", self.messages)
        return text % {"n": self.messages, "days": days}


def is_limited(campaign: Campaign) -> bool:
    """Whether caps apply to `campaign` at all."""
    return campaign.promotional and campaign.purpose != Purpose.TEST


def cap_of(campaign: Campaign) -> Cap | None:
    """The cap of `campaign`, saved or not: its own or that of its brand. None: it has none."""
    if not is_limited(campaign) or campaign.cap_messages == NO_CAP:
        return None
    of_brand = brand_cap(campaign.brand_id)
    if of_brand is None:
        return None
    planned = None if campaign.timing == Timing.NOW else campaign.scheduled_at
    if campaign.cap_messages and campaign.cap_days:
        return Cap(campaign.cap_messages, campaign.cap_days, planned)
    return Cap(of_brand.messages, of_brand.days, planned)


def brand_cap(brand_id: int | None) -> FrequencyCap | None:
    """The cap of a brand, None if it has none."""
    return FrequencyCap.objects.filter(brand=brand_id).first()


def lock(campaign: Campaign) -> None:
    """Until the transaction ends, no other campaign of its brand is frozen; without a cap, nothing
    is locked.
    """
    if campaign.promotional and campaign.purpose == Purpose.CAMPAIGN:
        FrequencyCap.objects.select_for_update().filter(brand=campaign.brand_id).first()


def cap_text(campaign: Campaign) -> str:
    """The cap of `campaign` in words; "" where caps do not apply to it."""
    if not is_limited(campaign) or brand_cap(campaign.brand_id) is None:
        return ""
    cap = cap_of(campaign)
    if cap is None:
        return _("Not limited")
    if campaign.cap_messages is None:
        return str(cap)
    return _("%(cap)s, only for this campaign") % {"cap": cap}


def has_reached(cap: Cap, own: int, at: datetime | None) -> Q | None:
    """The condition on contacts whose phone reached `cap` by messages of other campaigns than that
    with the id `own`; None: there are too few campaigns for that. `at`: as `counting_since`.
    """
    since = counting_since(cap, at)
    wholly, partly = list[int](), list[int]()
    for campaign in _counting(own, since).select_related("snapshot"):
        is_whole = campaign.snapshot.begun_at > since or campaign.due_at(since) > since
        (wholly if is_whole else partly).append(campaign.pk)
    if len(wholly) + len(partly) < cap.messages:
        return None
    messages = Q(of__in=wholly)
    for campaign_id in partly:
        messages |= Q(of=campaign_id, batch_number__in=_batches_after(campaign_id, since))
    rows = _rows("Recipient").filter(msisdn=OuterRef("msisdn"), campaign__gte=min(wholly + partly))
    # a sum is no column of the index: it is read once for a phone, not once for each campaign
    rows = rows.alias(of=F("campaign") + 0)
    # The index alone says who has too few messages in any case: nearly always everybody.
    possible = rows.filter(of__in=wholly + partly)
    counted = rows.filter(messages).exclude(send_state__in=DOES_NOT_COUNT)
    nth = slice(cap.messages - 1, cap.messages)
    return Q(Exists(possible[nth])) & Q(Exists(counted[nth]))


def counting_since(cap: Cap, at: datetime | None) -> datetime:
    """Messages that were accepted earlier do not count any more. `at`: when the campaign is frozen;
    None: now.
    """
    frozen = at or timezone.now()
    return max(frozen, cap.planned or frozen) - timedelta(days=cap.days)


def _counting(own: int, since: datetime) -> QuerySet[Campaign]:
    """The campaigns other than `own` that may have messages that count."""
    under_way = Q(finished_at=None) | Q(finished_at__gt=since - AFTER_THE_END)
    at_gateway = Q(timing=Timing.GATEWAY, scheduled_at__gt=since)
    campaigns = Campaign.objects.filter(purpose=Purpose.CAMPAIGN, promotional=True)
    campaigns = campaigns.filter(under_way | at_gateway, snapshot__isnull=False)
    return campaigns.exclude(pk=own).order_by("pk")


def _batches_after(campaign_id: int, since: datetime) -> QuerySet[Any]:
    """The numbers of the batches of a campaign that may have been accepted after `since`."""
    batches = _rows("Batch").filter(Q(done_at=None) | Q(done_at__gt=since), campaign=campaign_id)
    return batches.values("number")


def _rows(model: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model("campaigns", model)._base_manager.all()
    return rows
