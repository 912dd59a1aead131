"""Store and remove the API key of a brand. Nothing shows it again: neither pages nor the trail."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.gateway.environment import kind_of
from campaigns.gateway.key_in_use import remember
from campaigns.team import audit
from campaigns.team.brand_keys.encryption import (
    Unreadable,
    can_encrypt,
    decrypt,
    encrypt,
    has_first_key,
)
from campaigns.team.models import Brand, BrandKey, User


class Refused(Exception):  # noqa: N818 - not a failure: the reason is the user's
    """The key is not stored; the message says why."""


def store(actor: User | None, brand: Brand, secret: str) -> None:
    """Let `brand` send with this API key from now on. Raises Refused without
    KEY_ENCRYPTION_KEYS.
    """
    if not can_encrypt():
        raise Refused(
            _(
                "No key can be stored: set KEY_ENCRYPTION_KEYS first, as docs/production.md says,"
                " and restart ViberDash."
            )
        )
    remember(secret)
    kind = kind_of(secret)
    with transaction.atomic():
        BrandKey.objects.update_or_create(
            brand=brand,
            defaults={
                "encrypted": encrypt(brand.pk, secret),
                "kind": kind,
                "set_at": timezone.now(),
                "set_by": actor,
            },
        )
        audit.record(actor, brand, "API key set", kind)


def remove(actor: User | None, brand: Brand) -> bool:
    """Let `brand` send with the key of the environment again. Returns whether it had its own."""
    with transaction.atomic():
        removed, _models = BrandKey.objects.filter(brand=brand).delete()
        if removed:
            audit.record(actor, brand, "API key removed")
    return bool(removed)


@transaction.atomic
def encrypt_again() -> tuple[int, list[str]]:
    """Encrypt the stored keys with the first of KEY_ENCRYPTION_KEYS that another one encrypted.

    Returns how many, and the short names of brands whose key can't be decrypted: those stay.
    """
    unreadable, encrypted = [], 0
    rows = list(BrandKey.objects.select_for_update(of=("self",)).select_related("brand"))
    for row in rows:
        try:
            secret = decrypt(row.brand_id, row.encrypted)
        except Unreadable:
            unreadable.append(row.brand.slug)
            continue
        if not has_first_key(row.encrypted):
            row.encrypted = encrypt(row.brand_id, secret)
            row.save(update_fields=["encrypted"])
            encrypted += 1
    return encrypted, unreadable
