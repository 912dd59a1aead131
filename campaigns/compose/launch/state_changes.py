"""The UPDATE that changes a campaign's state, and what others are told of it."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange

FAMILY = "campaign."  # kinds of changes are called "campaign.paused"


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
