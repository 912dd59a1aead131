"""The tables of campaigns up to their launch, and of what drafts are made from.

Rules about them stand in the packages beside this one; recipients and results in later stages.

1. library: senders, images, templates, test groups. 2. labels: labels and notes. 3. segments: saved
conditions. 4. campaign: the campaign itself. 5. prices: the gateway's price lists. 6. approval: the
limits above which a campaign needs approval, and what counts against them. 7. links: the key of
tracked links. 8. triggers: messages that events of other systems send. 9. frequency_cap: how many
messages a person may get. 10. series: campaigns that are repeated by a rule.
"""

from campaigns.compose.models.approval import ApprovalLimit, UnapprovedCost
from campaigns.compose.models.audience_counts import AudienceCount
from campaigns.compose.models.campaign import (
    Campaign,
    CampaignState,
    DecisionMeasure,
    EarlierCampaign,
    Editing,
    Timing,
    VariantSplit,
)
from campaigns.compose.models.frequency_cap import FrequencyCap
from campaigns.compose.models.labels import Colour, Label, Note
from campaigns.compose.models.library import (
    CampaignTemplate,
    Picture,
    Sender,
    TestGroup,
    WebPicture,
)
from campaigns.compose.models.links import LinkKey
from campaigns.compose.models.prices import PriceList
from campaigns.compose.models.segments import (
    Condition,
    ConditionKind,
    Match,
    Operator,
    RecipientOutcome,
    Segment,
)
from campaigns.compose.models.series import Repeat, Series, SeriesRun, SeriesState
from campaigns.compose.models.triggers import EventState, Trigger, TriggerEvent, TriggerState

__all__ = [
    "ApprovalLimit",
    "AudienceCount",
    "Campaign",
    "CampaignState",
    "CampaignTemplate",
    "Colour",
    "Condition",
    "ConditionKind",
    "DecisionMeasure",
    "EarlierCampaign",
    "Editing",
    "EventState",
    "FrequencyCap",
    "Label",
    "LinkKey",
    "Match",
    "Note",
    "Operator",
    "Picture",
    "PriceList",
    "RecipientOutcome",
    "Repeat",
    "Segment",
    "Sender",
    "Series",
    "SeriesRun",
    "SeriesState",
    "TestGroup",
    "Timing",
    "Trigger",
    "TriggerEvent",
    "TriggerState",
    "UnapprovedCost",
    "VariantSplit",
    "WebPicture",
]
