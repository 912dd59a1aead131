"""What a check is asked for, and the message that it sends."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.compose.message import web_addresses
from campaigns.compose.message.pictures import stored_picture_url
from campaigns.compose.message.render import compile_message, message_for
from campaigns.compose.models import Campaign, Picture, Sender
from campaigns.gateway.types import Address, SendRequest

VALIDITY = 600  # seconds: who tries a message out does not want to wait long for its SMS


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check, besides the account.

    - `sender`: the Viber sender to ask a quote for, "" for none.
    - `msisdn`: one's own phone, "" for none; `sms_sender` "": without an SMS fallback.
    - `sends`: whether to send a message to it.
    - `site`: the address of the page, from which a gateway on this machine can load images.
    """

    sender: str = ""
    msisdn: str = ""
    sms_sender: str = ""
    sends: bool = False
    site: str = ""

    @property
    def base_address(self) -> str:
        """Where the gateway finds this site; "" if nobody has said that."""
        return settings.PUBLIC_BASE_URL or (self.site if web_addresses.gateway_is_local() else "")


def message_of(request: CheckRequest, picture: Picture | None) -> Campaign:
    """The message to send, as a campaign that is not stored; with `picture` where the gateway may
    reach it.
    """
    message = Campaign(
        name=_("Gateway check"),
        sender=Sender(name=request.sender),
        text=_("ViberDash: this message checks the connection to the gateway."),
        validity=VALIDITY,
    )
    if request.sms_sender:
        message.sms_sender = request.sms_sender
        message.sms_text = _("ViberDash: this SMS checks the connection to the gateway.")
    if picture and web_addresses.is_reachable(request.base_address):
        message.image = picture.file.name
        message.image_url = stored_picture_url(request.base_address, str(picture.file))
        message.button_caption = _("It works")
        message.button_url = request.base_address
    return message


def quote_request(message: Campaign, msisdn: str) -> SendRequest:
    """The request that asks what `message` to this phone costs."""
    rendered = compile_message(message).render({})
    to = (Address(msisdn, "quote0"),)
    return SendRequest((message_for(message, rendered, to),), message.validity, message.tariff)
