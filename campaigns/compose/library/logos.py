"""The logos of brands, which recipients see on the pages that links of messages open."""

import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from campaigns.compose.message.pictures import encode_picture, require_size
from campaigns.team import audit
from campaigns.team.models import Brand, User

FOLDER = "pictures/"  # everybody who knows the random name of an image may load it


def set_logo(brand: Brand, upload: "UploadedFile[bytes]", actor: User | None) -> None:
    """Encode an uploaded image anew, and show it as the logo of `brand`. Raises ValidationError,
    whose text says what to do.
    """
    require_size(upload)
    encoded = encode_picture(upload)
    name = f"{FOLDER}{secrets.token_hex(16)}.{encoded.ending}"
    _replace(brand, default_storage.save(name, ContentFile(encoded.content)), "logo set", actor)


def remove_logo(brand: Brand, actor: User | None) -> bool:
    """Show no logo any more. Returns whether there was one."""
    return _replace(brand, "", "logo removed", actor)


def _replace(brand: Brand, name: str, action: str, actor: User | None) -> bool:
    """Store the name of another file, and then delete that of before."""
    with transaction.atomic():
        locked = Brand.objects.select_for_update().get(pk=brand.pk)
        before, locked.logo = locked.logo, name
        if before == name:
            return False
        locked.save(update_fields=["logo"])
        audit.record(actor, locked, action, locked.name)
    if before:
        default_storage.delete(before)
    return True
