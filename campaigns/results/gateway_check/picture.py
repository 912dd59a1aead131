"""The image address: whether this site's images can be loaded from where the gateway looks."""

from io import BytesIO
from typing import NamedTuple

import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw

from campaigns.compose.message import web_addresses
from campaigns.compose.message.pictures import store_picture, stored_picture_url
from campaigns.compose.models import Picture
from campaigns.gateway.bsg.transport import NoAnswer, Transport
from campaigns.results.gateway_check import steps
from campaigns.results.gateway_check.content import CheckRequest
from campaigns.results.gateway_check.steps import Step
from campaigns.team.models import User

TITLE = "Gateway check"  # of the image in the library
SIDE = 400  # pixels
GREEN, WHITE = (47, 158, 68), (255, 255, 255)
CHECK_MARK = [(110, 210), (175, 275), (295, 140)]  # pixels


class Loaded(NamedTuple):
    """What came from the image's address. `status` None: nothing did, for the reason `why`."""

    status: int | None
    content_type: str = ""
    content: bytes = b""
    why: str = ""


def stored_picture(actor: User | None) -> Picture:
    """The image of the library that checks send; it is drawn and added at the first one."""
    picture = Picture.objects.filter(title=TITLE).first()
    if picture and picture.file.storage.exists(str(picture.file)):
        return picture
    return store_picture(SimpleUploadedFile(f"{TITLE}.png", _drawn()), actor)


def _drawn() -> bytes:
    image = Image.new("RGB", (SIDE, SIDE), GREEN)
    ImageDraw.Draw(image).line(CHECK_MARK, WHITE, width=36, joint="curve")
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def load(url: str, connect_timeout: float, deadline: float) -> Loaded:
    """Load an image as the gateway would; timeouts are in seconds. Raises nothing."""
    transport = Transport(url, connect_timeout, deadline, 1)
    try:
        answer = transport.exchange(requests.Request("GET", url).prepare())
    except NoAnswer as failure:
        return Loaded(None, why=failure.why)
    finally:
        transport.close()
    return Loaded(answer.status, answer.headers.get("Content-Type", ""), answer.content)


def address(request: CheckRequest, image: Picture) -> str:
    """Where the gateway would load `image`; "" if it can't reach this site."""
    base = request.base_address
    return stored_picture_url(base, str(image.file)) if web_addresses.is_reachable(base) else ""


def picture_step(request: CheckRequest, image: Picture, loaded: Loaded | None) -> Step:
    """What loading `image` from its address showed; `loaded` None: it has none to try."""
    base, url = request.base_address, address(request, image)
    if not base:
        return steps.warning(
            steps.PICTURE,
            _("PUBLIC_BASE_URL is not set: BSG can't load uploaded images or send reports."),
            _("Set it to the address at which the internet reaches this site."),
        )
    if loaded is None:
        return steps.failed(
            steps.PICTURE,
            _("%(address)s can't be reached from outside.") % {"address": base},
            _("Set PUBLIC_BASE_URL to the address at which the internet reaches this site."),
        )
    if loaded.status is None:
        return steps.failed(
            steps.PICTURE,
            _("This server can't load %(url)s: %(why)s") % {"url": url, "why": loaded.why},
            _(
                "Check the name, the certificate and the proxy. In some networks a server can't"
                " reach its own public address: then only a message to your phone shows whether"
                " the image arrives."
            ),
        )
    if not _is(image, loaded):
        seen = f"HTTP {loaded.status}, {loaded.content_type or '–'}"
        return steps.failed(
            steps.PICTURE,
            _("Something else than the image is at %(url)s: %(seen)s") % {"url": url, "seen": seen},
            _("Check that PUBLIC_BASE_URL is this site, and that the proxy passes /media/ on."),
        )
    return steps.passed(
        steps.PICTURE,
        _("This server loads its own image from %(url)s.") % {"url": url},
        _("Only a phone proves that others reach it: the message to your phone has the image."),
    )


def _is(image: Picture, loaded: Loaded) -> bool:
    """Whether `image` was loaded."""
    with image.file.open() as file:
        is_same: bool = file.read() == loaded.content
    return is_same and loaded.status == 200 and loaded.content_type.startswith("image/")
