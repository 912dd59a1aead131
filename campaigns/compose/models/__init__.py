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
from campaigns.compose.models.library import CampaignTemplate, Picture, Sender, TestGroup
from campaigns.compose.models.prices import PriceList
from campaigns.compose.models.segments import (
    Condition,
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
    Segment,
)

__all__ = [
    "ApprovalLimit",
    "Campaign",
    "CampaignState",
    "CampaignTemplate",
    "Colour",
    "Condition",
    "ConditionKind",
    "EarlierCampaign",
    "Editing",
    "Label",
    "Match",
    "Note",
    "Operator",
    "Picture",
    "PriceList",
    "RecipientOutcome",
    "Segment",
    "Sender",
    "TestGroup",
    "Timing",
]
