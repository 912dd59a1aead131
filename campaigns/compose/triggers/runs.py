"""The runs of a trigger: the campaigns to which the messages of one day belong.

A run is made by the first event that needs it and takes recipients until the day ends. A phone is
in a campaign once, so the second event of a person on a day goes into a second run.
"""

from datetime import datetime

from django.utils import timezone

from campaigns.compose.editor.drafts import copy_campaign, name_of_run
from campaigns.compose.launch import approval, lifecycle, state_changes
from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.launch.reachable import account_to_send_with
from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.models import Campaign, CampaignState, Timing, Trigger
from campaigns.ledger.models import Purpose
from campaigns.shared.days import site_bounds, site_day


def open_runs(trigger: Trigger, now: datetime) -> list[Campaign]:
    """The runs of today, in their order, locked for this transaction."""
    runs = Campaign.objects.filter(trigger=trigger, open_until__gt=now)
    return list(runs.select_for_update(of=("self",)).order_by("pk"))


def make_run(trigger: Trigger, draft: Campaign, number: int, now: datetime) -> Campaign:
    """Make run `number` (from 1) of today: a launched campaign that sends, without recipients.

    Raises ValueError while it is not known whose account the key of the brand is.
    """
    day = site_day(now)
    name = name_of_run(draft, day, number)
    run = copy_campaign(draft, trigger.started_by, name, Purpose.CAMPAIGN)
    run.brand_id = trigger.brand_id
    run.trigger = trigger
    run.timing = Timing.NOW
    run.budget_currency = budget_currency(draft, draft.budget)
    for column, value in tracking_of(run).columns().items():
        setattr(run, column, value)
    _begin, run.open_until = site_bounds(day, day)
    run.launched_at = run.frozen_at = timezone.now()
    run.launched_by = trigger.started_by
    run.account = account_to_send_with(run)
    run.audience = 0
    run.save()
    lifecycle.start_run(run, CampaignState.SENDING)
    state_changes.record(None, run, "launched", f"trigger {trigger.event}")
    approval.count_budget(run, trigger.started_by)
    return run
