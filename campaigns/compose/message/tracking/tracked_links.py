"""The links of a message that are tracked: found in a draft, fixed by the launch.

Only addresses that stand in the campaign are targets, so a short link leads nowhere else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from campaigns.compose.message.merge_tags import split_at_tags
from campaigns.compose.message.tracking.codes import NUMBERS
from campaigns.compose.message.tracking.short_links import link_base, stand_in
from campaigns.compose.models import Campaign, CampaignState

LINKS_MAX = NUMBERS - 1  # in a message
TARGET_MAX = 2_000  # characters of a link with its merge tags
BUTTON = "button"
FIELDS = ("button_url", "text", "sms_text")
# Up to a blank, a quote or an angle bracket, without the punctuation after it; in brackets if both
# stand in it. The browser finds the same (static/js/short_links.js).
_LINK = re.compile(
    r"https?://(?:\([^\s()<>\"]*\)|[^\s()<>\"])*(?:\([^\s()<>\"]*\)|[^\s()<>\".,;:!?\]'’»”])",
    re.IGNORECASE,
)
_TAG = "\ue000"  # stands for each character of a merge tag, whose fallback value may have blanks


@dataclass(frozen=True, slots=True)
class TrackedLink:
    """A link in the campaign's `field`, from character `start` to `end`; `target` is as written,
    with merge tags.
    """

    field: str
    start: int
    end: int
    target: str

    @property
    def key(self) -> str:
        """What a draft's `untracked_links` calls it: the button's link changes with its UTM."""
        return BUTTON if self.field == "button_url" else self.target


@dataclass(frozen=True, slots=True)
class Tracking:
    """The tracked `links` of a message, numbered in their order, and the address before codes."""

    base: str = ""
    links: tuple[TrackedLink, ...] = ()

    def shortened(self, campaign: Campaign, field: str) -> str:
        """The text of `field` with stand-ins for the codes of its links."""
        text: str = getattr(campaign, field)
        pieces, end = [], 0
        for number, link in enumerate(self.links):
            if link.field == field:
                pieces += [text[end : link.start], self.base, stand_in(number)]
                end = link.end
        return "".join([*pieces, text[end:]])

    def columns(self) -> dict[str, Any]:
        """The columns of a launched campaign that keep it."""
        spans = [[link.field, link.start, link.end] for link in self.links]
        return {"link_base": self.base, "tracked_links": spans}


NOT_TRACKED = Tracking()


def tracking_of(campaign: Campaign) -> Tracking:
    """What is tracked in `campaign`. After its launch that does not change any more, whatever the
    settings are then.
    """
    if campaign.state != CampaignState.DRAFT:
        return _fixed(campaign)
    base = link_base() if campaign.track_links else ""
    if not base:
        return NOT_TRACKED
    untracked = set(campaign.untracked_links)
    links = tuple(link for link in all_links(campaign) if link.key not in untracked)
    return Tracking(base, links) if links else NOT_TRACKED


def _fixed(campaign: Campaign) -> Tracking:
    links = tuple(
        TrackedLink(field, start, end, getattr(campaign, field)[start:end])
        for field, start, end in campaign.tracked_links or ()
    )
    return Tracking(campaign.link_base, links) if links else NOT_TRACKED


def all_links(campaign: Campaign) -> list[TrackedLink]:
    """The links that can be tracked: that of the button, and those in the texts."""
    return [
        TrackedLink(field, start, end, getattr(campaign, field)[start:end])
        for field in FIELDS
        for start, end in _places(field, getattr(campaign, field))
    ]


def _places(field: str, text: str) -> Iterator[tuple[int, int]]:
    if field == "button_url":
        if text.lower().startswith(("http://", "https://")):
            yield 0, len(text)
        return
    hidden = "".join(
        _TAG * len(piece) if is_tag else piece for piece, is_tag in split_at_tags(text)
    )
    for match in _LINK.finditer(hidden):
        yield match.span()
