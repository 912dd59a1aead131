"""The one code that makes a message: preview, review and sending all read a person's words from
here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from campaigns.compose.message.merge_tags import CompiledText
from campaigns.compose.message.pictures import picture_url
from campaigns.compose.models import Campaign, Timing
from campaigns.gateway.types import Address, Message, SmsFallback


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """What one person gets. People with equal ones can share a message object."""

    text: str
    button_url: str = ""
    sms_text: str = ""


def encode_for_link(value: str) -> str:
    """A value as it may stand in a link's path or query."""
    return quote(value, safe="")


class CompiledMessage:
    """The words of a campaign, compiled. `names` are the merge fields that any of them uses."""

    __slots__ = ("_same", "button_url", "names", "sms_text", "text")

    def __init__(self, text: str, button_url: str = "", sms_text: str = "") -> None:
        self.text = CompiledText(text)
        self.button_url = CompiledText(button_url, encode=encode_for_link)
        self.sms_text = CompiledText(sms_text)
        self.names = self.text.names | self.button_url.names | self.sms_text.names
        self._same = None if self.names else self._filled({})

    def _filled(self, fields: Mapping[str, str]) -> RenderedMessage:
        return RenderedMessage(
            self.text.fill(fields), self.button_url.fill(fields), self.sms_text.fill(fields)
        )

    def for_fields(self, fields: Mapping[str, str]) -> RenderedMessage:
        """What a person with these merge `fields` gets. Raises merge.MissingValue."""
        return self._same or self._filled(fields)

    def needed(self) -> list[str]:
        """The merge fields that stand somewhere without a word instead."""
        every = [*self.text.tags, *self.button_url.tags, *self.sms_text.tags]
        return list(dict.fromkeys(tag.name for tag in every if tag.default is None))

    def sketch(self, fields: Mapping[str, str]) -> RenderedMessage:
        """As `for_fields`, with the bare tag where a value is missing: for the preview of a
        draft.
        """
        return RenderedMessage(
            self.text.sketch(fields), self.button_url.sketch(fields), self.sms_text.sketch(fields)
        )


def compile_message(campaign: Campaign) -> CompiledMessage:
    """The compiled words of `campaign`."""
    return CompiledMessage(campaign.text, campaign.button_url, campaign.sms_text)


def message_for(
    campaign: Campaign, rendered: RenderedMessage, to: tuple[Address, ...], callback_url: str = ""
) -> Message:
    """`rendered` on its way to `to`, as the gateway gets it; it reports to `callback_url`, if that
    is given.
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
