"""Drafts and what they are made from. Each module below holds the models of one subject."""

from campaigns.compose.models.approval import ApprovalLimit
from campaigns.compose.models.campaign import (
    Campaign,
    CampaignState,
    EarlierCampaign,
    Editing,
    Timing,
)
from campaigns.compose.models.labels import Colour, Label, Note
from campaigns.compose.models.library import Picture, SavedMessage, Sender, TestGroup
from campaigns.compose.models.prices import PriceList
from campaigns.compose.models.segments import Asks, Condition, Met, Operator, Outcome, Segment

__all__ = [
    "ApprovalLimit",
    "Asks",
    "Campaign",
    "CampaignState",
    "Colour",
    "Condition",
    "EarlierCampaign",
    "Editing",
    "Label",
    "Met",
    "Note",
    "Operator",
    "Outcome",
    "Picture",
    "PriceList",
    "SavedMessage",
    "Segment",
    "Sender",
    "TestGroup",
    "Timing",
]
