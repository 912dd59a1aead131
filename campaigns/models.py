"""The map of the data, in the order in which it flows; each stage's models stand in its own folder."""

from campaigns.audience.models import Contact, ContactList, Import, ImportState, RejectedRow, StopListEntry
from campaigns.compose.models import Campaign, CampaignState, Editing, Picture, PriceList, SavedMessage, Sender, Timing
from campaigns.dispatch.models import (
    Batch,
    BatchState,
    DeliveryState,
    Evidence,
    Heartbeat,
    Pace,
    Recipient,
    SendState,
    Snapshot,
    Tally,
)
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal, MonthlyBudget, Purpose
from campaigns.team.models import AuditEntry, Installation, Role, User

__all__ = [
    "AuditEntry",
    "Batch",
    "BatchState",
    "Campaign",
    "CampaignState",
    "Channel",
    "Contact",
    "ContactList",
    "DeliveryState",
    "Editing",
    "Evidence",
    "Heartbeat",
    "Import",
    "ImportState",
    "Installation",
    "Kind",
    "LedgerEntry",
    "LedgerTotal",
    "MonthlyBudget",
    "Pace",
    "Picture",
    "PriceList",
    "Purpose",
    "Recipient",
    "RejectedRow",
    "Role",
    "SavedMessage",
    "SendState",
    "Sender",
    "Snapshot",
    "StopListEntry",
    "Tally",
    "Timing",
    "User",
]
