"""The message of one recipient. Preview, review and sending all render it here."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.pictures import picture_url
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


class CompiledMessage:
    """The texts of a campaign, compiled. `names` are the merge fields that any of them uses."""

    __slots__ = ("_constant", "button_url", "names", "sms_text", "text")

    def __init__(self, text: str, button_url: str = "", sms_text: str = "") -> None:
        self.text = CompiledText(text)
        self.button_url = CompiledText(button_url, encode=encode_for_link)
        self.sms_text = CompiledText(sms_text)
        self.names = self.text.names | self.button_url.names | self.sms_text.names
        self._constant = None if self.names else self._fill({})

    def _fill(self, fields: Mapping[str, str]) -> RenderedMessage:
        return RenderedMessage(
            self.text.fill(fields),
            self.button_url.fill(fields),
            composed(self.sms_text.fill(fields)),
        )

    def render(self, fields: Mapping[str, str]) -> RenderedMessage:
        """Render for a recipient with these merge `fields`. Raises merge_tags.MissingValue."""
        return self._constant or self._fill(fields)

    def required_names(self) -> list[str]:
        """The merge fields that some tag uses without a fallback value."""
        tags = [*self.text.tags, *self.button_url.tags, *self.sms_text.tags]
        return list(dict.fromkeys(tag.name for tag in tags if tag.fallback is None))

    def render_partially(self, fields: Mapping[str, str]) -> RenderedMessage:
        """As `render`, but keep tags whose value is missing as they are: for previews."""
        return RenderedMessage(
            self.text.fill_partially(fields),
            self.button_url.fill_partially(fields),
            composed(self.sms_text.fill_partially(fields)),
        )


def compile_message(campaign: Campaign) -> CompiledMessage:
    """Compile the texts of `campaign`."""
    return CompiledMessage(campaign.text, campaign.button_url, campaign.sms_text)


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
