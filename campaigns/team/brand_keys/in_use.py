"""Which API keys are in use: that of the environment, and those that brands have of their own.

A brand's own key is BSG_API_KEY_NAME in the environment, or else the one that an administrator
stored. One that can't be read is no reason to send with another: the brand sends nothing.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.gateway.key_in_use import (
    GatewayKey,
    chosen_key,
    environment_key,
    key_in_use,
    remember,
    using,
)
from campaigns.team.brand_keys.encryption import Unreadable, decrypt
from campaigns.team.holds.switch import is_held
from campaigns.team.models import Brand


def environment_name(slug: str) -> str:
    """What the names of a brand's settings end with: BSG_API_KEY_ and this."""
    return slug.upper().replace("-", "_")


def brands_with_keys() -> list[Brand]:
    """All brands, each with its stored key and with `is_held`, by one query."""
    brands = Brand.objects.select_related("own_key").annotate(is_held=is_held("pk"))  # type: ignore[no-redef]
    return list(brands.order_by("pk"))


def all_keys(brands: Sequence[Brand] | None = None) -> list[GatewayKey]:
    """All keys: first that of the environment, then those of brands, each once, also those with a
    problem.

    `brands`: as of `brands_with_keys`, which is asked if they are not given.
    """
    brands = brands_with_keys() if brands is None else brands
    names = Counter(environment_name(brand.slug) for brand in brands)
    shared = environment_key()
    own: dict[tuple[str, str, int], GatewayKey] = {}
    others: set[int] = set()
    for brand in brands:
        key = _own_key(brand, is_ambiguous=names[environment_name(brand.slug)] > 1)
        if key is None or (key.address, key.secret) == (shared.address, shared.secret):
            continue
        others.add(brand.pk)
        # keys with a problem have nothing in common
        name = (key.address, key.secret, brand.pk if key.problem else 0)
        first = own.get(name, key)
        own[name] = replace(first, brands=first.brands | {brand.pk})
    return [replace(shared, others=frozenset(others)), *own.values()]


def keys_in_use() -> list[GatewayKey]:
    """The keys that can be used, in the order of `all_keys`. One query."""
    return [key for key in all_keys() if not key.problem]


def key_of_brand(brand_id: int, brands: Sequence[Brand] | None = None) -> GatewayKey:
    """The key of a brand: its own, or that of the environment. `brands` as of `all_keys`."""
    return next(key for key in all_keys(brands) if key.serves(brand_id))


def using_key_of(brand_id: int | None) -> AbstractContextManager[GatewayKey]:
    """Within it, the key of the brand is in use. Nothing changes if the one that was chosen is the
    brand's, nor for None, which is no brand.
    """
    chosen = chosen_key()
    if brand_id is None or (chosen and chosen.serves(brand_id)):
        return nullcontext(key_in_use())
    return using(key_of_brand(brand_id))


def is_in_environment(brand: Brand) -> bool:
    """Whether the environment has a key for the brand: a stored one does not count then."""
    return environment_name(brand.slug) in settings.BRAND_API_KEYS


def _own_key(brand: Brand, *, is_ambiguous: bool) -> GatewayKey | None:
    """The brand's own key; None if it has none."""
    name = environment_name(brand.slug)
    address = settings.BRAND_API_URLS.get(name, settings.BSG_API_URL)
    problem = ""
    secret = settings.BRAND_API_KEYS.get(name, "")
    if secret and is_ambiguous:
        text = _("The name BSG_API_KEY_%(name)s fits several brands, so none of them sends.")
        secret, problem = "", text % {"name": name}
    elif not secret:
        stored = getattr(brand, "own_key", None)
        if stored is None:
            return None
        try:
            secret = decrypt(brand.pk, stored.encrypted)
        except Unreadable:
            problem = unreadable_text(brand)
    remember(secret)
    return GatewayKey(
        address, secret, owner=brand.pk, brands=frozenset({brand.pk}), problem=problem
    )


def unreadable_text(brand: Brand) -> str:
    """What pages say where the stored key of a brand can't be decrypted."""
    return _(
        "The API key of the brand “%(name)s” can't be decrypted, so nothing is sent for it."
        " KEY_ENCRYPTION_KEYS lacks the key that encrypted it: add that one, or set the API key"
        " again."
    ) % {"name": brand.name}
