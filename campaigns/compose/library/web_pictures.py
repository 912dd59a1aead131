"""Images that messages name by an address: browsers are shown a copy that this server fetched.

The message itself has the address as it was typed. Browsers load nothing from foreign hosts, which
would tell them who looks at which campaign, and the Content-Security-Policy lets them load nothing.

A page asks for the copy; a worker fetches it, so that no page waits for a foreign server.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.message.pictures import (
    UPLOAD_MAX,
    EncodedPicture,
    encode_picture,
    stored_picture_url,
)
from campaigns.compose.models import Campaign, CampaignState, CampaignTemplate, WebPicture
from campaigns.gateway.limits import is_image_address
from campaigns.shared.queue import enqueue
from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.fetch import Limits, fetch

FETCH = "campaigns.compose.library.web_pictures.fetch_requested"
LIMITS = Limits(seconds=20, size=UPLOAD_MAX)
WORKER_LOST = timedelta(minutes=1)  # what was asked for so long ago is asked for again
FAILED_FOR = timedelta(minutes=1)  # the server may have been mended since
REMOVED_AT_ONCE = 100
FRESH_FOR = timedelta(hours=1)  # drafts only: afterwards the image of a sent message is history


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """The image of a message on a page: its `path` on this site, if there is any.

    `failure`: why it could not be fetched, for the user. `pending`: the id of the copy that a
    worker is to fetch.
    """

    path: str = ""
    failure: str = ""
    pending: int | None = None


def shown_picture(campaign: Campaign) -> ShownPicture | None:
    """The image of `campaign`, saved or not, as a page shows it; None without one.

    Asks a worker for a copy that is not there, failed a while ago, or is old and of a draft.
    """
    if campaign.image:
        return ShownPicture(f"{settings.MEDIA_URL}{campaign.image}")
    if not (address := campaign.image_url):
        return None
    own = stored_picture_url(settings.PUBLIC_BASE_URL, "")
    if settings.PUBLIC_BASE_URL and address.startswith(own):
        return ShownPicture(f"{settings.MEDIA_URL}{address.removeprefix(own)}")
    if not is_image_address(address):
        return ShownPicture(failure=_("Enter the address of a JPEG or PNG image to see it here."))
    return as_shown(_requested(address, is_draft=campaign.state == CampaignState.DRAFT))


def as_shown(copy: WebPicture) -> ShownPicture:
    """A copy as a page shows it; the page asks again where it is `pending`."""
    if copy.file:
        return ShownPicture(f"{settings.MEDIA_URL}{copy.file}", copy.failure)
    return ShownPicture(failure=copy.failure, pending=copy.pk if copy.is_waiting else None)


def request_again(copy: WebPicture, *, is_draft: bool = False) -> None:
    """Ask once more for a copy that no worker has fetched for a while, or could not fetch."""
    now = timezone.now()
    due = Q(is_waiting=True, asked_at__lt=now - WORKER_LOST)
    due |= Q(is_waiting=False, fetched_at__lt=now - FAILED_FOR) & ~Q(failure="")
    if is_draft:
        due |= Q(is_waiting=False, fetched_at__lt=now - FRESH_FOR)
    if WebPicture.objects.filter(due, pk=copy.pk).update(is_waiting=True, asked_at=now):
        enqueue(FETCH, copy.pk)


def _requested(address: str, *, is_draft: bool) -> WebPicture:
    copy, is_new = WebPicture.objects.get_or_create(
        address=address, defaults={"asked_at": timezone.now()}
    )
    if is_new:
        enqueue(FETCH, copy.pk)
    else:
        request_again(copy, is_draft=is_draft)
    return copy


def fetch_requested(pk: int) -> None:
    """Task: fetch the image of a copy that a page asked for, and keep it in place of the old one.

    An image that can't be fetched any more stays as it was, with the reason.
    """
    copy = WebPicture.objects.filter(pk=pk, is_waiting=True).first()
    if copy is None:
        return
    old, failure = copy.file.name, ""
    new = old
    try:
        new = _store(_fetch(copy.address))
    except (FetchError, ValidationError) as error:
        failure = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    changes = {"file": new, "failure": failure[:300], "fetched_at": timezone.now()}
    same = WebPicture.objects.filter(pk=pk, is_waiting=True, asked_at=copy.asked_at)
    is_first = same.update(is_waiting=False, **changes)  # of two workers
    if new != old and (superseded := old if is_first else new):
        copy.file.storage.delete(superseded)


def _fetch(address: str) -> EncodedPicture:
    """The image at `address`. Raises FetchError or ValidationError."""
    with fetch(address, LIMITS, {"Accept": "image/jpeg, image/png"}) as answer:
        content = b"".join(answer.chunks())
    return encode_picture(BytesIO(content))


def _store(picture: EncodedPicture) -> str:
    """Store the image like those of the library, where anybody who knows its name may load it."""
    field = WebPicture._meta.get_field("file")
    name = f"{field.upload_to}{secrets.token_hex(16)}.{picture.ending}"
    return field.storage.save(name, ContentFile(picture.content))


def remove_old(before: datetime) -> int | None:
    """Delete some of the copies that were asked for `before` and that no campaign or template names
    any more. Returns how many; None: nothing is left.
    """
    of_brand = {"brand": OuterRef("brand")}
    campaigns = Campaign.objects.filter(image_url=OuterRef("address"), **of_brand)
    named = CampaignTemplate.objects.annotate(named=KT("content__image_url"))
    templates = named.filter(named=OuterRef("address"), **of_brand)
    old = WebPicture.objects.filter(asked_at__lt=before).order_by("pk")
    unused = list(old.exclude(Exists(campaigns)).exclude(Exists(templates))[:REMOVED_AT_ONCE])
    for copy in unused:
        copy.delete()
        if copy.file:
            transaction.on_commit(partial(copy.file.storage.delete, str(copy.file)))
    return len(unused) or None
