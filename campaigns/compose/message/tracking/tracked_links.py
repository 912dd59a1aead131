"""The short links of a message: found in a draft, fixed by the launch.

A tracked link leads to an address that stands in the campaign, and so nowhere else. The tags of
PageTag become links to pages of their recipients' own.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from campaigns.compose.message.merge_tags import split_at_tags, tags_named
from campaigns.compose.message.tracking.codes import NUMBERS
from campaigns.compose.message.tracking.short_links import link_base, stand_in
from campaigns.compose.message.variants import others
from campaigns.compose.models import Campaign, CampaignState


class PageTag(StrEnum):
    """A tag that becomes a link to a page of the recipient's own."""

    OPT_OUT = "unsubscribe"
    PREFERENCES = "preferences"  # which lists of the brand they are on
    CONFIRM = "confirm"  # that they asked to be on a list; in the messages of sign-ups alone

    @property
    def number(self) -> int:
        """The number of its links, from the last one downwards."""
        return NUMBERS - 1 - list(PageTag).index(self)


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

    @property
    def page_tag(self) -> PageTag | None:
        """The tag that it stands for; None for a link that was written."""
        if not self.target.startswith("{"):
            return None
        return next(tag for tag in PageTag if tags_named(tag, self.target))

    def is_in(self, links: "Iterable[TrackedLink]") -> bool:
        """Whether it is a part of one of `links`."""
        return any(
            link.field == self.field and link.start <= self.start < link.end for link in links
        )


@dataclass(frozen=True, slots=True)
class Tracking:
    """The tracked `links` of a message, numbered in their order, the places of PageTags, and the
    address before codes.
    """

    base: str = ""
    links: tuple[TrackedLink, ...] = ()
    pages: tuple[TrackedLink, ...] = ()

    @classmethod
    def of(cls, base: str, places: Iterable[TrackedLink]) -> "Tracking":
        """Sort what is tracked from what stands for a tag."""
        every = list(places)
        links = tuple(link for link in every if not link.page_tag)
        return cls(base, links, tuple(link for link in every if link.page_tag))

    @property
    def page_tags(self) -> dict[int, PageTag]:
        """The tags of the message, by the numbers of their links."""
        tags = {link.page_tag for link in self.pages if link.page_tag}
        return {tag.number: tag for tag in sorted(tags, key=lambda tag: tag.number)}

    @property
    def numbers(self) -> list[int]:
        """The numbers of the codes that a recipient's message has."""
        return [*range(len(self.links)), *self.page_tags]

    @property
    def links_max(self) -> int:
        """How many links can be tracked beside the tags."""
        return min([LINKS_MAX, *self.page_tags])

    def shortened(self, campaign: Campaign, field: str) -> str:
        """The text of `field` with stand-ins for the codes of its links."""
        text: str = getattr(campaign, field)
        numbered = [*enumerate(self.links)]
        numbered += [(link.page_tag.number, link) for link in self.pages if link.page_tag]
        pieces, end = [], 0
        for number, link in sorted(numbered, key=lambda each: each[1].start):
            if link.field == field:
                pieces += [text[end : link.start], self.base, stand_in(number)]
                end = link.end
        return "".join([*pieces, text[end:]])

    def columns(self) -> dict[str, Any]:
        """The columns of a launched campaign that keep it."""
        places = (*self.links, *self.pages)
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
    pages = [tag for tag in page_tags(campaign) if not tag.is_in(tracked)]
    return Tracking.of(base, [*tracked, *pages])


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


def page_tags(campaign: Campaign) -> list[TrackedLink]:
    """The PageTags of the texts."""
    return [
        TrackedLink(field, start, end, getattr(campaign, field)[start:end])
        for field in ("text", "sms_text")
        for tag in PageTag
        for start, end in tags_named(tag, getattr(campaign, field))
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
