"""The UPDATE that changes a campaign's state, and what is told of it: to webhooks, in the audit
trail, and as a line of the log once committed.
"""

import logging
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange
from campaigns.team import audit
from campaigns.team.models import User

logger = logging.getLogger(__name__)
FAMILY = "campaign."  # kinds of changes are called "campaign.paused"

# What a launch, a request for approval or an approval has set, as it is in a draft.
DRAFT_COLUMNS: dict[str, Any] = {
    "launched_at": None,
    "launched_by": None,
    "account": None,
    "link_base": "",
    "tracked_links": None,
    "variant_links": None,
    "approval_asked_by": None,
    "approval_asked_at": None,
    "approval_fingerprint": "",
    "approval_limit": None,
    "approved_by": None,
    "approved_people": None,
}

UNPREPARED = frozenset({CampaignState.SCHEDULED, CampaignState.PAUSED})


def is_unprepared(campaign: Campaign) -> bool:
    """Whether a launched campaign waits for its time, or was paused before it: no recipient is
    frozen, nothing has reached the gateway. It can be a draft again; a run of a series, whose day
    is fixed, can not.

    The snapshot, a row of a later stage, is reached by the name of the relation.
    """
    if campaign.state not in UNPREPARED or campaign.purpose != Purpose.CAMPAIGN:
        return False
    if campaign.run_day:
        return False
    unprepared = Campaign.objects.filter(pk=campaign.pk, frozen_at=None, snapshot=None)
    return campaign.frozen_at is None and unprepared.exists()


@transaction.atomic
def update(campaigns: QuerySet[Campaign], state: CampaignState, **columns: Any) -> bool:
    """Set `state` and other columns of the campaign in `campaigns`, if it is still there.

    `campaigns` selects at most one row, by its id and the state it has to have. Rehearsals are told
    to nobody.
    """
    wanted = recording.load_wanted(FAMILY)
    if not wanted:
        return bool(campaigns.update(state=state, **columns))
    locked = campaigns.select_for_update().exclude(purpose=Purpose.REHEARSAL)
    before = list(locked.values_list("pk", "brand_id", "state"))
    changed = bool(campaigns.update(state=state, **columns))
    changes = [
        NewChange(
            brand_id, f"{FAMILY}{state.value}", pk, old, state.value,
            {"reason": columns.get("reason", "")},
        )
        for pk, brand_id, old in before
        if old != state
    ]  # fmt: skip
    recording.record(changes if changed else [], wanted)
    return changed


def record(actor: User | None, campaign: Campaign, action: str, detail: str = "") -> None:
    """Record that `actor`, or the system, did `action` to `campaign`. Call it in the transaction of
    the change. The log gets neither names nor the user's words; `detail` is for the trail.
    """
    audit.record(actor, campaign, action, detail)
    by = f"user {actor.pk}" if actor else "ViberDash"
    extra = {"campaign_id": campaign.pk, "user_id": actor.pk if actor else None}
    transaction.on_commit(
        lambda: logger.info("Campaign %s: %s (%s)", campaign.pk, action, by, extra=extra)
    )
