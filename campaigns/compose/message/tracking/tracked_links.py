"""The short links of a message: found in a draft, fixed by the launch.

A tracked link leads to an address that stands in the campaign, and so nowhere else. The tag
{unsubscribe} becomes a link to the page on which its recipient opts out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from campaigns.compose.message.merge_tags import split_at_tags, tags_named
from campaigns.compose.message.tracking.codes import NUMBERS
from campaigns.compose.message.tracking.short_links import link_base, stand_in
from campaigns.compose.message.variants import others
from campaigns.compose.models import Campaign, CampaignState

LINKS_MAX = NUMBERS - 1  # in a message, beside that of the tag
OPT_OUT = NUMBERS - 1  # the number of the links that stand for the tag
OPT_OUT_TAG = "unsubscribe"
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

    @property
    def is_opt_out(self) -> bool:
        """Whether it stands for the tag {unsubscribe}."""
        return self.target.startswith("{")


@dataclass(frozen=True, slots=True)
class Tracking:
    """The tracked `links` of a message, numbered in their order, the places of {unsubscribe}, and
    the address before codes.
    """

    base: str = ""
    links: tuple[TrackedLink, ...] = ()
    opt_outs: tuple[TrackedLink, ...] = ()

    @classmethod
    def of(cls, base: str, places: Iterable[TrackedLink]) -> "Tracking":
        """Sort what is tracked from what stands for the tag."""
        every = list(places)
        links = tuple(link for link in every if not link.is_opt_out)
        return cls(base, links, tuple(link for link in every if link.is_opt_out))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the codes that a recipient's message has."""
        return [*range(len(self.links)), *([OPT_OUT] if self.opt_outs else [])]

    def shortened(self, campaign: Campaign, field: str) -> str:
        """The text of `field` with stand-ins for the codes of its links."""
        text: str = getattr(campaign, field)
        numbered = [*enumerate(self.links), *((OPT_OUT, link) for link in self.opt_outs)]
        pieces, end = [], 0
        for number, link in sorted(numbered, key=lambda each: each[1].start):
            if link.field == field:
                pieces += [text[end : link.start], self.base, stand_in(number)]
                end = link.end
        return "".join([*pieces, text[end:]])

    def columns(self) -> dict[str, Any]:
        """The columns of a launched campaign that keep it."""
        places = (*self.links, *self.opt_outs)
        spans = [[link.field, link.start, link.end] for link in places]
        return {"link_base": self.base, "tracked_links": spans}


NOT_TRACKED = Tracking()


def launch_columns(campaign: Campaign) -> dict[str, Any]:
    """The columns that fix what is tracked in `campaign`, and in its variants, at its launch."""
    columns = tracking_of(campaign).columns()
    if campaign.variants:
        variants = others(campaign).values()
        links = [tracking_of(variant).columns()["tracked_links"] for variant in variants]
        columns["variant_links"] = links
    return columns


def tracking_of(campaign: Campaign) -> Tracking:
    """What is tracked in `campaign`. After its launch that does not change any more, whatever the
    settings are then.
    """
    if campaign.state != CampaignState.DRAFT:
        return _fixed(campaign)
    base = link_base()
    if not base:
        return NOT_TRACKED
    untracked = set(campaign.untracked_links)
    links = all_links(campaign) if campaign.track_links else []
    tracked = [link for link in links if link.key not in untracked]
    return Tracking.of(base, [*tracked, *opt_out_tags(campaign)])


def _fixed(campaign: Campaign) -> Tracking:
    return Tracking.of(
        campaign.link_base,
        (
            TrackedLink(field, start, end, getattr(campaign, field)[start:end])
            for field, start, end in campaign.tracked_links or ()
        ),
    )


def all_links(campaign: Campaign) -> list[TrackedLink]:
    """The links that can be tracked: that of the button, and those in the texts."""
    return [
        TrackedLink(field, start, end, getattr(campaign, field)[start:end])
        for field in FIELDS
        for start, end in _places(field, getattr(campaign, field))
    ]


def opt_out_tags(campaign: Campaign) -> list[TrackedLink]:
    """The tags {unsubscribe} of the texts."""
    return [
        TrackedLink(field, start, end, getattr(campaign, field)[start:end])
        for field in ("text", "sms_text")
        for start, end in tags_named(OPT_OUT_TAG, getattr(campaign, field))
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
