"""The picture of a message: taken in, made safe, and reachable for the gateway."""

from django.conf import settings

from campaigns.compose import addresses
from campaigns.compose.models import Campaign


def picture_address(campaign: Campaign) -> str:
    """Where the gateway fetches the campaign's picture; empty where it has none.

    An uploaded one moves with PUBLIC_BASE_URL; without it, with the address of the site at the upload.
    """
    if campaign.image and settings.PUBLIC_BASE_URL:
        return f"{settings.PUBLIC_BASE_URL}{settings.MEDIA_URL}{campaign.image.name}"
    return campaign.image_url


def is_reachable(campaign: Campaign) -> bool:
    """Whether the gateway can fetch the campaign's picture. A gateway on this machine reaches what others can't."""
    host = addresses.host_of(picture_address(campaign))
    return bool(host) and (addresses.gateway_is_local() or not addresses.is_private(host))
