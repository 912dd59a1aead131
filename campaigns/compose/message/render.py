"""The message of one recipient. Preview, review and sending all render it here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from campaigns.compose.message.merge_tags import CompiledText, Tag
from campaigns.compose.message.pictures import picture_url
from campaigns.compose.message.tracking.codes import LinkCodes
from campaigns.compose.message.tracking.short_links import stand_in
from campaigns.compose.message.tracking.tracked_links import tracking_of
from campaigns.compose.message.variants import others
from campaigns.compose.models import Campaign, Timing
from campaigns.gateway.types import Address, Message, SmsFallback
from campaigns.shared.text import composed


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """The texts one recipient gets. Recipients with equal texts can share a message object."""

    text: str
    button_url: str = ""
    sms_text: str = ""


def encode_for_link(value: str) -> str:
    """URL-encode a value for the path or query of a link."""
    return quote(value, safe="")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a tracked link in the campaign's `field` leads."""

    field: str
    address: CompiledText


NO_VARIANTS: Mapping[str, "CompiledMessage"] = MappingProxyType({})


class CompiledMessage:
    """The texts of a campaign, compiled. `names` are the merge fields that any of them uses.

    `targets`: of its tracked links, by number; (field, address as it is written). In the texts
    stand-ins for codes, of the same length, are all that is there of short links; `link_numbers`
    are those that they stand for.

    It renders the campaign's own message. `variants`: the others, by letter; `names` and
    `required_names` are also theirs, as everybody's audience is measured and frozen at once.
    """

    __slots__ = (
        "_checked", "_constant", "button_url", "link_numbers", "names", "sms_text", "targets",
        "text", "variants",
    )  # fmt: skip

    def __init__(
        self,
        text: str,
        button_url: str = "",
        sms_text: str = "",
        targets: Sequence[tuple[str, str]] = (),
        link_numbers: Sequence[int] = (),
        variants: Mapping[str, "CompiledMessage"] = NO_VARIANTS,
    ) -> None:
        self.variants = variants
        self.link_numbers = tuple(link_numbers)
        self.text = CompiledText(text)
        self.button_url = CompiledText(button_url, encode=encode_for_link)
        self.sms_text = CompiledText(sms_text)
        self.targets = tuple(
            Target(field, CompiledText(address, encode=encode_for_link))
            for field, address in targets
        )
        self._checked = [target.address for target in self.targets if target.address.names]
        texts = self._all_texts()
        own: frozenset[str] = frozenset().union(*(text.names for text in texts))
        self._constant = None if own else self._fill({})
        self.names: frozenset[str] = own.union(*(variant.names for variant in variants.values()))

    def _all_texts(self) -> Iterator[CompiledText]:
        yield from (self.text, self.button_url, self.sms_text)
        yield from (target.address for target in self.targets)

    def texts_of(self, field: str) -> Iterator[CompiledText]:
        """What was written in `field`: its text, and the targets of the tracked links in it."""
        yield getattr(self, field)
        yield from (target.address for target in self.targets if target.field == field)

    def tags_of(self, field: str) -> list[Tag]:
        """The merge tags that were written in `field`."""
        return [tag for text in self.texts_of(field) for tag in text.tags]

    def _fill(self, fields: Mapping[str, str]) -> RenderedMessage:
        for address in self._checked:
            address.fill(fields)  # who can't open a link gets no message with it
        return RenderedMessage(
            self.text.fill(fields),
            self.button_url.fill(fields),
            composed(self.sms_text.fill(fields)),
        )

    def render(self, fields: Mapping[str, str]) -> RenderedMessage:
        """Render for a recipient with these merge `fields`. Raises merge_tags.MissingValue.

        For sending, `PersonalLinks` then puts in the codes of tracked links.
        """
        return self._constant or self._fill(fields)

    def required_names(self) -> list[str]:
        """The merge fields that some tag uses without a fallback value."""
        every = (self, *self.variants.values())
        tags = [tag for message in every for text in message._all_texts() for tag in text.tags]
        return list(dict.fromkeys(tag.name for tag in tags if tag.fallback is None))

    def render_partially(self, fields: Mapping[str, str]) -> RenderedMessage:
        """As `render`, but keep tags whose value is missing as they are: for previews."""
        return RenderedMessage(
            self.text.fill_partially(fields),
            self.button_url.fill_partially(fields),
            composed(self.sms_text.fill_partially(fields)),
        )

    def button_target(self, fields: Mapping[str, str]) -> str:
        """Where the button leads in the end, as `render_partially` fills it in."""
        *_short, target = self.texts_of("button_url")
        return target.fill_partially(fields)


def compile_message(campaign: Campaign) -> CompiledMessage:
    """Compile the texts of `campaign`, and of its variants."""
    tracking = tracking_of(campaign)
    return CompiledMessage(
        tracking.shortened(campaign, "text"),
        tracking.shortened(campaign, "button_url"),
        tracking.shortened(campaign, "sms_text"),
        [(link.field, link.target) for link in tracking.links],
        tracking.numbers,
        {letter: compile_message(variant) for letter, variant in others(campaign).items()}
        if campaign.variants
        else NO_VARIANTS,
    )


class PersonalLinks:
    """Puts the short links of each recipient into the messages of a campaign."""

    def __init__(self, base: str, numbers: Iterable[int], codes: LinkCodes) -> None:
        self._links = [(number, f"{base}{stand_in(number)}") for number in numbers]
        self._base, self._codes = base, codes

    def put_into(self, message: RenderedMessage, reference: str) -> RenderedMessage:
        """`message` with the codes of the recipient with this `reference`: always the same ones."""
        text, button_url, sms_text = message.text, message.button_url, message.sms_text
        for number, place in self._links:
            link = self._base + self._codes.code(reference, number)
            text = text.replace(place, link)
            button_url = button_url.replace(place, link)
            sms_text = sms_text.replace(place, link)
        return RenderedMessage(text, button_url, sms_text)


def message_for(
    campaign: Campaign, rendered: RenderedMessage, to: tuple[Address, ...], callback_url: str = ""
) -> Message:
    """Build the gateway's message with the texts `rendered` for the recipients `to`.

    The gateway sends delivery reports to `callback_url`, if given.
    """
    return Message(
        to=to,
        text=rendered.text,
        sender=campaign.sender.name if campaign.sender else "",
        promotional=campaign.promotional,
        image_url=picture_url(campaign),
        button_caption=campaign.button_caption,
        button_url=rendered.button_url,
        sms=SmsFallback(campaign.sms_sender, rendered.sms_text) if rendered.sms_text else None,
        scheduled_at=campaign.scheduled_at if campaign.timing == Timing.GATEWAY else None,
        callback_url=callback_url,
    )
